// SPDX-License-Identifier: Apache-2.0
// All engines and their states: takes pages, ends of scrapes and results of probes, gives statuses.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "engines/engine_status.h"
#include "engines/observation.h"
#include "engines/state_tracker.h"

namespace inferscope::engines {

/// Labels of the scrape target, unique in one server.
struct EngineKey {
    std::string job;
    std::string instance;
    auto operator<=>(const EngineKey&) const = default;
};

/// How a scrape ended. The page itself came before, through the ObservingAppender.
struct ScrapeReport {
    Timestamp time = 0;
    Nanos took{};
    ScrapeOutcome outcome = ScrapeOutcome::page;
    std::string why;  ///< when there is no page; redacted
};

/// Reports about what is no engine are dropped: routers and exporters are scraped, too. Thread:
/// any.
class EngineWatch {
public:
    explicit EngineWatch(StateLimits limits = {}) : limits_(limits) {}

    /// A new engine, or new facts of a known one, whose history goes on.
    void add(const EngineFacts& facts);
    void remove(const EngineKey& key);

    /// A page was committed; the report of its scrape completes it. Kept for an engine that isn't
    /// there yet: the first page tells that a target is one.
    void on_page(const EngineKey& key, Page page);
    void forget_page(const EngineKey& key);
    void on_scrape(const EngineKey& key, const ScrapeReport& report);
    void on_probe(const EngineKey& key, const probe::ProbeResult& result);
    void on_process(const EngineKey& key, Timestamp now, bool is_running);
    /// What the newest page that was read in full lacks.
    void on_missing(const EngineKey& key, std::vector<mapping::MissingFamily> missing);

    /// By job and instance.
    [[nodiscard]] std::vector<EngineStatus> statuses() const;

private:
    struct Engine {
        EngineStatus status;
        StateTracker tracker;
    };
    using Engines = std::map<EngineKey, Engine>;

    static void copy_judgement(Engine& engine);

    StateLimits limits_;
    Guarded<Engines> engines_;
    Guarded<std::map<EngineKey, Page>> pages_;  ///< not yet reported
};

}  // namespace inferscope::engines
