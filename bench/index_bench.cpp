// SPDX-License-Identifier: Apache-2.0
// The store's indexes on two kinds of label sets: `engines` (46 series of one name on each of many
// engines, regular) and `cluster` (as kube-state-metrics tells of pods: a unique uid on each
// series). Bytes are the allocator's (mallinfo2), not what the code believes.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "tsdb/index_block.h"
#include "tsdb/index_head.h"
#include "tsdb/index_writer.h"

namespace inferscope::tsdb {
namespace {

using MakeLabels = Labels (*)(int);

constexpr int kSeriesOfEngine = 440;
constexpr int kBuckets = 20;

Labels engine_labels(std::string_view prefix, int engine, int column) {
    const int family = column / (kBuckets + 2);
    const int bucket = column % (kBuckets + 2);
    const auto name = fmt::format("{}:request_phase_{:02}_seconds{}", prefix, family,
                                  bucket < kBuckets    ? "_bucket"
                                  : bucket == kBuckets ? "_sum"
                                                       : "_count");
    const auto bound = bucket < kBuckets ? fmt::format("{}", 0.25 * (1 << bucket)) : "";
    const auto instance = fmt::format("10.0.{}.{}:8000", engine / 250, engine % 250);
    const auto node = fmt::format("gpu-node-{:03}", engine / 8);
    const auto gpu = fmt::format("{}", engine % 8);
    return Labels::from({{kMetricName, name},
                         {"cluster", "prod-eu-1"},
                         {"engine", "0"},
                         {"gpu", gpu},
                         {"instance", instance},
                         {"job", "engines"},
                         {"le", bound},
                         {"model_name", engine % 3 == 0 ? "meta-llama/Llama-3.1-8B-Instruct"
                                                        : "Qwen/Qwen2.5-72B-Instruct"},
                         {"node", node},
                         {"team", engine % 2 == 0 ? "search" : "assistant"}});
}

Labels engines(int i) { return engine_labels("vllm", i / kSeriesOfEngine, i % kSeriesOfEngine); }

/// Ten series for each pod, uid and pod name its own.
Labels cluster(int i) {
    constexpr std::array<std::string_view, 10> kNames{
        "kube_pod_info",          "kube_pod_created",        "kube_pod_owner",
        "kube_pod_start_time",    "kube_pod_status_phase",   "kube_pod_status_ready",
        "kube_pod_status_reason", "kube_pod_restart_policy", "kube_pod_labels",
        "kube_pod_container_info"};
    const int pod = i / 10;
    const auto hash = static_cast<unsigned>(pod) * 2654435761U;
    const auto uid = fmt::format("{:08x}-5717-4562-b3fc-{:012x}", hash, hash ^ 0xabcdefU);
    const auto name = fmt::format("inference-worker-{:08x}-{:05x}", pod / 20 * 7919, hash >> 12);
    const auto space = fmt::format("team-{}", pod / 20 % 60);
    const auto node = fmt::format("ip-10-0-{}-{}.ec2.internal", pod % 7, pod % 211);
    return Labels::from({{kMetricName, kNames[static_cast<std::size_t>(i % 10)]},
                         {"container", "server"},
                         {"instance", "kube-state-metrics:8080"},
                         {"job", "kube-state-metrics"},
                         {"namespace", space},
                         {"node", node},
                         {"pod", name},
                         {"uid", uid}});
}

/// Every series with a value that no other has: the worst of churn.
Labels singletons(int i) {
    const auto id = fmt::format("{:08x}-{:08x}", static_cast<unsigned>(i) * 2654435761U, i);
    return Labels::from({{kMetricName, "request_seconds_total"},
                         {"instance", "10.0.0.1:8000"},
                         {"job", "engines"},
                         {"model_name", "meta-llama/Llama-3.1-8B-Instruct"},
                         {"request_id", id}});
}

std::size_t heap_bytes() {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

std::vector<Labels> label_sets(MakeLabels make, int count) {
    std::vector<Labels> sets;
    sets.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) sets.push_back(make(i));
    return sets;
}

std::unique_ptr<HeadIndex> filled(const std::vector<Labels>& sets) {
    auto index = std::make_unique<HeadIndex>();
    for (const auto& set : sets) index->get_or_add(set);
    return index;
}

void add_million(benchmark::State& state, MakeLabels make) {
    const auto sets = label_sets(make, 1'000'000);
    std::size_t bytes = 0;
    std::size_t told = 0;
    for (auto _ : state) {
        const auto before = heap_bytes();
        auto index = filled(sets);
        bytes = heap_bytes() - before;
        told = index->heap_bytes();
        state.PauseTiming();
        index.reset();
        state.ResumeTiming();
    }
    state.counters["bytes_per_series"] = static_cast<double>(bytes) / 1e6;
    state.counters["told_per_series"] = static_cast<double>(told) / 1e6;
    state.counters["per_series"] = benchmark::Counter(
        1e6, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK_CAPTURE(add_million, engines, engines)->Unit(benchmark::kMillisecond)->Iterations(2);
BENCHMARK_CAPTURE(add_million, cluster, cluster)->Unit(benchmark::kMillisecond)->Iterations(2);
BENCHMARK_CAPTURE(add_million, singletons, singletons)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(2);

/// `hot`: the same 1,000 series again and again, of a million.
void look_up(benchmark::State& state, bool hot) {
    const auto sets = label_sets(engines, 1'000'000);
    const auto index = filled(sets);
    std::size_t i = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(index->find(sets[i]));
        i = hot ? (i + 1) % 1000 : (i + 7919) % sets.size();
    }
}
BENCHMARK_CAPTURE(look_up, hot, true);
BENCHMARK_CAPTURE(look_up, cold, false);

void remove_million(benchmark::State& state, MakeLabels make) {
    const auto sets = label_sets(make, 1'000'000);
    std::size_t left = 0;
    for (auto _ : state) {
        state.PauseTiming();
        const auto before = heap_bytes();
        auto index = filled(sets);
        Ids gone;
        for (SeriesId id = 100'000; id < sets.size(); ++id) gone.push_back(id);
        state.ResumeTiming();
        index->remove(gone);
        state.PauseTiming();
        left = heap_bytes() - before;
        index.reset();
        state.ResumeTiming();
    }
    state.counters["bytes_per_series_left"] = static_cast<double>(left) / 1e5;
}
BENCHMARK_CAPTURE(remove_million, engines, engines)->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK_CAPTURE(remove_million, singletons, singletons)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

Matcher regex(std::string name, MatchOp op, std::string value) {
    auto matcher = Matcher::make(std::move(name), op, std::move(value));
    CHECK(matcher, "it is a good expression");
    return std::move(*matcher);
}

struct Selection {
    const char* name;
    std::vector<Matcher> matchers;
};

std::vector<Selection> selections() {
    const auto metric = [](std::string_view suffix) {
        return Matcher::equal("__name__", fmt::format("vllm:request_phase_07_seconds{}", suffix));
    };
    const auto instance = Matcher::equal("instance", "10.0.0.42:8000");
    return {
        {"name", {metric("_bucket")}},
        {"name_instance", {metric("_bucket"), instance}},
        {"instance", {instance}},
        {"name_alternation",
         {metric("_count"), regex("instance", MatchOp::regex, R"(10\.0\.0\.(1|2|3):8000)")}},
        {"name_alternation_of_dots",
         {metric("_count"), regex("instance", MatchOp::regex, "10.0.0.1:8000|10.0.0.2:8000")}},
        {"name_prefix", {metric("_count"), regex("instance", MatchOp::regex, R"(10\.0\.0\..*)")}},
        {"name_regex", {metric("_count"), regex("node", MatchOp::regex, "gpu-node-0[0-9]+")}},
        {"prefix_only", {regex("__name__", MatchOp::regex, "vllm:request_phase_07.*")}},
        {"name_not_equal", {metric("_bucket"), Matcher::not_equal("le", "0.25")}},
        {"name_not_regex",
         {metric("_count"), regex("model_name", MatchOp::not_regex, "(?i)qwen.*")}},
        {"job", {Matcher::equal("job", "engines")}},
        {"job_absent_le", {Matcher::equal("job", "engines"), Matcher::equal("le", "")}},
    };
}

void select_with(benchmark::State& state, const Index& index) {
    const auto selection = selections()[static_cast<std::size_t>(state.range(0))];
    std::size_t found = 0;
    for (auto _ : state) found = index.select(selection.matchers).size();
    state.SetLabel(selection.name);
    state.counters["found"] = static_cast<double>(found);
}

void select_head(benchmark::State& state) {
    static const auto index = filled(label_sets(engines, 1'000'000));
    select_with(state, *index);
}
BENCHMARK(select_head)->DenseRange(0, 11);

/// 46 engines, 440 series each; `twice`: each under a second name, too, of the same column.
std::string block_of_engines(int engine_count, bool twice) {
    IndexWriter writer;
    for (int i = 0; i < engine_count * kSeriesOfEngine; ++i) {
        const ColumnPlace place{static_cast<std::uint64_t>(i / kSeriesOfEngine),
                                static_cast<std::uint64_t>(i % kSeriesOfEngine)};
        writer.add(engines(i), std::span(&place, 1));
        if (!twice) continue;
        writer.add(engine_labels("gpustack", i / kSeriesOfEngine, i % kSeriesOfEngine),
                   std::span(&place, 1));
    }
    auto bytes = writer.finish();
    CHECK(bytes, "it is small");
    return std::move(*bytes);
}

void write_block(benchmark::State& state, int engine_count, bool twice) {
    std::string bytes;
    for (auto _ : state) bytes = block_of_engines(engine_count, twice);
    const auto index = BlockIndex::open(bytes);
    CHECK(index, "it is as written");
    const auto series = static_cast<double>(index->series_count());
    state.counters["bytes"] = static_cast<double>(bytes.size());
    state.counters["bytes_per_series"] = static_cast<double>(bytes.size()) / series;
}
BENCHMARK_CAPTURE(write_block, engines_46, 46, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(write_block, engines_46_twice, 46, true)->Unit(benchmark::kMillisecond);

void write_block_of_cluster(benchmark::State& state) {
    const auto sets = label_sets(cluster, 100'000);
    std::string bytes;
    for (auto _ : state) {
        IndexWriter writer;
        std::uint64_t column = 0;
        for (const auto& set : sets) {
            const ColumnPlace place{0, column++};
            writer.add(set, std::span(&place, 1));
        }
        bytes = std::move(*writer.finish());
    }
    state.counters["bytes_per_series"] = static_cast<double>(bytes.size()) / 1e5;
}
BENCHMARK(write_block_of_cluster)->Unit(benchmark::kMillisecond);

void open_block(benchmark::State& state, int engine_count) {
    const auto bytes = block_of_engines(engine_count, false);
    for (auto _ : state) benchmark::DoNotOptimize(BlockIndex::open(bytes));
}
BENCHMARK_CAPTURE(open_block, series_20240, 46)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(open_block, series_1M, 2272)->Unit(benchmark::kMicrosecond);

void select_block(benchmark::State& state) {
    static const auto bytes = block_of_engines(2272, false);
    static const auto index = BlockIndex::open(bytes);
    select_with(state, *index);
}
BENCHMARK(select_block)->DenseRange(0, 11);

/// Labels and places of the series of one name, as a query reads them.
void read_block(benchmark::State& state) {
    const auto bytes = block_of_engines(46, false);
    const auto index = BlockIndex::open(bytes);
    const auto ids = index->select(selections()[0].matchers);
    for (auto _ : state) {
        index->for_each_series(ids, [](SeriesId, const Labels& labels, auto) {
            benchmark::DoNotOptimize(labels.bytes().data());
        });
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(ids.size()));
}
BENCHMARK(read_block);

}  // namespace
}  // namespace inferscope::tsdb
