// SPDX-License-Identifier: Apache-2.0
// PromQL as `serve` offers it: the engine, what the command line says of it, its threads.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <functional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "net/async.h"
#include "promql/engine.h"
#include "telemetry/queryable.h"

namespace inferscope::app {

/// As the command line gives them; Prometheus's names and defaults.
struct QueryFlags {
    std::size_t max_samples = 50'000'000;
    std::size_t max_concurrency = 20;
    std::string timeout = "2m";
    std::string lookback_delta = "5m";
    std::string compat = "3";  ///< --promql.compat: "2" or "3"
    std::string features{};    ///< --enable-feature: names, separated by commas
    std::size_t cache_bytes = std::size_t{8} << 20;  ///< --query.cache-size
};

/// `default_step` is that of subqueries without one. Fails with the flag and what it wants; an
/// unknown feature is logged and has no effect, as in Prometheus.
Result<promql::EngineOptions> engine_options(const QueryFlags& flags, Millis default_step);

/// Queries have threads of their own: a long one keeps nobody from the pages.
class Queries {
public:
    /// `threads`: how many queries, or parts of queries, are evaluated at a time.
    Queries(const Queryable& stored, promql::EngineOptions options, std::size_t threads);

    [[nodiscard]] const promql::Engine& engine() const { return engine_; }
    [[nodiscard]] net::Executor executor() { return threads_.get_executor(); }
    /// Waits for what runs.
    void join() { threads_.join(); }

private:
    boost::asio::thread_pool threads_;
    promql::Engine engine_;
};

/// Calls work(0) ... work(count - 1) on the caller's thread and on those of `pool` that have
/// nothing else to do; returns when all are done. May be called on a thread of `pool`.
void parallel_for(const net::Executor& pool, std::size_t helpers, std::size_t count,
                  const std::function<void(std::size_t)>& work);

}  // namespace inferscope::app
