// SPDX-License-Identifier: Apache-2.0
// Sealed chunks on the data of 46 vLLM engines, 6 h at 15 s: bytes and time for each sample, by
// encoding, with yardsticks in the same run: Gorilla, zstd-19 over columns of differences, reading
// and copying the decoded arrays. The argument is the number of rows of a chunk.
#include <benchmark/benchmark.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "bench/llm_data.h"
#include "tsdb/bit_packing.h"
#include "tsdb/chunk_view.h"
#include "tsdb/chunk_writer.h"

namespace inferscope::tsdb {
namespace {

constexpr int kEngines = 46;
constexpr std::size_t kRows = 1440;

struct Target {
    std::vector<Timestamp> times;
    std::vector<std::vector<double>> columns;
};

const std::vector<Target>& fleet() {
    static const auto targets = [] {
        std::vector<Target> all(kEngines);
        std::vector<double> row;
        for (int i = 0; i < kEngines; ++i) {
            bench::LlmEngine engine(1, i, 1'760'000'000'000);
            Target& target = all[static_cast<std::size_t>(i)];
            for (std::size_t r = 0; r < kRows; ++r) {
                target.times.push_back(engine.next_row(row));
                target.columns.resize(row.size());
                for (std::size_t c = 0; c < row.size(); ++c) target.columns[c].push_back(row[c]);
            }
        }
        return all;
    }();
    return targets;
}

std::size_t samples(const Target& target) { return target.columns.size() * kRows; }

std::size_t fleet_samples() {
    std::size_t sum = 0;
    for (const auto& target : fleet()) sum += samples(target);
    return sum;
}

/// A chunk for each run of `rows` rows of a target.
void seal(ChunkWriter& writer, const Target& target, std::size_t rows,
          std::vector<std::string>& chunks) {
    for (std::size_t begin = 0; begin < kRows; begin += rows) {
        const auto count = std::min(rows, kRows - begin);
        writer.begin(std::span(target.times).subspan(begin, count));
        for (const auto& column : target.columns)
            writer.add_column(std::span(column).subspan(begin, count));
        writer.finish(chunks.emplace_back());
    }
}

const std::vector<std::string>& sealed(std::size_t rows) {
    static std::map<std::size_t, std::vector<std::string>> by_rows;
    auto& chunks = by_rows[rows];
    ChunkWriter writer;
    for (std::size_t i = 0; chunks.empty() || i > 0; ++i) {
        if (i == fleet().size()) break;
        seal(writer, fleet()[i], rows, chunks);
    }
    return chunks;
}

double per_sample(double amount) { return amount / static_cast<double>(fleet_samples()); }

std::size_t total_size(const std::vector<std::string>& chunks) {
    std::size_t size = 0;
    for (const auto& chunk : chunks) size += chunk.size();
    return size;
}

void set_ns(benchmark::State& state, std::size_t each_iteration) {
    state.counters["per_sample"] = benchmark::Counter(
        static_cast<double>(each_iteration),
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void BM_Seal(benchmark::State& state) {
    const auto rows = static_cast<std::size_t>(state.range(0));
    fleet();
    ChunkWriter writer;
    std::vector<std::string> chunks;
    for (auto _ : state) {
        chunks.clear();
        for (const auto& target : fleet()) seal(writer, target, rows, chunks);
    }
    set_ns(state, fleet_samples());
    state.counters["bytes_per_sample"] = per_sample(static_cast<double>(total_size(chunks)));
}
BENCHMARK(BM_Seal)->Arg(12)->Arg(60)->Arg(120)->Arg(240)->Arg(480)->Arg(1440)->Unit(
    benchmark::kMillisecond);

/// How a column was encoded, in a word.
std::string_view encoding(const ColumnHeader& header) {
    if (header.relation != Relation::none)
        return header.form == ColumnForm::zero ? "as_others" : "near_another";
    if (header.form == ColumnForm::zero) return "constant";
    if (header.form == ColumnForm::sparse) return "sparse";
    if (header.form == ColumnForm::level) return "level";
    constexpr std::string_view kDense[] = {"integer", "ratio", "fixed", "bits"};
    return kDense[static_cast<std::size_t>(header.scale.kind)];
}

/// Bytes of each encoding for each sample of the fleet: they add up to bytes_per_sample.
void BM_BytesByEncoding(benchmark::State& state) {
    const auto& chunks = sealed(static_cast<std::size_t>(state.range(0)));
    std::map<std::string_view, double> bytes;
    for (auto _ : state) {
        bytes.clear();
        for (const auto& chunk : chunks) {
            const auto view = ChunkView::open(chunk);
            CHECK(view, "a chunk just sealed");
            bytes["headers"] += static_cast<double>(chunk.size());
            for (std::size_t c = 0; c < view->columns(); ++c) {
                const auto& header = view->column(c).header;
                const auto size = static_cast<double>(header.payload_size + header.gaps_size);
                bytes[encoding(header)] += size;
                bytes["headers"] -= size;
            }
        }
    }
    for (const auto& [name, size] : bytes) state.counters[std::string(name)] = per_sample(size);
}
BENCHMARK(BM_BytesByEncoding)->Arg(240)->Arg(1440)->Iterations(1);

void BM_Open(benchmark::State& state) {
    const auto& chunks = sealed(240);
    for (auto _ : state) {
        for (const auto& chunk : chunks) {
            auto view = ChunkView::open(chunk);
            benchmark::DoNotOptimize(view);
        }
    }
    state.counters["per_chunk"] = benchmark::Counter(
        static_cast<double>(chunks.size()),
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_Open)->Unit(benchmark::kMillisecond);

/// All columns of one encoding, each on its own or (`all`) one after the other.
void decode(benchmark::State& state, std::string_view which) {
    const auto rows = static_cast<std::size_t>(state.range(0));
    std::vector<ChunkView> views;
    for (const auto& chunk : sealed(rows)) views.push_back(*ChunkView::open(chunk));
    std::vector<double> values(rows);
    std::vector<std::uint64_t> present((rows + 63) / 64);
    std::vector<std::pair<const ChunkView*, std::vector<std::size_t>>> wanted;
    std::size_t decoded = 0;
    for (const auto& view : views) {
        wanted.emplace_back(&view, std::vector<std::size_t>{});
        for (std::size_t c = 0; c < view.columns(); ++c)
            if (which == "all" || encoding(view.column(c).header) == which)
                wanted.back().second.push_back(c);
        decoded += wanted.back().second.size() * view.rows();
    }
    for (auto _ : state) {
        for (const auto& [view, columns] : wanted) {
            ColumnDecoder decoder(*view);
            for (const auto c : columns) {
                CHECK(decoder.decode(c, std::span(values).first(view->rows()), present), "sealed");
                benchmark::DoNotOptimize(values.data());
            }
        }
    }
    set_ns(state, decoded);
}
BENCHMARK_CAPTURE(decode, all, "all")->Arg(240)->Arg(1440);
BENCHMARK_CAPTURE(decode, constant, "constant")->Arg(240)->Arg(1440);
BENCHMARK_CAPTURE(decode, integer, "integer")->Arg(240)->Arg(1440);
BENCHMARK_CAPTURE(decode, sparse, "sparse")->Arg(240)->Arg(1440);
BENCHMARK_CAPTURE(decode, near_another, "near_another")->Arg(240)->Arg(1440);
BENCHMARK_CAPTURE(decode, as_others, "as_others")->Arg(240)->Arg(1440);
BENCHMARK_CAPTURE(decode, fixed, "fixed")->Arg(240)->Arg(1440);
BENCHMARK_CAPTURE(decode, ratio, "ratio")->Arg(240)->Arg(1440);
BENCHMARK_CAPTURE(decode, level, "level")->Arg(240)->Arg(1440);
BENCHMARK_CAPTURE(decode, bits, "bits")->Arg(240)->Arg(1440);

/// What a query would do with decoded arrays that lie in memory: read them.
void BM_ReadDecoded(benchmark::State& state) {
    for (auto _ : state) {
        for (const auto& target : fleet()) {
            for (const auto& column : target.columns) {
                std::uint64_t any = 0;
                for (const double value : column) any |= std::bit_cast<std::uint64_t>(value);
                benchmark::DoNotOptimize(any);
            }
        }
    }
    set_ns(state, fleet_samples());
}
BENCHMARK(BM_ReadDecoded)->Unit(benchmark::kMillisecond);

void BM_CopyDecoded(benchmark::State& state) {
    std::vector<double> values(kRows);
    for (auto _ : state) {
        for (const auto& target : fleet()) {
            for (const auto& column : target.columns) {
                std::memcpy(values.data(), column.data(), kRows * sizeof(double));
                benchmark::DoNotOptimize(values.data());
            }
        }
    }
    set_ns(state, fleet_samples());
}
BENCHMARK(BM_CopyDecoded)->Unit(benchmark::kMillisecond);

/// As Gorilla (VLDB 2015) has it: each series with its own times, deltas of deltas; XOR of values.
std::size_t gorilla_bits(std::span<const Timestamp> times, std::span<const double> values) {
    std::size_t bits = 128;
    Timestamp last_step = 0;
    unsigned leading = 65, trailing = 0;  // the window; none yet
    for (std::size_t i = 1; i < times.size(); ++i) {
        const auto step = times[i] - times[i - 1], change = step - last_step;
        last_step = step;
        const auto size = change < 0 ? -change : change;
        bits += size == 0 ? 1 : size < 64 ? 9 : size < 256 ? 12 : size < 2048 ? 16 : 36;
        const auto difference =
            std::bit_cast<std::uint64_t>(values[i]) ^ std::bit_cast<std::uint64_t>(values[i - 1]);
        if (difference == 0) {
            ++bits;
            continue;
        }
        const auto left = std::min(31U, static_cast<unsigned>(std::countl_zero(difference)));
        const auto right = static_cast<unsigned>(std::countr_zero(difference));
        if (leading < 65 && left >= leading && right >= trailing) {
            bits += 2 + 64 - leading - trailing;
        } else {
            leading = left;
            trailing = right;
            bits += 2 + 5 + 6 + 64 - left - right;
        }
    }
    return bits;
}

void BM_YardstickGorilla(benchmark::State& state) {
    const auto rows = static_cast<std::size_t>(state.range(0));
    std::size_t bytes = 0;
    for (auto _ : state) {
        bytes = 0;
        for (const auto& target : fleet()) {
            for (const auto& column : target.columns) {
                for (std::size_t begin = 0; begin < kRows; begin += rows)
                    bytes += (gorilla_bits(std::span(target.times).subspan(begin, rows),
                                           std::span(column).subspan(begin, rows)) +
                              7) /
                             8;
            }
        }
    }
    state.counters["bytes_per_sample"] = per_sample(static_cast<double>(bytes));
}
BENCHMARK(BM_YardstickGorilla)->Arg(240)->Arg(1440)->Iterations(1)->Unit(benchmark::kMillisecond);

std::size_t zstd_size(std::string_view bytes, int level) {
    static std::string out;
    out.resize(ZSTD_compressBound(bytes.size()));
    return ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level);
}

/// All columns of a chunk's rows as differences of integers (or of bit patterns), 8 bytes each, in
/// one piece; whole integers as such.
void BM_YardstickZstd19OfDifferences(benchmark::State& state) {
    const auto rows = static_cast<std::size_t>(state.range(0));
    constexpr std::size_t kTargets = 5;  // one of each kind: it takes long
    std::size_t bytes = 0, count = 0, ours = 0;
    std::string raw;
    ChunkWriter writer;
    for (auto _ : state) {
        bytes = count = ours = 0;
        for (const auto& target : std::span(fleet()).first(kTargets)) {
            std::vector<std::string> chunks;
            seal(writer, target, rows, chunks);
            ours += total_size(chunks);
            for (std::size_t begin = 0; begin < kRows; begin += rows) {
                raw.clear();
                for (const auto& column : target.columns) {
                    ColumnNumbers numbers;
                    numbers.assign(std::span(column).subspan(begin, rows), {});
                    std::adjacent_difference(numbers.numbers.begin(), numbers.numbers.end(),
                                             numbers.numbers.begin());
                    raw.append(reinterpret_cast<const char*>(numbers.numbers.data()), rows * 8);
                }
                bytes += zstd_size(raw, 19);
                count += rows * target.columns.size();
            }
        }
    }
    state.counters["bytes_per_sample"] = static_cast<double>(bytes) / static_cast<double>(count);
    state.counters["ours_on_the_same"] = static_cast<double>(ours) / static_cast<double>(count);
}
BENCHMARK(BM_YardstickZstd19OfDifferences)->Arg(240)->Iterations(1)->Unit(benchmark::kMillisecond);

/// What one more stage over whole chunks would save.
void BM_ZstdOverChunks(benchmark::State& state) {
    const auto& chunks = sealed(240);
    std::size_t bytes = 0;
    for (auto _ : state) {
        bytes = 0;
        for (const auto& chunk : chunks)
            bytes += std::min(chunk.size(), zstd_size(chunk, static_cast<int>(state.range(0))));
    }
    state.counters["bytes_per_sample"] = per_sample(static_cast<double>(bytes));
}
BENCHMARK(BM_ZstdOverChunks)->Arg(3)->Arg(19)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace inferscope::tsdb
