// SPDX-License-Identifier: Apache-2.0
// Windows over samples that a test writes down.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "promql/language.h"
#include "promql/step_values.h"
#include "promql/window_functions.h"
#include "promql/windows.h"
#include "telemetry/sample.h"

namespace inferscope::promql {

struct WindowTimes {
    Timestamp first = 0;  ///< when step 0 is evaluated
    Timestamp step = 0;
    std::size_t steps = 1;
    Timestamp range = 0;
    Timestamp offset = 0;
    Timestamp before = 0;  ///< how much further back samples are given: for anchored and smoothed
    Timestamp behind = 0;  ///< likewise beyond the end
};

/// Owns what `view` shows.
class TestWindows {
public:
    TestWindows(const std::vector<Sample>& samples, const WindowTimes& times,
                Dialect dialect = Dialect::prometheus3) {
        for (const Sample& sample : samples) {
            times_.push_back(sample.time);
            values_.push_back(sample.value);
        }
        for (std::size_t at = 0; at < times.steps; ++at) {
            const Timestamp end =
                times.first - times.offset + static_cast<Timestamp>(at) * times.step;
            const Timestamp start = end - times.range - times.before;
            const bool closed = dialect == Dialect::prometheus2;
            begins_.push_back(count_before(closed ? start : start + 1));
            ends_.push_back(count_before(end + times.behind + 1));
        }
        view = {.times = times_,
                .values = values_,
                .begins = begins_,
                .ends = ends_,
                .first_start = times.first - times.offset - times.range,
                .first_end = times.first - times.offset,
                .step = times.step,
                .first_time = times.first,
                .time_step = times.step};
    }
    TestWindows(const TestWindows&) = delete;
    TestWindows& operator=(const TestWindows&) = delete;

    /// What the function of that name gives, a value for each step.
    [[nodiscard]] std::vector<double> evaluate(
        std::string_view name, Dialect dialect = Dialect::prometheus3,
        const WindowParameters& parameters = {},
        VectorSelector::Window kind = VectorSelector::Window::plain) const {
        std::vector<double> out(view.steps());
        find_window_function(name, dialect, kind)->evaluate(view, parameters, out);
        return out;
    }

    Windows view;

private:
    [[nodiscard]] std::uint32_t count_before(Timestamp time) const {
        std::uint32_t count = 0;
        while (count < times_.size() && times_[count] < time) ++count;
        return count;
    }

    std::vector<Timestamp> times_;
    std::vector<double> values_;
    std::vector<std::uint32_t> begins_;
    std::vector<std::uint32_t> ends_;
};

}  // namespace inferscope::promql
