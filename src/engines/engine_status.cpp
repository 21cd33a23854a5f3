// SPDX-License-Identifier: Apache-2.0
#include "engines/engine_status.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace inferscope::engines {
namespace {

using nlohmann::json;

json time_json(Timestamp time) {
    if (time <= 0) return nullptr;
    const auto instant = std::chrono::sys_time<Millis>(Millis(time));
    const auto seconds = std::chrono::floor<std::chrono::seconds>(instant);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                       (instant - seconds).count());
}

json text_or_null(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

json model_json(const probe::ModelCard& model) {
    return {{"id", model.id},
            {"owned_by", model.owned_by},
            {"root", model.root},
            {"max_model_len", model.max_model_len ? json(*model.max_model_len) : json(nullptr)}};
}

json missing_json(const mapping::MissingFamily& family) {
    return {{"family", family.engine_family},
            {"unified", text_or_null(family.unified)},
            {"renamed_in", text_or_null(family.renamed_in)},
            {"known_as", text_or_null(family.known_as)}};
}

json engine_json(const EngineStatus& engine) {
    json models = json::array();
    for (const auto& model : engine.models) models.push_back(model_json(model));
    json missing = json::array();
    for (const auto& family : engine.missing) missing.push_back(missing_json(family));
    json labels = json::object();
    for (const auto& [name, value] : engine.facts.labels) labels[std::string(name)] = value;
    return {{"url", engine.facts.url},
            {"instance", engine.facts.instance},
            {"job", engine.facts.job},
            {"labels", std::move(labels)},
            {"worker", text_or_null(engine.facts.worker_name)},
            {"runtime", text_or_null(engine.facts.runtime)},
            {"version", text_or_null(engine.version)},
            {"models", std::move(models)},
            {"state", engine.state ? json(to_string(*engine.state)) : json(nullptr)},
            {"reason", engine.reason},
            {"since", time_json(engine.since)},
            {"last_scrape", time_json(engine.last_scrape)},
            {"last_probe", time_json(engine.last_probe)},
            {"missing_families", std::move(missing)}};
}

}  // namespace

std::string EngineStatus::model_name() const {
    if (!facts.model_name.empty()) return facts.model_name;
    if (models.empty() || models.front().id.empty()) return std::string(kUnknownModel);
    return models.front().id;
}

std::string engines_json(std::span<const EngineStatus> engines) {
    json list = json::array();
    for (const auto& engine : engines) list.push_back(engine_json(engine));
    return json{{"engines", std::move(list)}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace inferscope::engines
