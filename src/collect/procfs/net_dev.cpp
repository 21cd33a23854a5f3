// SPDX-License-Identifier: Apache-2.0
#include "collect/procfs/net_dev.h"

#include "collect/scanner.h"

namespace inferscope::collect {
namespace {

bool read_counters(std::string_view line, NetDevice& device) {
    for (auto& counter : device.counters) {
        const auto value = take_unsigned(line);
        if (!value) return false;
        counter = *value;
    }
    return true;
}

}  // namespace

Result<std::vector<NetDevice>> parse_net_dev(std::string_view text) {
    const auto first = take_line(text).value_or("");
    const auto second = take_line(text).value_or("");
    if (!first.starts_with("Inter-") || !second.contains("bytes")) {
        return Error{Errc::invalid_argument, "no header of two lines"};
    }
    std::vector<NetDevice> devices;
    while (auto line = take_line(text)) {
        const auto colon = line->rfind(':');  // an alias ("eth0:1") holds one, too
        if (colon == std::string_view::npos) continue;
        auto head = line->substr(0, colon);
        NetDevice device{.name = take_word(head), .counters = {}};
        if (!device.name.empty() && read_counters(line->substr(colon + 1), device)) {
            devices.push_back(device);
        }
    }
    return devices;
}

}  // namespace inferscope::collect
