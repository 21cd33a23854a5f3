// SPDX-License-Identifier: Apache-2.0
// The head under rows of vLLM engines (llm_data.h) and under a million series by themselves. Bytes
// are the allocator's (mallinfo2), not what the code believes.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>

#include <memory>
#include <vector>

#include "base/check.h"
#include "bench/llm_data.h"
#include "tsdb/head.h"
#include "tsdb/tile.h"

namespace inferscope::tsdb {
namespace {

constexpr Timestamp kStart = 1'760'000'000'000;
constexpr Timestamp kInterval = 15'000;
constexpr std::size_t kRows = 1024;

std::size_t heap_bytes() {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

struct Page {
    Timestamp time;
    std::vector<double> values;
};

struct Engine {
    std::vector<Column> columns;
    std::vector<Page> pages;
};

const Engine& engine() {
    static const Engine engine = [] {
        bench::LlmEngine source(1, 0, kStart, kInterval);
        Engine played;
        for (auto& labels : source.labels())
            played.columns.push_back({.labels = labels, .family = {}, .second_names = {}});
        for (std::size_t i = 0; i < kRows; ++i) {
            auto& page = played.pages.emplace_back();
            page.time = source.next_row(page.values);
        }
        return played;
    }();
    return engine;
}

/// The group's series are its own; the rows that it gets are those of one engine.
GroupId open(Head& head, int number = 0) {
    const GroupId group = head.open_group("engine");
    auto columns = engine().columns;
    for (auto& column : columns) {
        LabelsBuilder labels(column.labels);
        labels.set("group", fmt::format("{}", number));
        column.labels = labels.build();
    }
    head.add_columns(group, columns);
    return group;
}

void append(Head& head, GroupId group) {
    for (const auto& page : engine().pages)
        CHECK(head.append_row(group, {page.time, page.values, {}}), "rows are in order");
}

void count_samples(benchmark::State& state, double groups = 1) {
    const auto samples = groups * static_cast<double>(kRows * engine().columns.size());
    state.counters["per_sample"] = benchmark::Counter(
        samples, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
    state.counters["columns"] = static_cast<double>(engine().columns.size());
}

void append_rows(benchmark::State& state) {
    (void)engine();
    for (auto _ : state) {
        state.PauseTiming();
        Head head;
        const GroupId group = open(head);
        state.ResumeTiming();
        append(head, group);
        state.PauseTiming();
        head.close_group(group, kStart);
        state.ResumeTiming();
    }
    count_samples(state);
}
BENCHMARK(append_rows)->Unit(benchmark::kMillisecond);

/// The rows that find the tile full alone: how long sealing it keeps whoever brings them.
void append_rows_that_seal(benchmark::State& state) {
    Head head;
    const GroupId group = open(head);
    std::size_t row = 0;
    for (auto _ : state) {
        if (row + kTileRows >= kRows) {
            state.SkipWithError("all rows were appended: fewer iterations");
            break;
        }
        const auto append_next = [&] {
            const auto& page = engine().pages[row++];
            CHECK(head.append_row(group, {page.time, page.values, {}}), "rows are in order");
        };
        state.PauseTiming();
        while (row == 0 || row % kTileRows != 0) append_next();
        state.ResumeTiming();
        append_next();
    }
}
BENCHMARK(append_rows_that_seal)->Unit(benchmark::kMicrosecond)->Iterations(kRows / kTileRows - 1);

/// What the background is left with: merging. Eight groups, so that what it keeps for itself is
/// shared; the open tiles count.
void seal(benchmark::State& state) {
    constexpr int kGroups = 8;
    double bytes = 0;
    for (auto _ : state) {
        state.PauseTiming();
        const auto before = heap_bytes();
        auto head = std::make_unique<Head>();
        for (int i = 0; i < kGroups; ++i) append(*head, open(*head, i));
        state.ResumeTiming();
        head->seal();
        state.PauseTiming();
        bytes = static_cast<double>(heap_bytes() - before) / kGroups;
        head.reset();
        state.ResumeTiming();
    }
    state.counters["group_bytes"] = bytes;
    state.counters["bytes_per_column"] = bytes / static_cast<double>(engine().columns.size());
    count_samples(state, kGroups);
}
BENCHMARK(seal)->Unit(benchmark::kMillisecond);

/// By column (Head::read), and merged for each series (Head::select).
void read_all(benchmark::State& state, bool merged) {
    Head head;
    append(head, open(head));
    head.seal();
    for (auto _ : state) {
        if (merged) {
            benchmark::DoNotOptimize(head.select({}, 0, kForever));
        } else {
            benchmark::DoNotOptimize(head.read({}, 0, kForever, SIZE_MAX));
        }
    }
    count_samples(state);
}
BENCHMARK_CAPTURE(read_all, by_column, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read_all, by_series, true)->Unit(benchmark::kMillisecond);

Labels single(int i) {
    const auto id = fmt::format("{:08x}-{:08x}", static_cast<unsigned>(i) * 2654435761U, i);
    return Labels::from({{kMetricName, "request_seconds_total"},
                         {"instance", "10.0.0.1:8000"},
                         {"job", "engines"},
                         {"model_name", "meta-llama/Llama-3.1-8B-Instruct"},
                         {"request_id", id}});
}

/// A million series by themselves with so many samples each, one round after the other, sealed
/// meanwhile.
void million_singles(benchmark::State& state) {
    constexpr int kSeries = 1'000'000;
    constexpr int kBatch = 1000;
    const auto rounds = static_cast<int>(state.range(0));
    double bytes = 0;
    for (auto _ : state) {
        state.PauseTiming();
        std::vector<TimedSample> batch(kBatch);
        const auto before = heap_bytes();
        auto head = std::make_unique<Head>();
        const GroupId group = head->open_group("sender");
        state.ResumeTiming();
        for (int round = 0; round < rounds; ++round) {
            for (int first = 0; first < kSeries; first += kBatch) {
                state.PauseTiming();
                for (int i = 0; i < kBatch; ++i) {
                    auto& sample = batch[static_cast<std::size_t>(i)];
                    sample.labels = single(first + i);
                    sample.time = kStart + round * kInterval + first % 997;
                    sample.value = static_cast<double>((first + i) % 97 * (round + 1)) / 8;
                }
                state.ResumeTiming();
                CHECK(head->append_timed(group, batch), "samples are in order");
            }
            state.PauseTiming();
            head->seal();
            state.ResumeTiming();
        }
        state.PauseTiming();
        bytes = static_cast<double>(heap_bytes() - before) / kSeries;
        head.reset();
        state.ResumeTiming();
    }
    state.counters["bytes_per_series"] = bytes;
    state.counters["per_sample"] = benchmark::Counter(
        static_cast<double>(rounds) * kSeries,
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(million_singles)->Arg(1)->Arg(31)->Arg(40)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace inferscope::tsdb
