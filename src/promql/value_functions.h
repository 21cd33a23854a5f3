// SPDX-License-Identifier: Apache-2.0
// The functions that make one number of another, over a column at once.
// Source: Prometheus 3.14 and 2.42, promql/functions.go; Go's package math for special cases.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "promql/language.h"

namespace inferscope::promql {

/// A function's scalar arguments in the order in which they are written: one value for each step.
/// clamp: minimum, maximum; clamp_min, clamp_max: one bound; round: to the nearest of what, empty
/// for 1.
struct ValueParameters {
    std::span<const double> first{};
    std::span<const double> second{};
};

/// `in` and `out` are of equal length, and may be the same. What is absent stays absent; clamp also
/// gives kAbsent where its maximum is below its minimum.
using ValueFunction = void (*)(std::span<const double> in, const ValueParameters& parameters,
                               std::span<double> out);

/// Arithmetic, rounding, trigonometry, and the parts of a date (UTC, of seconds since the epoch):
/// all of which drop the metric's name. None if there is no such function.
ValueFunction find_value_function(std::string_view name, Dialect dialect);

}  // namespace inferscope::promql
