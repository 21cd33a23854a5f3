// SPDX-License-Identifier: Apache-2.0
#include "probe/round.h"

#include <fmt/format.h>

namespace inferscope::probe {
namespace {

std::string explain(const Endpoints& endpoints, const Exchange& health, bool is_loading) {
    if (health.status == 200) return {};
    if (health.status == 0) return health.error.text;
    std::string why = fmt::format("HTTP {} from {}", health.status, endpoints.health);
    if (wants_key(health.status)) return "needs a key: " + why;
    return is_loading ? "loads its model: " + why : why;
}

}  // namespace

void note_health(ProbeResult& result, const Endpoints& endpoints, const Exchange& health) {
    const Outcome outcome = outcome_of(health);
    result.reachable = outcome != Outcome::unreachable;
    result.loaded = health.status == 200;
    result.loading = health.status != 0 && health.status == endpoints.loading_status;
    result.needs_key = wants_key(health.status);
    result.http_status = health.status;
    result.phase = health.status == 0 ? std::optional(health.error.phase) : std::nullopt;
    result.error_type = outcome == Outcome::silent        ? "timeout"
                        : outcome == Outcome::unreachable ? "connection_error"
                                                          : "";
    result.timed_out = health.status == 0 && health.error.code == Errc::timeout;
    result.why = explain(endpoints, health, result.loading);
    result.latency = health.took;
    if (!result.reachable) {
        result.version.clear();
        result.asleep.reset();
        result.is_router = false;
    }
}

void note_models(ProbeResult& result, const Exchange& answer, const Result<ModelList>& models) {
    if (models) result.models = models->models;
    if (!wants_key(answer.status)) return;
    result.needs_key = true;
    if (result.why.empty())
        result.why = fmt::format("needs a key: HTTP {} from its list of models", answer.status);
}

bool note_sleep(ProbeResult& result, const Endpoints& endpoints, const Exchange& answer) {
    if (answer.status == 200) {
        const auto asleep = top_level_value(answer.body, endpoints.sleep_key);
        result.asleep = asleep ? std::optional(*asleep == "true") : std::nullopt;
        result.is_router = top_level_value(answer.body, "role") == "router";
        return true;
    }
    result.asleep.reset();
    return answer.status == 0 || answer.status == 503;
}

void note_version(ProbeResult& result, const Endpoints& endpoints, const Exchange& answer) {
    if (answer.status != 200) return;
    if (auto version = top_level_value(answer.body, endpoints.version_key))
        result.version = std::move(*version);
}

Result<ModelList> read_models(const Exchange& answer) {
    if (answer.status == 0) return Error{answer.error.code, answer.error.text};
    if (answer.status != 200) {
        return Error{Errc::unavailable,
                     fmt::format("HTTP {} instead of a list of models", answer.status)};
    }
    return parse_models(answer.body);
}

}  // namespace inferscope::probe
