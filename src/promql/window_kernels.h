// SPDX-License-Identifier: Apache-2.0
// The functions behind window_functions.h, by file. All fill one value for each step.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "promql/language.h"
#include "promql/step_values.h"
#include "promql/window_functions.h"

namespace inferscope::promql {

/// What the samples of a window become if that needs nothing but their values, in order.
/// kFewest: with fewer samples there is no value.
template <std::size_t kFewest, typename Function>
void for_each_window(const Windows& windows, std::span<double> out, const Function& function) {
    for (std::size_t at = 0; at < out.size(); ++at) {
        const std::uint32_t begin = windows.begins[at];
        const std::uint32_t end = windows.ends[at];
        out[at] = end < begin + kFewest
                      ? kAbsent
                      : function(windows.values.subspan(begin, end - begin), begin, at);
    }
}

/// The samples that some window may have: [begin, end).
struct UsedSamples {
    explicit UsedSamples(const Windows& windows)
        : begin(windows.steps() == 0 ? 0 : windows.begins.front()),
          end(windows.steps() == 0 ? 0 : windows.ends.back()) {}
    [[nodiscard]] std::size_t size() const { return end - begin; }

    std::uint32_t begin;
    std::uint32_t end;
};

/// What changes() and resets() count.
inline bool is_change(double previous, double value) {
    return value != previous && !(std::isnan(value) && std::isnan(previous));
}
inline bool is_reset(double previous, double value) { return value < previous; }

// window_rates.cpp: differences between the first and the last samples.
template <Dialect kDialect>
void rate(const Windows&, const WindowParameters&, std::span<double> out);
template <Dialect kDialect>
void increase(const Windows&, const WindowParameters&, std::span<double> out);
void delta(const Windows&, const WindowParameters&, std::span<double> out);
void irate(const Windows&, const WindowParameters&, std::span<double> out);
void idelta(const Windows&, const WindowParameters&, std::span<double> out);
void changes(const Windows&, const WindowParameters&, std::span<double> out);
void resets(const Windows&, const WindowParameters&, std::span<double> out);

// window_extended.cpp: windows whose ends are samples outside of them, or made between two.
void anchored_rate(const Windows&, const WindowParameters&, std::span<double> out);
void anchored_increase(const Windows&, const WindowParameters&, std::span<double> out);
void anchored_delta(const Windows&, const WindowParameters&, std::span<double> out);
void anchored_changes(const Windows&, const WindowParameters&, std::span<double> out);
void anchored_resets(const Windows&, const WindowParameters&, std::span<double> out);
void smoothed_rate(const Windows&, const WindowParameters&, std::span<double> out);
void smoothed_increase(const Windows&, const WindowParameters&, std::span<double> out);
void smoothed_delta(const Windows&, const WindowParameters&, std::span<double> out);

// window_sums.cpp: sums, averages, trends; each window's from its first sample on.
void sum_over_time(const Windows&, const WindowParameters&, std::span<double> out);
template <Dialect kDialect>
void avg_over_time(const Windows&, const WindowParameters&, std::span<double> out);
template <Dialect kDialect>
void stddev_over_time(const Windows&, const WindowParameters&, std::span<double> out);
template <Dialect kDialect>
void stdvar_over_time(const Windows&, const WindowParameters&, std::span<double> out);
template <Dialect kDialect>
void deriv(const Windows&, const WindowParameters&, std::span<double> out);
template <Dialect kDialect>
void predict_linear(const Windows&, const WindowParameters&, std::span<double> out);
void double_exponential_smoothing(const Windows&, const WindowParameters&, std::span<double> out);

// window_picks.cpp: one sample of each window, or a place between two in the order of values.
void count_over_time(const Windows&, const WindowParameters&, std::span<double> out);
void present_over_time(const Windows&, const WindowParameters&, std::span<double> out);
void first_over_time(const Windows&, const WindowParameters&, std::span<double> out);
void last_over_time(const Windows&, const WindowParameters&, std::span<double> out);
void max_over_time(const Windows&, const WindowParameters&, std::span<double> out);
void min_over_time(const Windows&, const WindowParameters&, std::span<double> out);
void ts_of_first_over_time(const Windows&, const WindowParameters&, std::span<double> out);
void ts_of_last_over_time(const Windows&, const WindowParameters&, std::span<double> out);
void ts_of_max_over_time(const Windows&, const WindowParameters&, std::span<double> out);
void ts_of_min_over_time(const Windows&, const WindowParameters&, std::span<double> out);
void quantile_over_time(const Windows&, const WindowParameters&, std::span<double> out);
void mad_over_time(const Windows&, const WindowParameters&, std::span<double> out);

}  // namespace inferscope::promql
