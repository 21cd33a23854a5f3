// SPDX-License-Identifier: Apache-2.0
// The times at which an expression is evaluated.
#pragma once

#include <cstddef>

#include "base/time.h"

namespace inferscope::promql {

/// `count` times from `start` on, `interval` milliseconds apart. An instant query has one.
struct Steps {
    Timestamp start = 0;
    Timestamp interval = 1;  ///< positive
    std::size_t count = 1;

    [[nodiscard]] Timestamp time(std::size_t step) const {
        return start + static_cast<Timestamp>(step) * interval;
    }
    /// There must be one.
    [[nodiscard]] Timestamp last() const { return time(count - 1); }
    /// What doesn't depend on the time is evaluated at the first step alone.
    [[nodiscard]] Steps first() const { return {start, interval, count == 0 ? 0U : 1U}; }
};

}  // namespace inferscope::promql
