// SPDX-License-Identifier: Apache-2.0
// The φ-quantile of numbers. Source: Prometheus, promql/quantile.go (quantile).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace inferscope::promql {

/// An order of all numbers: NaNs first.
inline bool nan_first_less(double a, double b) {
    return a < b || (std::isnan(a) && !std::isnan(b));
}

/// `at(i)` gives the number that would stand at place i of `count` sorted ones; it is asked for a
/// place and then for the next one. Between two values: their average, weighted by the distance.
template <typename At>
double quantile_by_place(double quantile, std::size_t count, const At& at) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (count == 0 || std::isnan(quantile)) return std::numeric_limits<double>::quiet_NaN();
    if (quantile < 0) return -kInfinity;
    if (quantile > 1) return kInfinity;
    const double rank = quantile * static_cast<double>(count - 1);
    const double below = std::floor(rank);
    const auto lower = static_cast<std::size_t>(below);
    const double weight = rank - below;
    const double lower_value = at(lower);
    return lower_value * (1 - weight) + at(std::min(count - 1, lower + 1)) * weight;
}

/// Numbers sorted by nan_first_less.
inline double quantile_of_sorted(double quantile, std::span<const double> sorted) {
    return quantile_by_place(quantile, sorted.size(), [&](std::size_t i) { return sorted[i]; });
}

/// Numbers in any order, which this changes.
inline double quantile_of(double quantile, std::span<double> values) {
    auto rest = values.begin();  // behind what stands in its place
    return quantile_by_place(quantile, values.size(), [&](std::size_t place) {
        const auto found = values.begin() + static_cast<std::ptrdiff_t>(place);
        if (found < rest) return *found;
        if (found == rest && place > 0) {
            std::iter_swap(found, std::min_element(found, values.end(), nan_first_less));
        } else {
            std::nth_element(values.begin(), found, values.end(), nan_first_less);
        }
        rest = found + 1;
        return *found;
    });
}

}  // namespace inferscope::promql
