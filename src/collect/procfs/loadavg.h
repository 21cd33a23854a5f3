// SPDX-License-Identifier: Apache-2.0
// /proc/loadavg and /proc/uptime: lines of a few decimal numbers. Source: proc_loadavg(5),
// proc_uptime(5).
#pragma once

#include <array>
#include <string_view>

#include "base/result.h"

namespace inferscope::collect {

/// Means over 1, 5 and 15 minutes. Fails with invalid_argument.
Result<std::array<double, 3>> parse_loadavg(std::string_view text);

/// Seconds since boot. Fails with invalid_argument.
Result<double> parse_uptime(std::string_view text);

}  // namespace inferscope::collect
