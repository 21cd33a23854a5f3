// SPDX-License-Identifier: Apache-2.0
// PromQL over 46 vLLM engines (440 series each, llm_data.h), 6 h at 15 s in the head: what an
// evaluation costs with reading and without.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "bench/llm_data.h"
#include "promql/engine.h"
#include "tsdb/head.h"

namespace inferscope::promql {
namespace {

constexpr Timestamp kStart = 1'760'000'000'000;
constexpr Timestamp kInterval = 15'000;
constexpr std::size_t kRows = 6 * 240;
constexpr Timestamp kEnd = kStart + static_cast<Timestamp>(kRows - 1) * kInterval;
constexpr int kEngines = 46;

constexpr std::array<std::string_view, 6> kQueries{
    "vllm:num_requests_running",
    "sum by (instance) (rate(vllm:generation_tokens_total[5m]))",
    "histogram_quantile(0.95, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))",
    "sum by (le, instance) (rate(vllm:e2e_request_latency_seconds_bucket[5m]))",
    "max_over_time(vllm:kv_cache_usage_perc[10m]) >= 0",
    "sum by (instance) (last_over_time({__name__=~\"vllm:.+_bucket\"}[5m]))"};

/// The head as PromQL sees it. Metadata isn't asked for.
class Played final : public Queryable {
public:
    Played() {
        for (int index = 0; index < kEngines; ++index) play(index);
    }

    Result<Selection> read(std::span<const Matcher> matchers, Timestamp from, Timestamp to,
                           std::size_t most_samples) const override {
        return head_.read(matchers, from, to, most_samples);
    }
    std::vector<Labels> series(std::span<const Matcher> matchers, Timestamp from,
                               Timestamp to) const override {
        return head_.series(matchers, from, to);
    }
    std::vector<std::string> label_names(std::span<const Matcher> matchers, Timestamp from,
                                         Timestamp to, std::size_t) const override {
        return head_.label_names(matchers, from, to);
    }
    std::vector<std::string> label_values(std::string_view name, std::span<const Matcher> matchers,
                                          Timestamp from, Timestamp to,
                                          std::size_t limit) const override {
        return head_.label_values(name, matchers, from, to, limit);
    }
    std::vector<FamilyPtr> families(std::string_view name, std::size_t limit) const override {
        return head_.families(name, limit);
    }
    std::vector<StoredExemplar> exemplars(std::span<const Matcher> matchers, Timestamp from,
                                          Timestamp to) const override {
        return head_.exemplars(matchers, from, to);
    }

private:
    void play(int index) {
        bench::LlmEngine engine(1, index, kStart, kInterval);
        std::vector<Column> columns;
        for (auto& labels : engine.labels())
            columns.push_back({.labels = labels, .family = {}, .second_names = {}});
        const auto group = head_.open_group(fmt::format("engine {}", index));
        head_.add_columns(group, columns);
        std::vector<double> values(columns.size());
        for (std::size_t row = 0; row < kRows; ++row) {
            const auto time = engine.next_row(values);
            CHECK(head_.append_row(group, {time, values, {}}), "rows are in order");
        }
    }

    tsdb::Head head_;
};

const Played& played() {
    static const Played all;
    return all;
}

void evaluate(benchmark::State& state, const QueryTimes& times) {
    const auto query = kQueries[static_cast<std::size_t>(state.range(0))];
    const Engine engine(played(), {});
    QueryStats stats;
    for (auto _ : state) {
        auto answer =
            times.step.count() == 0 ? engine.instant(query, times.end) : engine.range(query, times);
        CHECK(answer, answer ? "" : answer.error().text);
        CHECK(!answer->series.empty(), "the query has an answer");
        stats = answer->stats;
    }
    state.SetLabel(fmt::format("{} ({} samples; reading {} us)", query, stats.samples_queried,
                               stats.preparation.count() / 1000));
}

void instant(benchmark::State& state) { evaluate(state, {kEnd, kEnd, Millis(0)}); }
void range_1h(benchmark::State& state) {
    evaluate(state, {kEnd - 3'600'000, kEnd, Millis(15'000)});
}
void range_6h(benchmark::State& state) {
    evaluate(state, {kEnd - 6 * 3'600'000, kEnd, Millis(60'000)});
}

BENCHMARK(instant)->DenseRange(0, kQueries.size() - 1)->Unit(benchmark::kMicrosecond);
BENCHMARK(range_1h)->DenseRange(0, kQueries.size() - 1)->Unit(benchmark::kMicrosecond);
BENCHMARK(range_6h)->DenseRange(0, kQueries.size() - 1)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace inferscope::promql
