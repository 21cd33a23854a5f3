// SPDX-License-Identifier: Apache-2.0
// A page seen for the first time: the parser against a bare loop that splits lines, hashes the key,
// looks it up and calls from_chars. The bare loop checks nothing: what it takes is the floor. Both
// look the key up, as a scrape does.
#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>
#include <benchmark/benchmark.h>
#include <fast_float/fast_float.h>
#include <fmt/format.h>

#include <cstring>
#include <string>
#include <string_view>

#include "base/check.h"
#include "exposition/parser.h"

namespace inferscope::exposition {
namespace {

/// As vLLM V1 writes it: some 440 series and 58 kB, histograms with 20 buckets, two labels.
const std::string& page() {
    static const std::string text = [] {
        std::string out;
        for (int family = 0; family < 18; ++family) {
            const auto name = fmt::format("vllm:request_duration_of_phase_{:02}_seconds", family);
            out += fmt::format(
                "# HELP {} Histogram of the time that a request spends in this phase.\n", name);
            out += fmt::format("# TYPE {} histogram\n", name);
            constexpr std::string_view kLabels = R"(model_name="meta-llama/Llama-3.1-8B-Instruct")";
            for (int bucket = 1; bucket <= 20; ++bucket) {
                out += fmt::format("{}_bucket{{engine=\"0\",le=\"{}\",{}}} {}.0\n", name,
                                   0.125 * bucket, kLabels, bucket * 1733);
            }
            out += fmt::format("{}_count{{engine=\"0\",{}}} 34660.0\n", name, kLabels);
            out += fmt::format("{}_sum{{engine=\"0\",{}}} {}\n", name, kLabels,
                               1234.5678901 * (family + 1));
            out +=
                fmt::format("{}_created{{engine=\"0\",{}}} 1.7645328819325e+09\n", name, kLabels);
        }
        return out;
    }();
    return text;
}

using Table = absl::flat_hash_map<std::string, double>;

/// Debian's Abseil has a string_view of its own.
absl::string_view key_of(std::string_view text) { return {text.data(), text.size()}; }

Table learnt() {
    Table table;
    LineReader reader(page(), Format::text);
    while (true) {
        const auto line = reader.next();
        CHECK(line, "the page is valid");
        if (!*line) return table;
        if ((**line).kind == Line::Kind::sample) table[std::string((**line).key)] = 0;
    }
}

void set_counters(benchmark::State& state, std::size_t series) {
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(page().size()));
    state.counters["series"] = static_cast<double>(series);
}

void bare_loop(benchmark::State& state) {
    Table table = learnt();
    for (auto _ : state) {
        std::string_view rest = page();
        while (!rest.empty()) {
            const auto* newline =
                static_cast<const char*>(std::memchr(rest.data(), '\n', rest.size()));
            const auto line = rest.substr(0, static_cast<std::size_t>(newline - rest.data()));
            rest.remove_prefix(line.size() + 1);
            if (line[0] == '#') continue;
            const auto blank = line.rfind(' ');
            double value = 0;
            fast_float::from_chars(line.data() + blank + 1, line.data() + line.size(), value);
            table.find(key_of(line.substr(0, blank)))->second = value;
        }
        benchmark::DoNotOptimize(table);
    }
    set_counters(state, table.size());
}
BENCHMARK(bare_loop);

void line_reader(benchmark::State& state) {
    Table table = learnt();
    for (auto _ : state) {
        LineReader reader(page(), Format::text);
        while (true) {
            const auto line = reader.next();
            if (!line || !*line) break;
            if ((**line).kind == Line::Kind::sample)
                table.find(key_of((**line).key))->second = (**line).value;
        }
        benchmark::DoNotOptimize(table);
    }
    set_counters(state, table.size());
}
BENCHMARK(line_reader);

void line_reader_and_labels(benchmark::State& state) {
    std::size_t series = 0;
    for (auto _ : state) {
        LineReader reader(page(), Format::text);
        series = 0;
        while (true) {
            const auto line = reader.next();
            if (!line || !*line) break;
            if ((**line).kind != Line::Kind::sample) continue;
            auto labels = parse_series((**line).key);
            benchmark::DoNotOptimize(labels);
            ++series;
        }
    }
    set_counters(state, series);
}
BENCHMARK(line_reader_and_labels);

}  // namespace
}  // namespace inferscope::exposition
