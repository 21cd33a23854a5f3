// SPDX-License-Identifier: Apache-2.0
// /proc/net/dev: what each network interface moved since it came up. Source: proc_pid_net(5).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace inferscope::collect {

struct NetDevice {
    std::string_view name;  ///< view into the text
    /// receive: bytes packets errs drop fifo frame compressed multicast;
    /// transmit: bytes packets errs drop fifo colls carrier compressed.
    std::array<std::uint64_t, 16> counters{};
};

/// Fails with invalid_argument if the two header lines are missing. Damaged lines are skipped.
Result<std::vector<NetDevice>> parse_net_dev(std::string_view text);

}  // namespace inferscope::collect
