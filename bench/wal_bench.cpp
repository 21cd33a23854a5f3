// SPDX-License-Identifier: Apache-2.0
// The log under rows of vLLM engines (440 columns, bench/llm_data.h): what an append costs with and
// without the disk behind it, what a sample takes, and how fast the log is read back.
#include <benchmark/benchmark.h>

#include <bit>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/files.h"
#include "bench/llm_data.h"
#include "tsdb/wal_appender.h"
#include "tsdb/wal_replay.h"

namespace inferscope::tsdb {
namespace {

constexpr int kEngines = 46;
constexpr std::size_t kRows = 240;  // an hour at 15 s

/// Takes everything, keeps nothing.
class NullAppender final : public PieceAppender {
public:
    GroupId open_group(std::string_view) override { return static_cast<GroupId>(groups_++); }
    void start_epoch(GroupId) override {}
    void add_columns(GroupId, std::span<const Column>) override {}
    Result<void> append_row(GroupId, const Row&) override { return {}; }
    void append_gap(GroupId, Timestamp) override {}
    Result<void> append_timed(GroupId, std::span<const TimedSample>) override { return {}; }
    void append_exemplars(GroupId, std::span<const Exemplar>) override {}
    void close_group(GroupId, Timestamp) override {}
    GroupId open_loose_group(std::string_view) override { return static_cast<GroupId>(groups_++); }
    Result<VerdictCounts> append_cells(GroupId, Timestamp, std::span<const Cell>) override {
        return VerdictCounts{};
    }
    void add_families(std::span<const FamilyPtr>) override {}
    void begin_batch() override {}
    Result<void> end_batch() override { return {}; }

private:
    std::uint32_t groups_ = 0;
};

struct Engine {
    std::vector<Column> columns;
    std::vector<Timestamp> times;
    std::vector<std::vector<double>> rows;
};

struct Fleet {
    std::vector<Engine> engines;
    double samples = 0;
    double changed = 0;  ///< of samples, those that differ from the row before
};

Engine play(int index) {
    bench::LlmEngine played(7, index, 1'700'000'000'000);
    Engine engine;
    for (auto& labels : played.labels()) engine.columns.emplace_back().labels = std::move(labels);
    for (std::size_t i = 0; i < kRows; ++i) {
        engine.rows.emplace_back(engine.columns.size());
        engine.times.push_back(played.next_row(engine.rows.back()));
    }
    return engine;
}

const Fleet& fleet() {
    static const Fleet made = [] {
        Fleet fleet;
        for (int i = 0; i < kEngines; ++i) {
            const auto& engine = fleet.engines.emplace_back(play(i));
            fleet.samples += static_cast<double>(kRows * engine.columns.size());
            for (std::size_t row = 1; row < kRows; ++row)
                for (std::size_t at = 0; at < engine.columns.size(); ++at)
                    fleet.changed += std::bit_cast<std::uint64_t>(engine.rows[row][at]) !=
                                             std::bit_cast<std::uint64_t>(engine.rows[row - 1][at])
                                         ? 1
                                         : 0;
        }
        return fleet;
    }();
    return made;
}

std::string folder() { return std::filesystem::temp_directory_path() / "inferscope_wal_bench"; }

/// All rows, by time; returns the bytes that were written.
double append_all(const WalSettings& settings) {
    DiskFiles files;
    NullAppender head;
    auto log = *LogAppender::open(files, folder(), settings, head);
    std::vector<GroupId> groups;
    for (const auto& engine : fleet().engines) {
        groups.push_back(log->open_group("engine"));
        log->add_columns(groups.back(), engine.columns);
    }
    for (std::size_t row = 0; row < kRows; ++row) {
        for (std::size_t i = 0; i < groups.size(); ++i) {
            const auto& engine = fleet().engines[i];
            const auto taken = log->append_row(
                groups[i], {.time = engine.times[row], .values = engine.rows[row], .changed = {}});
            CHECK(taken, "there is room");
        }
    }
    CHECK(log->flush(), "there is room");
    return static_cast<double>(log->written());
}

void count(benchmark::State& state, double rows_each) {
    state.counters["time_per_row"] =
        benchmark::Counter(rows_each * static_cast<double>(state.iterations()),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

/// With a write(2) for each row (0), or gathered up to so many bytes.
void BM_AppendRow(benchmark::State& state) {
    fleet();
    double bytes = 0;
    for (auto _ : state) {
        state.PauseTiming();
        std::filesystem::remove_all(folder());
        state.ResumeTiming();
        bytes = append_all({.gather_bytes = static_cast<std::uint64_t>(state.range(0))});
    }
    count(state, kEngines * kRows);
    state.counters["bytes_per_sample"] = bytes / fleet().samples;
    state.counters["changed_share"] = fleet().changed / fleet().samples;
    state.counters["time_per_change"] =
        benchmark::Counter(fleet().changed * static_cast<double>(state.iterations()),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_AppendRow)->Arg(0)->Arg(256 << 10)->Unit(benchmark::kMillisecond);

/// Rows as differences, nothing else.
void BM_EncodeRow(benchmark::State& state) {
    const auto& engine = fleet().engines[0];
    wal::RowBefore before;
    before.values.resize(engine.columns.size());
    std::string out;
    std::size_t row = 0;
    for (auto _ : state) {
        out.clear();
        wal::append_row(out, {.time = 0, .values = engine.rows[row], .changed = {}}, before);
        row = (row + 1) % kRows;
        benchmark::DoNotOptimize(out.data());
    }
}
BENCHMARK(BM_EncodeRow);

void BM_Replay(benchmark::State& state) {
    std::filesystem::remove_all(folder());
    append_all({});
    DiskFiles files;
    for (auto _ : state) {
        NullAppender head;
        const auto report = replay_log(files, folder(), head);
        CHECK(report && report->counts.rows == kEngines * kRows, "everything is read");
    }
    std::filesystem::remove_all(folder());
    count(state, kEngines * kRows);
    state.counters["rows_per_second"] = benchmark::Counter(
        static_cast<double>(kEngines * kRows) * static_cast<double>(state.iterations()),
        benchmark::Counter::kIsRate);
}
BENCHMARK(BM_Replay)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace inferscope::tsdb
