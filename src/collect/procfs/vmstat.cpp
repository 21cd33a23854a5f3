// SPDX-License-Identifier: Apache-2.0
#include "collect/procfs/vmstat.h"

#include "collect/scanner.h"

namespace inferscope::collect {
namespace {

/// Node exporter's expression: ^(oom_kill|pgpg|pswp|pg.*fault).*
bool is_wanted(std::string_view key) {
    return key.starts_with("oom_kill") || key.starts_with("pgpg") || key.starts_with("pswp") ||
           (key.starts_with("pg") && key.contains("fault"));
}

}  // namespace

std::vector<VmEvent> parse_vmstat(std::string_view text) {
    std::vector<VmEvent> events;
    while (auto line = take_line(text)) {
        const auto key = take_word(*line);
        if (!is_wanted(key)) continue;
        if (const auto count = take_unsigned(*line)) events.push_back({key, *count});
    }
    return events;
}

}  // namespace inferscope::collect
