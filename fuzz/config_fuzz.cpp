// SPDX-License-Identifier: Apache-2.0
// The whole configuration file, and lists of targets: whatever somebody writes, it is an error or a
// value.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "app/config.h"
#include "base/check.h"
#include "discovery/target_finder.h"
#include "discovery/target_groups.h"

namespace {

void read_all(std::string_view text) {
    using namespace inferscope;
    const auto json = discovery::parse_target_groups_json(text, "x.json");
    const auto yaml = discovery::parse_target_groups_yaml(text, "x.yml");
    const auto config = app::parse_config(text, "x.yml");
    CHECK(json || !json.error().text.empty(), "an error has a text");
    CHECK(yaml || !yaml.error().text.empty(), "an error has a text");
    CHECK(config || !config.error().text.empty(), "an error has a text");
    if (!config) return;
    // Only label sets: files, processes and servers are not for a fuzzer.
    auto discovery = config->discovery();
    discovery.processes = false;
    for (auto& job : discovery.scrape_configs) job.file_sd_configs.clear();
    discovery::TargetFinder finder;
    finder.apply(std::move(discovery));
    for (const auto& target : finder.look({}, {})->targets) {
        CHECK(target->timeout <= target->interval, "a scrape ends before the next one");
        CHECK(!target->labels.get("instance").empty(), "a target has an instance");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    read_all({reinterpret_cast<const char*>(data), size});
    return 0;
}
