// SPDX-License-Identifier: Apache-2.0
#include "api/json_pages.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "net/secrets.h"
#include "promql/formats.h"

namespace inferscope::api {
namespace {

using Json = nlohmann::ordered_json;

/// Texts come from targets: what isn't UTF-8 is replaced, never thrown at.
std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json to_json(const Labels& labels) {
    Json json = Json::object();
    for (const auto& label : labels) json[std::string(label.name)] = std::string(label.value);
    return json;
}

/// Before relabelling the URL's parameters are labels, too: what would be redacted there isn't
/// shown here.
Json to_redacted_json(const Labels& discovered) {
    static constexpr std::string_view kParameter = "__param_";
    Json json = to_json(discovered);
    for (auto& [name, value] : json.items()) {
        if (name.starts_with(kParameter) && net::sounds_secret(name)) value = "***";
    }
    return json;
}

std::string_view to_string(scrape::Health health) {
    switch (health) {
        case scrape::Health::up:
            return "up";
        case scrape::Health::down:
            return "down";
        case scrape::Health::unknown:
            break;
    }
    return "unknown";
}

std::string_view to_string(const mapping::Identity& identity) {
    if (identity.runtime.empty()) return "unknown";
    switch (identity.kind) {
        case mapping::Kind::engine:
            return "engine";
        case mapping::Kind::router:
            return "router";
        case mapping::Kind::exporter:
            return "exporter";
    }
    return "unknown";
}

Json to_json(const scrape::TargetStatus& status) {
    const auto& target = *status.target;
    Json missing = Json::array();
    for (const auto& family : status.missing) {
        missing.push_back({{"family", family.engine_family},
                           {"unified", family.unified},
                           {"renamedIn", family.renamed_in},
                           {"knownAs", family.known_as}});
    }
    return {{"discoveredLabels", to_redacted_json(target.discovered_labels)},
            {"labels", to_json(target.labels)},
            {"scrapePool", target.job},
            {"scrapeUrl", target.url.redacted()},
            {"globalUrl", target.url.redacted()},
            {"lastError", status.last_error},
            {"lastScrape",
             status.last_scrape == 0 ? "0001-01-01T00:00:00Z" : rfc3339(status.last_scrape)},
            {"lastScrapeDuration", to_seconds(status.last_duration)},
            {"health", to_string(status.health)},
            {"scrapeInterval", promql::format_duration(target.interval)},
            {"scrapeTimeout", promql::format_duration(target.timeout)},
            {"inferscope",
             {{"runtime", status.identity.runtime},
              {"version", status.identity.version},
              {"kind", to_string(status.identity)},
              {"samples", status.samples},
              {"duplicateLines", status.duplicates},
              {"slowed", status.slowed},
              {"intervalInForce", promql::format_duration(status.interval)},
              {"missingFamilies", std::move(missing)}}}};
}

}  // namespace

std::string rfc3339(Timestamp time) {
    const auto seconds = static_cast<std::time_t>(time / 1000);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), time % 1000);
}

net::HttpResponse json_error(int status, std::string_view error_type, std::string_view text) {
    return net::HttpResponse::json(
        status, dump({{"status", "error"}, {"errorType", error_type}, {"error", text}}));
}

std::string targets_json(const std::vector<scrape::TargetStatus>& active,
                         const std::vector<discovery::DroppedTarget>& dropped,
                         std::string_view state) {
    Json active_json = Json::array();
    Json dropped_json = Json::array();
    std::map<std::string, std::size_t> counts;
    for (const auto& status : active) counts.try_emplace(status.target->job, 0);
    for (const auto& target : dropped) ++counts[target.job];
    if (state != "dropped") {
        for (const auto& status : active) active_json.push_back(to_json(status));
    }
    if (state != "active") {
        for (const auto& target : dropped) {
            Json entry{{"discoveredLabels", to_redacted_json(target.discovered_labels)}};
            if (!target.error.empty()) entry["error"] = target.error;
            dropped_json.push_back(std::move(entry));
        }
    }
    return dump({{"status", "success"},
                 {"data",
                  {{"activeTargets", std::move(active_json)},
                   {"droppedTargets", std::move(dropped_json)},
                   {"droppedTargetCounts", counts}}}});
}

}  // namespace inferscope::api
