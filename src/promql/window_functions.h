// SPDX-License-Identifier: Apache-2.0
// The functions over range vectors: a series' windows in, one value for each step out.
// Source: Prometheus 3.14 and 2.42, promql/functions.go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "promql/ast.h"
#include "promql/language.h"
#include "promql/windows.h"

namespace inferscope::promql {

/// A function's scalar arguments in the order in which they are written, the range left out: one
/// value for each step. predict_linear: seconds; quantile_over_time: φ;
/// double_exponential_smoothing and holt_winters: smoothing factor, trend factor.
struct WindowParameters {
    std::span<const double> first{};
    std::span<const double> second{};
};

/// Fills `out`, as long as there are steps, with kAbsent where there is no sample.
using WindowFunction = void (*)(const Windows& windows, const WindowParameters& parameters,
                                std::span<double> out);

struct WindowFunctionInfo {
    std::string_view name;
    WindowFunction evaluate;
    std::size_t parameters = 0;     ///< how many scalars
    bool keeps_name = false;        ///< the metric's name stays: last_over_time, first_over_time
    bool is_for_counters = false;   ///< "metric might not be a counter" is told of others
    bool is_extrapolating = false;  ///< profits from Windows::extrapolation
};

/// Nothing if the dialect has no function over windows of that name. `absent_over_time` is none of
/// them: it looks at all series together.
///
/// Anchored windows (of rate, increase, delta, changes, resets) and smoothed ones (of the first
/// three) are functions of their own; for others there is none. They are given more samples: begins
/// reach one lookback further back than the window, and ends of smoothed ones one lookback beyond
/// it, while the starts and ends remain those of the window itself.
const WindowFunctionInfo* find_window_function(
    std::string_view name, Dialect dialect,
    VectorSelector::Window window = VectorSelector::Window::plain);

/// Why double exponential smoothing refuses its factors, in Prometheus's words; nothing if it takes
/// them. To be asked for each step at which some window has a sample.
std::optional<std::string> check_smoothing(double smoothing_factor, double trend_factor);

}  // namespace inferscope::promql
