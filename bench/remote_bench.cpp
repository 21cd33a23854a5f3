// SPDX-License-Identifier: Apache-2.0
// What remote write costs for each sample, with a store that does nothing: 46 vLLM engines
// (llm_data.h) with 12 labels a series, in requests of about 2,000 samples, as three kinds of
// senders make them: whole rows, four shards of rows, and series after series.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "bench/llm_data.h"
#include "remote/body.h"
#include "remote/intake.h"
#include "remote/pieces.h"
#include "remote/placement.h"
#include "remote/write_request.h"
#include "tests/doubles/remote_write_message.h"

namespace inferscope::remote {
namespace {

constexpr Timestamp kStart = 1'760'000'000'000;
constexpr int kEngines = 46;
constexpr std::size_t kRows = 20;
constexpr std::size_t kShards = 4;
constexpr std::size_t kPerRequest = 2000;
constexpr std::size_t kMost = 1'000'000;

enum class Shape { rows, shards, series };

class NullStore final : public PieceAppender {
public:
    GroupId open_group(std::string_view) override { return GroupId{groups_++}; }
    GroupId open_loose_group(std::string_view) override { return GroupId{groups_++}; }
    void start_epoch(GroupId) override {}
    void add_columns(GroupId, std::span<const Column>) override {}
    Result<void> append_row(GroupId, const Row&) override { return {}; }
    void append_gap(GroupId, Timestamp) override {}
    Result<void> append_timed(GroupId, std::span<const TimedSample>) override { return {}; }
    void append_exemplars(GroupId, std::span<const Exemplar>) override {}
    void close_group(GroupId, Timestamp) override {}
    Result<VerdictCounts> append_cells(GroupId, Timestamp, std::span<const Cell> cells) override {
        ++calls;
        VerdictCounts verdicts;
        verdicts[Verdict::taken] = cells.size();
        return verdicts;
    }
    void add_families(std::span<const FamilyPtr>) override {}
    void begin_batch() override {}
    Result<void> end_batch() override { return {}; }

    std::size_t calls = 0;

private:
    std::uint32_t groups_ = 0;
};

/// A series with its label fields and all of its samples.
struct PlayedSeries {
    std::string labels;
    std::vector<Sample> samples;
};
using PlayedEngine = std::vector<PlayedSeries>;

std::string fleet_labels(const Labels& labels, int engine) {
    LabelsBuilder builder(labels);
    builder.set("cluster", "prod-eu-west-1");
    builder.set("namespace", "inference");
    builder.set("node", fmt::format("gpu-node-{}", engine / 8));
    builder.set("pod", fmt::format("vllm-qwen25-7b-5d9c7f8b4-{:05}", engine * 7919));
    builder.set("region", "eu");
    builder.set("replica", "0");
    builder.set("team", "search");
    return doubles::label_fields(builder.build());
}

PlayedEngine play(int number) {
    bench::LlmEngine engine(1, number, kStart);
    PlayedEngine played;
    for (const auto& labels : engine.labels()) played.push_back({fleet_labels(labels, number), {}});
    std::vector<double> values;
    for (std::size_t row = 0; row < kRows; ++row) {
        const auto time = engine.next_row(values);
        for (std::size_t i = 0; i < values.size(); ++i)
            played[i].samples.push_back({time, values[i]});
    }
    return played;
}

const std::vector<PlayedEngine>& engines() {
    static const auto engines = [] {
        std::vector<PlayedEngine> all;
        for (int i = 0; i < kEngines; ++i) all.push_back(play(i));
        return all;
    }();
    return engines;
}

/// Requests with about the same number of samples, from series that come one after the other.
class Sender {
public:
    void send(const PlayedSeries& series, std::span<const Sample> samples) {
        std::string fields = series.labels;
        for (const auto& sample : samples) fields += doubles::sample_field(sample);
        doubles::add_field(message_, 1, fields);
        samples_ += samples.size();
        if (samples_ >= kPerRequest) finish();
    }
    void finish() {
        if (samples_ == 0) return;
        bodies_.push_back(doubles::compressed(message_));
        message_.clear();
        samples_ = 0;
    }
    std::vector<std::string> take() {
        finish();
        return std::move(bodies_);
    }

private:
    std::string message_;
    std::size_t samples_ = 0;
    std::vector<std::string> bodies_;
};

std::vector<std::string> send_rows(std::size_t shard, std::size_t shards) {
    Sender sender;
    for (std::size_t row = 0; row < kRows; ++row) {
        for (const auto& engine : engines()) {
            for (std::size_t i = 0; i < engine.size(); ++i) {
                if (i * 2654435761 / 65536 % shards == shard)
                    sender.send(engine[i], {&engine[i].samples[row], 1});
            }
        }
    }
    return sender.take();
}

std::vector<std::string> send_series() {
    Sender sender;
    for (const auto& engine : engines()) {
        for (const auto& series : engine) sender.send(series, series.samples);
    }
    return sender.take();
}

std::vector<std::string> make_bodies(Shape shape) {
    if (shape == Shape::series) return send_series();
    const auto shards = shape == Shape::rows ? 1 : kShards;
    std::vector<std::string> bodies;
    for (std::size_t shard = 0; shard < shards; ++shard)
        std::ranges::move(send_rows(shard, shards), std::back_inserter(bodies));
    return bodies;
}

const std::vector<std::string>& bodies(Shape shape) {
    static const std::vector<std::string> made[]{
        make_bodies(Shape::rows), make_bodies(Shape::shards), make_bodies(Shape::series)};
    return made[static_cast<std::size_t>(shape)];
}

void count_samples(benchmark::State& state) {
    double samples = 0;
    for (const auto& engine : engines()) samples += static_cast<double>(engine.size() * kRows);
    state.counters["per_sample"] = benchmark::Counter(
        samples, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void all(benchmark::State& state, Shape shape) {
    NullStore store;
    Intake intake(store, {});
    for (const auto& body : bodies(shape)) CHECK(intake.write(body), "taken");
    store.calls = 0;
    for (auto _ : state) {
        for (const auto& body : bodies(shape)) benchmark::DoNotOptimize(intake.write(body));
    }
    state.counters["calls"] =
        static_cast<double>(store.calls) / static_cast<double>(state.iterations());
    state.counters["groups"] = static_cast<double>(intake.counters().groups);
    count_samples(state);
}

void decompress(benchmark::State& state, Shape shape) {
    BodyBuffer buffer;
    std::size_t bytes = 0;
    for (auto _ : state) {
        bytes = 0;
        for (const auto& body : bodies(shape)) bytes += buffer.decompress(body, 32u << 20)->size();
    }
    count_samples(state);
    state.counters["bytes"] = static_cast<double>(bytes);
}

/// With decompressing, since a request's bytes are in the caches then.
void decode(benchmark::State& state, Shape shape) {
    BodyBuffer buffer;
    WriteRequest request;
    for (auto _ : state) {
        for (const auto& body : bodies(shape)) {
            CHECK(request.decode(*buffer.decompress(body, 32u << 20), kMost), "a request");
            benchmark::DoNotOptimize(request.series().data());
        }
    }
    count_samples(state);
}

/// With decompressing and decoding.
void look_up(benchmark::State& state, Shape shape) {
    NullStore store;
    const WriteConfig config;
    Placement placement(store, config);
    BodyBuffer buffer;
    WriteRequest request;
    Refusals refusals;
    const auto find = [&](const std::string& body) {
        CHECK(request.decode(*buffer.decompress(body, 32u << 20), kMost), "a request");
        CHECK(placement.find(request, refusals), "a request");
    };
    for (const auto& body : bodies(shape)) {
        find(body);
        placement.announce();
    }
    for (auto _ : state) {
        for (const auto& body : bodies(shape)) find(body);
    }
    count_samples(state);
}

/// All series are new.
void first_time(benchmark::State& state, Shape shape) {
    for (auto _ : state) {
        NullStore store;
        Intake intake(store, {});
        for (std::size_t i = 0; i < bodies(shape).size() / kRows; ++i)
            benchmark::DoNotOptimize(intake.write(bodies(shape)[i]));
        state.counters["per_series"] = benchmark::Counter(
            static_cast<double>(intake.counters().series),
            benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
    }
}

/// The machine is shared: the least of several times is nearest to what the work costs.
void often(benchmark::internal::Benchmark* bench) {
    bench->Unit(benchmark::kMillisecond)->MinTime(0.1)->Repetitions(9);
    bench->ReportAggregatesOnly()->ComputeStatistics(
        "least", [](const std::vector<double>& values) { return std::ranges::min(values); });
}

BENCHMARK_CAPTURE(decompress, rows, Shape::rows)->Apply(often);
BENCHMARK_CAPTURE(decode, rows, Shape::rows)->Apply(often);
BENCHMARK_CAPTURE(look_up, rows, Shape::rows)->Apply(often);
BENCHMARK_CAPTURE(all, rows, Shape::rows)->Apply(often);
BENCHMARK_CAPTURE(decompress, shards, Shape::shards)->Apply(often);
BENCHMARK_CAPTURE(decode, shards, Shape::shards)->Apply(often);
BENCHMARK_CAPTURE(look_up, shards, Shape::shards)->Apply(often);
BENCHMARK_CAPTURE(all, shards, Shape::shards)->Apply(often);
BENCHMARK_CAPTURE(decompress, series, Shape::series)->Apply(often);
BENCHMARK_CAPTURE(decode, series, Shape::series)->Apply(often);
BENCHMARK_CAPTURE(look_up, series, Shape::series)->Apply(often);
BENCHMARK_CAPTURE(all, series, Shape::series)->Apply(often);
BENCHMARK_CAPTURE(first_time, rows, Shape::rows)->Apply(often);

}  // namespace
}  // namespace inferscope::remote
