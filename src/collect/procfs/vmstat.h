// SPDX-License-Identifier: Apache-2.0
// /proc/vmstat: events of the memory manager since boot. Source: proc_vmstat(5).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace inferscope::collect {

struct VmEvent {
    std::string_view key;  ///< view into the text
    std::uint64_t count = 0;
};

/// Of some 150 counters those that node exporter keeps by default: oom_kill, pgpg*, pswp*, pgfault,
/// pgmajfault.
std::vector<VmEvent> parse_vmstat(std::string_view text);

}  // namespace inferscope::collect
