// SPDX-License-Identifier: Apache-2.0
#include "promql/window_functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "promql/functions.h"
#include "promql/window_kernels.h"

namespace inferscope::promql {
namespace {

using enum Dialect;
using Infos = std::span<const WindowFunctionInfo>;

template <Dialect kDialect>
constexpr std::array kPlain{
    WindowFunctionInfo{.name = "avg_over_time", .evaluate = avg_over_time<kDialect>},
    WindowFunctionInfo{.name = "changes", .evaluate = changes},
    WindowFunctionInfo{.name = "count_over_time", .evaluate = count_over_time},
    WindowFunctionInfo{.name = "delta", .evaluate = delta, .is_extrapolating = true},
    WindowFunctionInfo{.name = "deriv", .evaluate = deriv<kDialect>},
    WindowFunctionInfo{.name = "double_exponential_smoothing",
                       .evaluate = double_exponential_smoothing,
                       .parameters = 2},
    WindowFunctionInfo{.name = "first_over_time", .evaluate = first_over_time, .keeps_name = true},
    WindowFunctionInfo{
        .name = "holt_winters", .evaluate = double_exponential_smoothing, .parameters = 2},
    WindowFunctionInfo{.name = "idelta", .evaluate = idelta},
    WindowFunctionInfo{.name = "increase",
                       .evaluate = increase<kDialect>,
                       .is_for_counters = true,
                       .is_extrapolating = true},
    WindowFunctionInfo{.name = "irate", .evaluate = irate},
    WindowFunctionInfo{.name = "last_over_time", .evaluate = last_over_time, .keeps_name = true},
    WindowFunctionInfo{.name = "mad_over_time", .evaluate = mad_over_time},
    WindowFunctionInfo{.name = "max_over_time", .evaluate = max_over_time},
    WindowFunctionInfo{.name = "min_over_time", .evaluate = min_over_time},
    WindowFunctionInfo{
        .name = "predict_linear", .evaluate = predict_linear<kDialect>, .parameters = 1},
    WindowFunctionInfo{.name = "present_over_time", .evaluate = present_over_time},
    WindowFunctionInfo{
        .name = "quantile_over_time", .evaluate = quantile_over_time, .parameters = 1},
    WindowFunctionInfo{.name = "rate",
                       .evaluate = rate<kDialect>,
                       .is_for_counters = true,
                       .is_extrapolating = true},
    WindowFunctionInfo{.name = "resets", .evaluate = resets},
    WindowFunctionInfo{.name = "stddev_over_time", .evaluate = stddev_over_time<kDialect>},
    WindowFunctionInfo{.name = "stdvar_over_time", .evaluate = stdvar_over_time<kDialect>},
    WindowFunctionInfo{.name = "sum_over_time", .evaluate = sum_over_time},
    WindowFunctionInfo{.name = "ts_of_first_over_time", .evaluate = ts_of_first_over_time},
    WindowFunctionInfo{.name = "ts_of_last_over_time", .evaluate = ts_of_last_over_time},
    WindowFunctionInfo{.name = "ts_of_max_over_time", .evaluate = ts_of_max_over_time},
    WindowFunctionInfo{.name = "ts_of_min_over_time", .evaluate = ts_of_min_over_time},
};

constexpr std::array kAnchored{
    WindowFunctionInfo{.name = "changes", .evaluate = anchored_changes},
    WindowFunctionInfo{.name = "delta", .evaluate = anchored_delta},
    WindowFunctionInfo{.name = "increase", .evaluate = anchored_increase, .is_for_counters = true},
    WindowFunctionInfo{.name = "rate", .evaluate = anchored_rate, .is_for_counters = true},
    WindowFunctionInfo{.name = "resets", .evaluate = anchored_resets},
};

constexpr std::array kSmoothed{
    WindowFunctionInfo{.name = "delta", .evaluate = smoothed_delta},
    WindowFunctionInfo{.name = "increase", .evaluate = smoothed_increase, .is_for_counters = true},
    WindowFunctionInfo{.name = "rate", .evaluate = smoothed_rate, .is_for_counters = true},
};

static_assert(std::ranges::is_sorted(kPlain<prometheus3>, {}, &WindowFunctionInfo::name));
static_assert(std::ranges::is_sorted(kAnchored, {}, &WindowFunctionInfo::name));
static_assert(std::ranges::is_sorted(kSmoothed, {}, &WindowFunctionInfo::name));

Infos infos_of(Dialect dialect, VectorSelector::Window window) {
    switch (window) {
        case VectorSelector::Window::anchored:
            return kAnchored;
        case VectorSelector::Window::smoothed:
            return kSmoothed;
        case VectorSelector::Window::plain:
            break;
    }
    return dialect == prometheus2 ? Infos(kPlain<prometheus2>) : Infos(kPlain<prometheus3>);
}

/// As Go's "%f".
std::string in_decimals(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    return fmt::format("{:f}", value);
}

}  // namespace

const WindowFunctionInfo* find_window_function(std::string_view name, Dialect dialect,
                                               VectorSelector::Window window) {
    const Infos infos = infos_of(dialect, window);
    const auto found = std::ranges::lower_bound(infos, name, {}, &WindowFunctionInfo::name);
    if (found == infos.end() || found->name != name) return nullptr;
    return find_function(name, dialect) == nullptr ? nullptr : &*found;
}

std::optional<std::string> check_smoothing(double smoothing_factor, double trend_factor) {
    if (smoothing_factor <= 0 || smoothing_factor >= 1) {
        return fmt::format("invalid smoothing factor. Expected: 0 < sf < 1, got: {}",
                           in_decimals(smoothing_factor));
    }
    if (trend_factor <= 0 || trend_factor >= 1) {
        return fmt::format("invalid trend factor. Expected: 0 < tf < 1, got: {}",
                           in_decimals(trend_factor));
    }
    return std::nullopt;
}

}  // namespace inferscope::promql
