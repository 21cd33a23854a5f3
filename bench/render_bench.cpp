// SPDX-License-Identifier: Apache-2.0
// A page of 50,000 series: target <= 10 ms CPU. Values are counters, whole gauges and fractions in
// equal parts; the series are those of 114 engines, 440 each. `after_change` makes the page's order
// anew, as after a series has come.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>

#include <string>
#include <vector>

#include "base/check.h"
#include "exposition/latest_rows.h"

namespace inferscope::exposition {
namespace {

constexpr int kSeriesOfEngine = 440;

FamilyPtr family_of(std::string_view prefix, int index) {
    return std::make_shared<const Family>(
        Family{fmt::format("{}:request_phase_{:02}_seconds", prefix, index), MetricType::histogram,
               "Histogram of the time that a request spends in this phase.", "seconds"});
}

Labels labels_of(std::string_view name, int engine, int bucket) {
    const auto instance = fmt::format("10.0.0.{}:8000", engine);
    const auto bound = fmt::format("{}.0", bucket);
    const auto sample = std::string(name) + (bucket < 20    ? "_bucket"
                                             : bucket == 20 ? "_sum"
                                                            : "_count");
    return Labels::from({{kMetricName, sample},
                         {"instance", instance},
                         {"job", "engines"},
                         {"le", bucket < 20 ? bound : ""},
                         {"model_name", "meta-llama/Llama-3.1-8B-Instruct"}});
}

std::vector<Column> columns_of(int engine, bool twice) {
    std::vector<Column> columns;
    for (int family = 0; family < kSeriesOfEngine / 22; ++family) {
        const auto own = family_of("vllm", family);
        const auto unified = family_of("gpustack", family);
        for (int bucket = 0; bucket < 22; ++bucket) {
            columns.push_back({.labels = labels_of(own->name, engine, bucket),
                               .family = own,
                               .shown_on = twice ? ShownOn::raw : ShownOn::metrics,
                               .second_names = {}});
            if (!twice) continue;
            columns.back().second_names.push_back(
                {labels_of(unified->name, engine, bucket), unified, ShownOn::metrics});
        }
    }
    return columns;
}

void append_row(LatestRows& rows, GroupId group, int engine, std::size_t columns) {
    std::vector<double> values(columns);
    for (std::size_t i = 0; i < columns; ++i) {
        const auto count = static_cast<double>(i * 7919 + static_cast<std::size_t>(engine));
        values[i] = i % 3 == 0   ? count * 1e5
                    : i % 3 == 1 ? static_cast<double>(i % 100)
                                 : count / 1237;
    }
    CHECK(rows.append_row(group, {.time = 1, .values = values, .changed = {}}), "never refused");
}

void fill(LatestRows& rows, int engines, bool twice) {
    for (int engine = 0; engine < engines; ++engine) {
        const auto group = rows.open_group("engine");
        const auto columns = columns_of(engine, twice);
        rows.add_columns(group, columns);
        append_row(rows, group, engine, columns.size());
    }
}

void render(benchmark::State& state, Format format) {
    LatestRows rows;
    fill(rows, 50'000 / kSeriesOfEngine + 1, false);
    std::size_t bytes = 0;
    for (auto _ : state) {
        std::string page;
        rows.render(ShownOn::metrics, format, page);
        bytes = page.size();
        benchmark::DoNotOptimize(page.data());
    }
    state.counters["series"] = static_cast<double>(rows.series());
    state.counters["page_bytes"] = static_cast<double>(bytes);
}
BENCHMARK_CAPTURE(render, text, Format::text)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(render, openmetrics, Format::openmetrics)->Unit(benchmark::kMillisecond);

void render_after_change(benchmark::State& state, Format format) {
    LatestRows rows;
    fill(rows, 50'000 / kSeriesOfEngine, false);
    const auto columns = columns_of(250, false);
    const auto group = rows.open_group("new");
    for (auto _ : state) {
        state.PauseTiming();
        rows.start_epoch(group);
        rows.add_columns(group, columns);
        append_row(rows, group, 250, columns.size());
        state.ResumeTiming();
        std::string page;
        rows.render(ShownOn::metrics, format, page);
        benchmark::DoNotOptimize(page.data());
    }
}
BENCHMARK_CAPTURE(render_after_change, text, Format::text)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(render_after_change, openmetrics, Format::openmetrics)
    ->Unit(benchmark::kMillisecond);

void append_440(benchmark::State& state) {
    LatestRows rows;
    fill(rows, 8, true);
    const auto group = rows.open_group("new");
    rows.add_columns(group, columns_of(250, true));
    const std::vector<double> values(kSeriesOfEngine, 1.5);
    for (auto _ : state) {
        CHECK(rows.append_row(group, {.time = 1, .values = values, .changed = {}}),
              "never refused");
    }
}
BENCHMARK(append_440);

/// Eight engines, each series under two names, both pages rendered once: bytes on the heap.
void memory_of_idle_node(benchmark::State& state) {
    double bytes = 0;
    double series = 0;
    for (auto _ : state) {
        const auto before = mallinfo2().uordblks;
        LatestRows rows;
        fill(rows, 8, true);
        std::string page;
        rows.render(ShownOn::metrics, Format::text, page);
        page.clear();
        rows.render(ShownOn::raw, Format::text, page);
        page = {};
        bytes = static_cast<double>(mallinfo2().uordblks - before);
        series = static_cast<double>(rows.series());
    }
    state.counters["bytes"] = bytes;
    state.counters["bytes_per_series"] = bytes / series;
}
BENCHMARK(memory_of_idle_node)->Iterations(1);

}  // namespace
}  // namespace inferscope::exposition
