// SPDX-License-Identifier: Apache-2.0
// Joins what the scrape, the probes and the judge of states know of each engine: which targets are
// engines, when each is probed, and what the probes' findings mean for its names.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "engines/engine_watch.h"
#include "probe/config.h"
#include "scrape/scrape_pool.h"
#include "telemetry/appender.h"

namespace inferscope::app {

/// Thread: io.
class EngineDesk {
public:
    /// `probes`: whether engines are probed at all (`--sources`). `config` is the one in force.
    EngineDesk(net::Executor io, const Clock& clock, Appender& appender,
               engines::EngineWatch& watch, std::shared_ptr<const Config> config, bool probes);
    ~EngineDesk();

    /// From the next round on.
    void set_config(std::shared_ptr<const Config> config) { config_ = std::move(config); }

    /// To be awaited after each scrape: tells the judge, then probes the engine if it is time.
    /// Never beside a scrape of the same engine.
    net::Task<void> after_scrape(std::shared_ptr<scrape::TargetScrape> scrape);
    /// Forgets engines whose targets are gone.
    void keep_only(const std::vector<discovery::TargetPtr>& targets);

private:
    struct Engine;
    struct Probes;

    [[nodiscard]] bool is_engine(const scrape::TargetStatus& status) const;
    static net::Task<void> ask_chat(std::shared_ptr<Probes> probes);
    Engine& engine_of(const scrape::TargetStatus& status);
    void report_process(Engine& engine, const scrape::TargetStatus& status);
    void report_scrape(const scrape::TargetStatus& status);
    [[nodiscard]] probe::ProbeSettings probe_settings(const scrape::TargetStatus& status) const;

    net::Executor io_;
    const Clock& clock_;
    Appender& appender_;
    engines::EngineWatch& watch_;
    std::shared_ptr<const Config> config_;
    bool probes_;
    absl::flat_hash_map<std::uint64_t, std::unique_ptr<Engine>> engines_;
};

}  // namespace inferscope::app
