// SPDX-License-Identifier: Apache-2.0
// Blocks of vLLM engines (440 columns at 15 s, bench/llm_data.h): what writing, opening, reading
// and merging take, and the bytes of a sample, index and all.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/files.h"
#include "bench/llm_data.h"
#include "tsdb/block_set.h"

namespace inferscope::tsdb {
namespace {

constexpr int kEngines = 46;
constexpr std::size_t kRows = 480;  // of a block: 2 h
constexpr int kBlocks = 4;
constexpr Timestamp kStart = 1'699'963'200'000;  // a multiple of 18 h, the length of merged blocks
constexpr std::size_t kEndless = std::numeric_limits<std::size_t>::max();

struct Engine {
    std::vector<ColumnName> names;
    std::vector<Timestamp> times;
    std::vector<std::vector<double>> columns;
};

Engine play(int index) {
    bench::LlmEngine played(7, index, kStart);
    Engine engine;
    for (auto& labels : played.labels())
        engine.names.push_back({engine.names.size(), std::move(labels), {}});
    engine.columns.resize(engine.names.size());
    std::vector<double> row(engine.names.size());
    for (std::size_t i = 0; i < kRows * kBlocks; ++i) {
        engine.times.push_back(played.next_row(row));
        for (std::size_t column = 0; column < row.size(); ++column)
            engine.columns[column].push_back(row[column]);
    }
    return engine;
}

const std::vector<Engine>& fleet() {
    static const auto made = [] {
        std::vector<Engine> engines;
        for (int i = 0; i < kEngines; ++i) engines.push_back(play(i));
        return engines;
    }();
    return made;
}

double samples_of_a_block() {
    double samples = 0;
    for (const auto& engine : fleet())
        samples += static_cast<double>(kRows * engine.columns.size());
    return samples;
}

std::string folder() { return std::filesystem::temp_directory_path() / "inferscope_block_bench"; }

std::unique_ptr<Blocks> open(Files& files) {
    auto blocks = Blocks::open(files, folder(), {.keep_longer = {}});
    CHECK(blocks, "the folder can be written");
    return *std::move(blocks);
}

void write(Blocks& blocks, int number) {
    auto writer = blocks.start_block(0);
    CHECK(writer, "there is room");
    const auto first = static_cast<std::size_t>(number) * kRows;
    for (const auto& engine : fleet()) {
        const auto added = (*writer)->add_rows(
            std::span(engine.times).subspan(first, kRows), engine.names,
            [&](std::size_t column, std::size_t row, std::span<double> values,
                std::span<std::uint64_t> present) {
                std::ranges::copy_n(&engine.columns[column][first + row],
                                    static_cast<std::ptrdiff_t>(values.size()), values.begin());
                std::ranges::fill(present, ~std::uint64_t{0});
            });
        CHECK(added, "there is room");
    }
    CHECK(blocks.add(*std::move(writer)), "there is room");
}

void write_all(Files& files) {
    std::filesystem::remove_all(folder());
    auto blocks = open(files);
    for (int i = 0; i < kBlocks; ++i) write(*blocks, i);
}

void count(benchmark::State& state, double samples) {
    state.counters["time_per_sample"] =
        benchmark::Counter(samples * static_cast<double>(state.iterations()),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void BM_Write(benchmark::State& state) {
    fleet();
    DiskFiles files;
    std::filesystem::remove_all(folder());
    auto blocks = open(files);
    for (auto _ : state) write(*blocks, 0);
    count(state, samples_of_a_block());
    const auto& meta = blocks->list()->front()->meta();
    state.counters["bytes_per_sample"] =
        static_cast<double>(meta.bytes) / static_cast<double>(meta.samples);
}
BENCHMARK(BM_Write)->Unit(benchmark::kMillisecond);

/// A folder of 200 blocks, as after two weeks without merging.
void BM_OpenFolder(benchmark::State& state) {
    DiskFiles files;
    std::filesystem::remove_all(folder());
    write(*open(files), 0);
    const auto blocks = open(files);
    const auto source = blocks->list()->front();
    for (std::uint32_t number = 1000; number < 1200; ++number) {
        auto meta = source->meta();
        meta.number = meta.origin = number;
        auto writer = *BlockWriter::create(files, folder(), meta);
        CHECK(writer->add_rows(std::span(fleet()[0].times).first(10),
                               std::span(fleet()[0].names).first(1),
                               [](auto, auto, auto, std::span<std::uint64_t> present) {
                                   present[0] = ~std::uint64_t{0};
                               }),
              "there is room");
        CHECK(writer->finish(), "there is room");
    }
    for (auto _ : state) benchmark::DoNotOptimize(open(files));
    state.counters["time_per_block"] =
        benchmark::Counter(201 * static_cast<double>(state.iterations()),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_OpenFolder)->Unit(benchmark::kMillisecond);

/// Groups and index, at the first query.
void BM_LoadTables(benchmark::State& state) {
    DiskFiles files;
    write_all(files);
    for (auto _ : state) {
        state.PauseTiming();
        const auto blocks = open(files);
        const auto block = blocks->list()->front();
        state.ResumeTiming();
        CHECK(block->tables(), "it is unharmed");
    }
}
BENCHMARK(BM_LoadTables)->Unit(benchmark::kMicrosecond);

void read(benchmark::State& state, std::span<const Matcher> matchers) {
    DiskFiles files;
    write_all(files);
    const auto blocks = open(files);
    const auto block = blocks->list()->front();
    const auto& times = block->meta().times;
    double samples = 0;
    for (auto _ : state) {
        const auto selection = block->read(matchers, times.from, times.to, kEndless);
        CHECK(selection && selection->warnings.empty(), "it is unharmed");
        samples = 0;
        for (const auto& rows : selection->rows)
            samples += static_cast<double>(rows.times().size() * rows.columns());
    }
    count(state, samples);
}

void BM_ReadAll(benchmark::State& state) { read(state, {}); }
BENCHMARK(BM_ReadAll)->Unit(benchmark::kMillisecond);

/// One name of each engine: 46 columns of 46 chunks.
void BM_ReadOneName(benchmark::State& state) {
    read(state, std::vector{Matcher::equal(std::string(kMetricName), "vllm:num_requests_running")});
}
BENCHMARK(BM_ReadOneName)->Unit(benchmark::kMillisecond);

/// Three blocks of 2 h into one of 6 h.
void BM_Merge(benchmark::State& state) {
    DiskFiles files;
    double samples = 0;
    double bytes = 0;
    for (auto _ : state) {
        state.PauseTiming();
        write_all(files);
        const auto blocks = open(files);
        state.ResumeTiming();
        const auto merged = blocks->compact(0);
        CHECK(merged && *merged, "there are three of one range");
        samples = static_cast<double>(blocks->list()->front()->meta().samples);
        bytes = static_cast<double>(blocks->list()->front()->meta().bytes);
    }
    count(state, samples);
    state.counters["bytes_per_sample"] = bytes / samples;
    std::filesystem::remove_all(folder());
}
BENCHMARK(BM_Merge)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace inferscope::tsdb
