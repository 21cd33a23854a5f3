// SPDX-License-Identifier: Apache-2.0
#include "engines/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "telemetry/families.h"

namespace inferscope::engines {
namespace {

struct Families {
    FamilyPtr state = make_gauge("inferscope_engine_state",
                                 "1 for the state that the engine is in, 0 for the others.");
    FamilyPtr missing =
        make_gauge("inferscope_engine_expected_family_missing",
                   "A family that this engine and version should show, and doesn't.");
    FamilyPtr cluster_info = make_gauge("gpustack:cluster_info", "Cluster.");
    FamilyPtr cluster_status =
        make_gauge("gpustack:cluster_status", "1 for the cluster's present state.");
    FamilyPtr worker_info = make_gauge("gpustack:worker_info", "Worker, with its labels.");
    FamilyPtr worker_status =
        make_gauge("gpustack:worker_status", "1 for the worker's present state.");
    FamilyPtr model_info = make_gauge("gpustack:model_info", "Model that is served.");
    FamilyPtr desired =
        make_gauge("gpustack:model_desired_instances", "Instances that should run of a model.");
    FamilyPtr running =
        make_gauge("gpustack:model_running_instances", "Instances that run of a model.");
    FamilyPtr instance_status =
        make_gauge("gpustack:model_instance_status", "1 for the instance's present state.");
};

const Families& families() {
    static const Families all;
    return all;
}

std::string or_unknown(const std::string& text) { return text.empty() ? "unknown" : text; }

std::string model_id(const EngineStatus& engine) {
    if (!engine.facts.model_id.empty()) return engine.facts.model_id;
    return stable_id(engine.model_name());
}

/// The labels of a series about one engine: those of the engine's target, ours over them.
std::vector<Label> about(const EngineStatus& engine, std::initializer_list<Label> labels) {
    std::vector<Label> all(engine.facts.labels.begin(), engine.facts.labels.end());
    all.insert(all.end(), labels);
    return all;
}

bool is_simulated(const EngineStatus& engine) { return engine.facts.labels.has("simulated"); }

/// A model as one runtime serves it.
struct Serving {
    std::string version;
    std::string source;
    std::string root;
    bool simulated = true;  ///< no real engine of the runtime serves it
};

Serving serving_of(const EngineStatus& engine) {
    return {.version = or_unknown(engine.version),
            .source = or_unknown(engine.facts.source),
            .root = engine.models.empty() ? "unknown" : or_unknown(engine.models.front().root)};
}

struct Model {
    std::string id;
    std::map<std::string, Serving> runtimes;
    bool simulated = true;  ///< no real engine serves it
    std::uint64_t known = 0;
    std::uint64_t running = 0;
};

// The first engine that serves a model names it, and the first of each runtime describes it.
std::map<std::string, Model> models_of(std::span<const EngineStatus> engines) {
    std::map<std::string, Model> models;
    for (const auto& engine : engines) {
        auto& model = models[engine.model_name()];
        if (model.known == 0) model.id = model_id(engine);
        auto& serving =
            model.runtimes.try_emplace(or_unknown(engine.facts.runtime), serving_of(engine))
                .first->second;
        serving.simulated = serving.simulated && is_simulated(engine);
        model.simulated = model.simulated && is_simulated(engine);
        ++model.known;
        if (instance_state(engine.state) == "running") ++model.running;
    }
    return models;
}

void write_worker(RowWriter& rows, const Cluster& cluster, const Worker& worker) {
    std::vector<Label> info;
    for (const auto& [name, value] : worker.labels) {
        if (is_legacy_label_name(name) && !name.starts_with("__")) info.push_back({name, value});
    }
    const std::vector<Label> who = {{"cluster_id", cluster.id},
                                    {"cluster_name", cluster.name},
                                    {"worker_id", worker.id},
                                    {"worker_name", worker.name}};
    info.insert(info.end(), who.begin(),
                who.end());  // last: no label of a worker's own may change who it is
    const Families& f = families();
    rows.set(f.worker_info, f.worker_info->name, info, 1);
    rows.set(f.worker_status,
             {{"cluster_id", cluster.id},
              {"cluster_name", cluster.name},
              {"worker_id", worker.id},
              {"worker_name", worker.name},
              {"state", worker.state}},
             1);
}

void write_model_info(RowWriter& rows, const Cluster& cluster, const std::string& name,
                      const Model& model) {
    for (const auto& [runtime, serving] : model.runtimes) {
        rows.set(families().model_info,
                 {{"simulated", serving.simulated ? "true" : ""},
                  {"cluster_id", cluster.id},
                  {"cluster_name", cluster.name},
                  {"model_id", model.id},
                  {"model_name", name},
                  {"runtime", runtime},
                  {"runtime_version", serving.version},
                  {"source", serving.source},
                  {"source_key", serving.root},
                  {"category", "llm"}},
                 1);
    }
}

void write_model(RowWriter& rows, const Cluster& cluster, const std::string& name,
                 const Model& model, std::uint64_t desired) {
    const auto count = [&](const FamilyPtr& family, std::uint64_t instances) {
        rows.set(family,
                 {{"simulated", model.simulated ? "true" : ""},
                  {"cluster_id", cluster.id},
                  {"cluster_name", cluster.name},
                  {"model_id", model.id},
                  {"model_name", name}},
                 static_cast<double>(instances));
    };
    count(families().desired, desired);
    count(families().running, model.running);
}

void write_instance(RowWriter& rows, const Cluster& cluster, const EngineStatus& engine,
                    const std::string& id) {
    const auto& facts = engine.facts;
    const std::string model = engine.model_name();
    const auto& instance =
        facts.model_instance_name.empty() ? facts.instance : facts.model_instance_name;
    const std::string worker_id = or_unknown(facts.worker_id);
    const std::string worker_name = or_unknown(facts.worker_name);
    const auto& family = families().instance_status;
    rows.set(family, family->name,
             about(engine, {{"cluster_id", cluster.id},
                            {"cluster_name", cluster.name},
                            {"worker_id", worker_id},
                            {"worker_name", worker_name},
                            {"model_id", id},
                            {"model_name", model},
                            {"model_instance_name", instance},
                            {"state", instance_state(engine.state)}}),
             1);
}

}  // namespace

std::string_view instance_state(std::optional<EngineState> state) {
    if (!state) return "pending";
    switch (*state) {
        case EngineState::alive:
        case EngineState::idle:
        case EngineState::saturated:
        case EngineState::blind:
            return "running";
        case EngineState::hung:
            return "error";
        case EngineState::loading:
            return "starting";
        case EngineState::down:
            return "unreachable";
    }
    return "pending";
}

void EngineStateRows::write(RowWriter& rows, std::span<const EngineStatus> engines) {
    // Engines that have gone, or were told a model: few, and those that are there come again.
    if (series_.size() > 2 * engines.size()) series_.clear();
    for (const auto& engine : engines) {
        const std::string model = engine.model_name();
        const auto& facts = engine.facts;
        if (engine.state) {
            auto labels = about(engine, {{"instance", facts.instance},
                                         {"job", facts.job},
                                         {"runtime", facts.runtime},
                                         {"model_name", model}});
            auto& of_states = series_[Labels::from(labels)];
            labels.emplace_back();
            for (std::size_t i = 0; i < kEngineStates.size(); ++i) {
                labels.back() = {"state", to_string(kEngineStates[i])};
                rows.set(of_states[i], families().state, families().state->name, labels,
                         engine.state == kEngineStates[i] ? 1 : 0);
            }
        }
        for (const auto& family : engine.missing) {
            rows.set(families().missing, families().missing->name,
                     about(engine, {{"instance", facts.instance},
                                    {"job", facts.job},
                                    {"runtime", facts.runtime},
                                    {"family", family.engine_family},
                                    {"renamed_in", family.renamed_in},
                                    {"known_as", family.known_as}}),
                     1);
        }
    }
}

void write_server_metrics(RowWriter& rows, const Cluster& cluster, std::span<const Worker> workers,
                          std::span<const EngineStatus> engines, const DesiredInstances& desired) {
    const Families& f = families();
    rows.set(f.cluster_info,
             {{"cluster_id", cluster.id},
              {"cluster_name", cluster.name},
              {"provider", cluster.provider}},
             1);
    rows.set(f.cluster_status,
             {{"cluster_id", cluster.id}, {"cluster_name", cluster.name}, {"state", cluster.state}},
             1);
    for (const auto& worker : workers) write_worker(rows, cluster, worker);
    const auto models = models_of(engines);
    for (const auto& [name, model] : models) {
        if (name == kUnknownModel) continue;  // nothing told yet what it serves
        const auto wanted = desired.find(name);
        write_model_info(rows, cluster, name, model);
        write_model(rows, cluster, name, model,
                    wanted == desired.end() ? model.known : wanted->second);
    }
    for (const auto& engine : engines)
        write_instance(rows, cluster, engine, models.at(engine.model_name()).id);
}

}  // namespace inferscope::engines
