// SPDX-License-Identifier: Apache-2.0
// What a range function sees of one series: at every step the samples of a window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/time.h"

namespace inferscope::promql {

class Extrapolation;

/// As Go's Duration.Seconds: whole seconds and the rest are divided apart.
double seconds(Timestamp millis);

/// The samples of one series and, for each step, which of them lie in the window. Times rise
/// strictly, and no value is a stale marker. Windows slide forwards: neither begins nor ends ever
/// fall from step to step. All spans belong to the caller.
struct Windows {
    std::span<const Timestamp> times;
    std::span<const double> values;         ///< one for each time
    std::span<const std::uint32_t> begins;  ///< for each step: the first sample in the window
    std::span<const std::uint32_t> ends;    ///< for each step: one behind the last
    Timestamp first_start =
        0;  ///< step k's window is (first_start + k * step, first_end + k * step];
    Timestamp first_end = 0;   ///< in dialect 2 closed on the left
    Timestamp step = 0;        ///< ms between windows; 0 under `@`
    Timestamp first_time = 0;  ///< when step 0 is evaluated: first_end without offset and `@`
    Timestamp time_step = 0;   ///< ms between evaluations
    bool never_falls = false;  ///< known: no value is NaN or less than the one before

    /// What rate, increase and delta need of the times alone. Made once for all the columns that
    /// share times and bounds; none: they find it out for themselves.
    const Extrapolation* extrapolation = nullptr;

    [[nodiscard]] std::size_t steps() const { return begins.size(); }
    [[nodiscard]] Timestamp start(std::size_t at) const {
        return first_start + static_cast<Timestamp>(at) * step;
    }
    [[nodiscard]] Timestamp end(std::size_t at) const {
        return first_end + static_cast<Timestamp>(at) * step;
    }
    [[nodiscard]] Timestamp time(std::size_t at) const {
        return first_time + static_cast<Timestamp>(at) * time_step;
    }
};

/// How far rate, increase and delta reach beyond the first and the last sample of each window: what
/// follows from the times, before a counter's zero point is looked at.
class Extrapolation {
public:
    struct Step {
        double sampled_seconds = 0;  ///< first sample -> last one; 0: fewer than two samples
        double average_seconds = 0;  ///< between two samples
        double start_seconds = 0;    ///< first sample -> start of the window
        double reach_seconds = 0;    ///< the same, if far away no more than half of the average
        double end_seconds = 0;      ///< likewise last sample -> end of the window
        double factor = 0;           ///< increase seen -> increase in the window
        double rate_factor = 0;      ///< increase seen -> increase per second

        /// So far from the window's end a sample means that the series doesn't fill the window.
        [[nodiscard]] double far_seconds() const { return average_seconds * 1.1; }
        /// The factor if the increase began `reach` before the first sample.
        [[nodiscard]] double factor_from(double reach) const {
            return (sampled_seconds + reach + end_seconds) / sampled_seconds;
        }
    };

    /// Reads the times and bounds of `windows`, not its values.
    explicit Extrapolation(const Windows& windows);

    [[nodiscard]] Step operator[](std::size_t at) const {
        if (!values_) return {};
        const auto value = [&](std::size_t number) { return values_[number * count_ + at]; };
        return {value(0), value(1), value(2), value(3), value(4), value(5), value(6)};
    }
    [[nodiscard]] double range_seconds() const { return range_seconds_; }

private:
    double range_seconds_;
    std::size_t count_;  // steps
    /// Of all steps the first member of Step, then the second, ...; null: all are zero.
    std::unique_ptr<double[]> values_;
};

}  // namespace inferscope::promql
