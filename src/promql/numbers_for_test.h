// SPDX-License-Identifier: Apache-2.0
// Values that tests give and expect where arithmetic ends.
#pragma once

#include <limits>

namespace inferscope::promql {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace inferscope::promql
