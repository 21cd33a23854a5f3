// SPDX-License-Identifier: Apache-2.0
// Evaluates PromQL over stored samples: a query's text in, values by step out.
// Source of limits and messages: Prometheus 3.14, promql/engine.go.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "promql/functions.h"
#include "promql/language.h"
#include "telemetry/labels.h"
#include "telemetry/queryable.h"
#include "telemetry/sample.h"

namespace inferscope::promql {

/// Calls its second argument for 0, 1, ... below the first, in any order, on any threads, and
/// returns when all are done.
using ParallelFor = std::function<void(std::size_t, const std::function<void(std::size_t)>&)>;

struct EngineOptions {
    Language language{};
    std::size_t max_samples = 50'000'000;  ///< --query.max-samples: at once in memory
    std::size_t max_concurrency = 20;      ///< --query.max-concurrency: further queries wait
    Millis timeout{120'000};               ///< --query.timeout: waiting included
    Millis lookback{300'000};              ///< --query.lookback-delta
    Millis default_step{60'000};           ///< of a subquery without one: the evaluation interval
    ParallelFor parallel{};                ///< none: one after another, on the caller's thread
};

/// What one query may have otherwise than all.
struct QueryOptions {
    Millis timeout{0};                             ///< 0: the engine's; a longer one is cut to it
    Millis lookback{0};                            ///< 0: the engine's
    bool wants_step_stats = false;                 ///< `stats=all`
    const std::atomic<bool>* cancelled = nullptr;  ///< set by who no longer wants the answer
};

/// Of a range query, both ends included. Of an instant query: start = end, step 0.
struct QueryTimes {
    Timestamp start = 0;
    Timestamp end = 0;
    Millis step{0};

    friend bool operator==(const QueryTimes&, const QueryTimes&) = default;
};

struct QuerySeries {
    Labels labels;
    std::vector<Sample> samples;  ///< by time; of an instant vector exactly one
};

/// What Prometheus answers to `stats`. Source: util/stats/query_stats.go.
struct QueryStats {
    Nanos eval_total{0};
    Nanos result_sort{0};
    Nanos preparation{0};
    Nanos inner_eval{0};
    Nanos queue{0};
    Nanos exec_total{0};
    std::size_t samples_queried = 0;
    std::size_t peak_samples = 0;
    std::vector<Sample> samples_by_step;  ///< if wanted
};

struct QueryAnswer {
    /// Instant queries: any. Range queries: always range_vector.
    ValueType type = ValueType::instant_vector;
    Sample scalar;                    ///< of a scalar; its time also of a string
    std::string text;                 ///< of a string
    std::vector<QuerySeries> series;  ///< of vectors; sorted by labels unless the query orders them
    std::vector<std::string> warnings;  ///< in Prometheus's words, each once
    std::vector<std::string> infos;
    Timestamp read_until = kReadNothing;  ///< no later sample makes the answer another one
    QueryStats stats;

    static constexpr Timestamp kReadNothing = std::numeric_limits<Timestamp>::min();
};

struct QueryError {
    enum class Kind : std::uint8_t {
        bad_data,   ///< the text doesn't parse
        execution,  ///< evaluating it failed
        timeout,
        canceled,
        internal,  ///< the store failed
    };

    Kind kind = Kind::execution;
    std::string text;  ///< as Prometheus's API shows it
};

/// Thread: any; many queries at once.
class Engine {
public:
    Engine(const Queryable& stored, EngineOptions options);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    [[nodiscard]] Result<QueryAnswer, QueryError> instant(std::string_view text, Timestamp time,
                                                          const QueryOptions& options = {}) const;
    [[nodiscard]] Result<QueryAnswer, QueryError> range(std::string_view text,
                                                        const QueryTimes& times,
                                                        const QueryOptions& options = {}) const;
    [[nodiscard]] const EngineOptions& options() const { return options_; }

private:
    class Turns;
    class Run;

    const Queryable& stored_;
    EngineOptions options_;
    std::unique_ptr<Turns> turns_;
};

}  // namespace inferscope::promql
