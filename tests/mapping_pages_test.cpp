// SPDX-License-Identifier: Apache-2.0
// Every page in tests/pages/, read, recognised and mapped: each unified series and value stands in
// tests/pages/expected/, and docs/pages.md has one row for each page. INFERSCOPE_WRITE_EXPECTED=1
// writes both anew; read the difference before it is kept.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/numbers.h"
#include "exposition/parser.h"
#include "mapping/target_mapping.h"

namespace inferscope::mapping {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = fs::path(INFERSCOPE_SOURCE_DIR);
const fs::path kPages = kRoot / "tests/pages";

std::string read_text(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

void write_text(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

bool writes_expected() { return std::getenv("INFERSCOPE_WRITE_EXPECTED") != nullptr; }

std::vector<fs::path> pages() {
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(kPages)) {
        const auto extension = entry.path().extension();
        if (extension == ".prom" || extension == ".openmetrics")
            found.push_back(fs::relative(entry.path(), kPages));
    }
    std::sort(found.begin(), found.end());
    return found;
}

/// One page as a scrape sees it: a column for each label set, the first of two equal ones.
struct Page {
    std::vector<Column> columns;
    std::vector<double> values;
};

Page read_page(const fs::path& path, bool with_types = true) {
    const auto text = read_text(kPages / path);
    const auto format =
        path.extension() == ".prom" ? exposition::Format::text : exposition::Format::openmetrics;
    exposition::LineReader reader(text, format);
    Page page;
    std::set<Labels> seen;
    FamilyPtr family = std::make_shared<const Family>();
    while (true) {
        auto line = reader.next();
        EXPECT_TRUE(line) << path << ": " << line.error().message();
        if (!line || !*line) return page;
        if ((*line)->kind == exposition::Line::Kind::type && with_types) {
            family = std::make_shared<const Family>(
                Family{std::string((*line)->name), (*line)->type, "", ""});
        }
        if ((*line)->kind != exposition::Line::Kind::sample) continue;
        auto labels = exposition::parse_series((*line)->key);
        EXPECT_TRUE(labels) << path << ": " << (*line)->key;
        if (!labels || !seen.insert(*labels).second) continue;
        page.columns.push_back({std::move(*labels), family, ShownOn::raw, {}});
        page.values.push_back((*line)->value);
    }
}

Identity recognise(const Page& page) {
    std::vector<std::string_view> samples;
    std::set<std::string_view> labels;
    for (const auto& column : page.columns) {
        samples.push_back(column.labels.metric_name());
        for (const auto& label : column.labels) labels.insert(label.name);
    }
    return Mapping::built_in()->recognise(samples, std::vector(labels.begin(), labels.end()));
}

/// The page as it is after mapping: what /metrics shows of it, or /metrics/raw.
std::map<std::string, double> shown(Page page, ShownOn where) {
    TargetMapping names(Mapping::built_in(), recognise(page), {});
    names.name_columns(page.columns);
    const auto derived = names.derive_columns(0, page.columns);
    page.columns.insert(page.columns.end(), derived.begin(), derived.end());
    page.values.resize(page.columns.size(), kStaleMarker);
    names.derive_values(1'000'000, page.values);
    std::map<std::string, double> series;
    const auto add = [&](const Labels& labels, ShownOn shown_on, double value) {
        if (shown_on != where || is_stale_marker(value)) return;
        EXPECT_TRUE(series.emplace(labels.to_text(), value).second)
            << "given twice: " << labels.to_text();
    };
    for (std::size_t i = 0; i < page.columns.size(); ++i) {
        add(page.columns[i].labels, page.columns[i].shown_on, page.values[i]);
        for (const auto& second : page.columns[i].second_names)
            add(second.labels, second.shown_on, page.values[i]);
    }
    return series;
}

std::string to_text(const std::map<std::string, double>& series) {
    std::string text;
    for (const auto& [labels, value] : series)
        text += fmt::format("{} {}\n", labels, format_number(value));
    return text;
}

std::set<std::string> names_of(const std::map<std::string, double>& series) {
    std::set<std::string> names;
    for (const auto& [labels, value] : series) names.insert(labels.substr(0, labels.find('{')));
    return names;
}

class Pages : public testing::TestWithParam<fs::path> {};

TEST_P(Pages, GiveEveryExpectedUnifiedSeriesAndNoOther) {
    const auto text = to_text(shown(read_page(GetParam()), ShownOn::metrics));
    const auto expected = kPages / "expected" / (GetParam().string() + ".txt");
    if (writes_expected()) write_text(expected, text);
    EXPECT_TRUE(fs::exists(expected)) << "no expected values for " << GetParam();
    EXPECT_EQ(text, read_text(expected));
}

/// Some servers and collectors send no TYPE lines, or wrong ones: the names are enough.
TEST_P(Pages, GiveTheSameWithoutTypeLines) {
    EXPECT_EQ(to_text(shown(read_page(GetParam(), false), ShownOn::metrics)),
              to_text(shown(read_page(GetParam()), ShownOn::metrics)));
}

TEST_P(Pages, MissNoExpectedFamily) {
    const std::set<std::string> kReduced{"sglang/datadog-fixture-reduced.prom",
                                         "synthetic/vllm-rust-frontend.openmetrics"};
    if (kReduced.contains(GetParam().string())) GTEST_SKIP() << "a reduced page";
    const auto page = read_page(GetParam());
    const TargetMapping names(Mapping::built_in(), recognise(page), {});
    std::vector<std::string_view> seen;
    for (const auto& column : page.columns) seen.push_back(column.labels.metric_name());
    // While the first requests run, SGLang's counters aren't there yet.
    const auto name = GetParam().string();
    const bool finished_none =
        name.find("idle") != std::string::npos || name == "sglang-objects/default-load-00.prom";
    for (const auto& family : names.missing(seen, !finished_none))
        ADD_FAILURE() << family.engine_family << " is said to be missing";
}

INSTANTIATE_TEST_SUITE_P(All, Pages, testing::ValuesIn(pages()), [](const auto& parameter) {
    std::string name = parameter.param.string();
    for (char& c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
    }
    return name;
});

TEST(PagesTable, HasARowForEachPage) {
    std::string table =
        "# Captured pages and what becomes of them\n\n"
        "Written by `tests/mapping_pages_test.cpp` from `tests/pages/` (origins: "
        "`tests/pages/SOURCES.md`). \"Mapped\" pages have every\n"
        "unified series and value in `tests/pages/expected/`; the others are passed through under "
        "their own names.\n\n"
        "| page | series | taken for | unified series | what |\n|---|---:|---|---:|---|\n";
    for (const auto& path : pages()) {
        const auto page = read_page(path);
        const auto identity = recognise(page);
        const auto unified = shown(page, ShownOn::metrics);
        constexpr std::string_view kKinds[] = {"engine", "router", "exporter"};
        table += fmt::format("| {} | {} | {} | {} | {} |\n", path.string(), page.columns.size(),
                             identity.runtime.empty()
                                 ? std::string("nothing we know")
                                 : fmt::format("{} ({})", identity.runtime,
                                               kKinds[static_cast<std::size_t>(identity.kind)]),
                             unified.size(), unified.empty() ? "passed through" : "mapped");
    }
    if (writes_expected()) write_text(kRoot / "docs/pages.md", table);
    EXPECT_EQ(table, read_text(kRoot / "docs/pages.md"));
}

/// The names that the seeds' dashboards, rules and catalogues query of vLLM itself (row D1).
TEST(SeedQueries, FindTheirNamesOnAnOldAndANewEngine) {
    const std::vector<std::string> kNames{"vllm:e2e_request_latency_seconds_bucket",
                                          "vllm:e2e_request_latency_seconds_count",
                                          "vllm:e2e_request_latency_seconds_sum",
                                          "vllm:num_requests_running",
                                          "vllm:num_requests_waiting",
                                          "vllm:num_preemptions_total",
                                          "vllm:gpu_cache_usage_perc",
                                          "vllm:cpu_cache_usage_perc",
                                          "vllm:prompt_tokens_total",
                                          "vllm:generation_tokens_total",
                                          "vllm:time_to_first_token_seconds_bucket",
                                          "vllm:time_per_output_token_seconds_bucket",
                                          "vllm:request_success_total",
                                          "vllm:request_total",
                                          "vllm_request_queue_size",
                                          "vllm_e2e_request_latency_seconds_bucket",
                                          "vllm_num_requests_running",
                                          "vllm_num_requests_waiting",
                                          "vllm_num_preemptions_total",
                                          "vllm_gpu_cache_usage_perc",
                                          "vllm_cpu_cache_usage_perc",
                                          "vllm_prompt_tokens_total",
                                          "vllm_generation_tokens_total",
                                          "vllm_time_to_first_token_seconds_bucket",
                                          "vllm_time_per_output_token_seconds_bucket"};
    for (const auto* path :
         {"vllm/v0-opt125m-cpu-2024-06.prom", "ray/vllm-on-ray-2.32-2024-12.prom",
          "vllm-v1-objects/single-after.prom", "vllm-v1-objects/dp2-spec-kv-lora-after.prom"}) {
        const auto names = names_of(shown(read_page(path), ShownOn::raw));
        for (const auto& name : kNames)
            EXPECT_TRUE(names.contains(name)) << path << " lacks " << name;
    }
}

}  // namespace
}  // namespace inferscope::mapping
