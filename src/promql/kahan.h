// SPDX-License-Identifier: Apache-2.0
// Sums whose lost low bits are kept beside them (Kahan's method in Neumaier's form).
// Source: Prometheus 3.14, util/kahansum; 2.42, promql/functions.go (kahanSumInc).
#pragma once

#include <cmath>

#include "promql/language.h"

namespace inferscope::promql {

inline bool is_infinite(double value) { return std::fabs(value) > __DBL_MAX__; }

/// In dialect 2 the lost bits of an infinite sum are NaN, in dialect 3 they are 0.
template <Dialect kDialect>
struct KahanSum {
    double sum = 0;
    double lost = 0;

    void add(double value) {
        const double total = sum + value;
        const bool keeps_sum = std::fabs(sum) >= std::fabs(value);
        const double larger = keeps_sum ? sum : value;
        const double smaller = keeps_sum ? value : sum;
        lost += (larger - total) + smaller;
        if constexpr (kDialect == Dialect::prometheus3) {
            if (is_infinite(total)) lost = 0;
        }
        sum = total;
    }
    [[nodiscard]] double total() const { return sum + lost; }
};

}  // namespace inferscope::promql
