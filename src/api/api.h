// SPDX-License-Identifier: Apache-2.0
// Our HTTP endpoints: one table (api.cpp), each entry a function of a request.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/answer_cache.h"
#include "base/result.h"
#include "base/time.h"
#include "discovery/target.h"
#include "exposition/latest_rows.h"
#include "mapping/mapping_store.h"
#include "net/async.h"
#include "net/http_server.h"
#include "promql/engine.h"
#include "scrape/target_scrape.h"
#include "telemetry/queryable.h"
#include "tsdb/store.h"

namespace inferscope::api {

/// What /api/v1/status/runtimeinfo tells.
struct RuntimeFacts {
    Timestamp started = 0;
    bool reload_successful = true;
    Timestamp reloaded = 0;             ///< the last one that was successful
    Millis retention{0};                ///< 0: samples are kept for ever
    std::uint64_t retention_bytes = 0;  ///< 0: no bound
};

/// What the endpoints read and do; wired by app. All functions are called on the io thread.
struct Sources {
    net::Executor pool;        ///< renders pages
    net::Executor query_pool;  ///< evaluates queries, which may take as long as --query.timeout
    exposition::LatestRows& rows;
    mapping::MappingStore& mapping;
    std::function<std::vector<scrape::TargetStatus>()> targets;
    std::function<std::vector<discovery::DroppedTarget>()> dropped_targets;
    std::function<std::string()> engines_json;
    /// Makes a mapping that was stored in `mapping` the one in force from each target's next
    /// scrape.
    std::function<void()> mapping_changed;
    std::function<Result<void>()> reload;
    std::function<bool()> is_ready;
    const Queryable& stored;
    const promql::Engine& engine;
    AnswerCache& answers;
    std::function<tsdb::StoreStats()> store_stats;
    /// On a pool thread: top names and labels, that many of each.
    std::function<tsdb::IndexStats(std::size_t)> index_stats;
    std::function<net::Task<Result<void>>()> flush;
    std::function<net::Task<Result<void>>(std::vector<Matcher>, Timestamp, Timestamp)>
        delete_series;
    std::function<net::Task<Result<std::string>>()> snapshot;
    std::function<net::Task<net::ServerResponse>(net::HttpRequest)> remote_write;
    std::function<Timestamp()> now;                          ///< wall clock
    std::string version;                                     ///< ours
    std::vector<std::pair<std::string, std::string>> flags;  ///< names without dashes, values
    std::function<std::string()> config_yaml;                ///< without secrets
    std::function<Labels()> external_labels;                 ///< of the configuration's `global`
    std::function<RuntimeFacts()> runtime;
    /// Brings self-metrics up to date before /metrics is rendered.
    std::function<void()> refresh;
};

/// Thread: io.
class Api {
public:
    explicit Api(Sources sources) : sources_(std::move(sources)) {}

    net::Task<net::ServerResponse> handle(net::HttpRequest request);

private:
    Sources sources_;
};

}  // namespace inferscope::api
