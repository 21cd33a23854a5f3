// SPDX-License-Identifier: Apache-2.0
#include "engines/engine_watch.h"

namespace inferscope::engines {

void EngineWatch::add(const EngineFacts& facts) {
    engines_.with([&](Engines& engines) {
        const auto [at, is_new] = engines.try_emplace(
            EngineKey{facts.job, facts.instance},
            Engine{.status = {}, .tracker = StateTracker(facts.is_one_port, limits_)});
        at->second.status.facts = facts;
    });
}

void EngineWatch::remove(const EngineKey& key) {
    engines_.with([&](Engines& engines) { engines.erase(key); });
}

void EngineWatch::on_page(const EngineKey& key, Page page) {
    pages_.with([&](auto& pages) { pages[key] = std::move(page); });
}

void EngineWatch::forget_page(const EngineKey& key) {
    pages_.with([&](auto& pages) { pages.erase(key); });
}

void EngineWatch::on_scrape(const EngineKey& key, const ScrapeReport& report) {
    Page page = pages_.with([&](auto& pages) {
        auto kept = pages.extract(key);
        return kept ? std::move(kept.mapped()) : Page{};
    });
    engines_.with([&](Engines& engines) {
        const auto engine = engines.find(key);
        if (engine == engines.end()) return;
        engine->second.tracker.on_scrape({.time = report.time,
                                          .took = report.took,
                                          .outcome = report.outcome,
                                          .why = report.why,
                                          .page = std::move(page)});
        if (report.outcome == ScrapeOutcome::page) engine->second.status.last_scrape = report.time;
        copy_judgement(engine->second);
    });
}

void EngineWatch::on_probe(const EngineKey& key, const probe::ProbeResult& result) {
    engines_.with([&](Engines& engines) {
        const auto engine = engines.find(key);
        if (engine == engines.end()) return;
        auto& status = engine->second.status;
        status.models = result.models;
        if (!result.version.empty()) status.version = result.version;  // else its last one
        status.last_probe = result.at;
        engine->second.tracker.on_probe(result);
        copy_judgement(engine->second);
    });
}

void EngineWatch::on_process(const EngineKey& key, Timestamp now, bool is_running) {
    engines_.with([&](Engines& engines) {
        const auto engine = engines.find(key);
        if (engine == engines.end()) return;
        engine->second.tracker.on_process(now, is_running);
        copy_judgement(engine->second);
    });
}

void EngineWatch::on_missing(const EngineKey& key, std::vector<mapping::MissingFamily> missing) {
    engines_.with([&](Engines& engines) {
        const auto engine = engines.find(key);
        if (engine != engines.end()) engine->second.status.missing = std::move(missing);
    });
}

std::vector<EngineStatus> EngineWatch::statuses() const {
    return engines_.with([](const Engines& engines) {
        std::vector<EngineStatus> all;
        all.reserve(engines.size());
        for (const auto& [key, engine] : engines) all.push_back(engine.status);
        return all;
    });
}

void EngineWatch::copy_judgement(Engine& engine) {
    const auto& judgement = engine.tracker.judgement();
    if (!judgement) return;
    engine.status.state = judgement->state;
    engine.status.reason = judgement->reason;
    engine.status.since = judgement->since;
}

}  // namespace inferscope::engines
