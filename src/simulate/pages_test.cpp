// SPDX-License-Identifier: Apache-2.0
#include "simulate/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "exposition/parser.h"
#include "simulate/captured_families.h"
#include "simulate/page_writer.h"

namespace inferscope::simulate {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// An engine with its page, without a server.
struct Played {
    explicit Played(EngineKind kind, double requests_per_second = 4) {
        settings.kind = kind;
        settings.workload.requests_per_second = requests_per_second;
        settings.workload.aborted_share = 0.1;
        settings.model_name = "Qwen/Qwen2.5-7B-Instruct";
        model.emplace(model_settings(settings));
        http.emplace(model->settings().bounds.http, model->settings().bounds.http_fine);
    }
    std::string page() { return render_page({settings, *model, *http, faults, 1795307233680}); }

    EngineSettings settings;
    Faults faults;
    std::optional<QueueingModel> model;
    std::optional<HttpActivity> http;
};

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    for (std::size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
        if (end > 0) lines.push_back(text.substr(0, end));
    }
    return lines;
}

/// `a="x",b="y,z"` -> "a,b".
std::string label_names(std::string_view labels) {
    std::string names;
    while (!labels.empty()) {
        const auto equals = labels.find("=\"");
        if (!names.empty()) names += ',';
        names += labels.substr(0, equals);
        auto end = equals + 2;
        for (; labels.at(end) != '"'; ++end) end += labels[end] == '\\';
        labels.remove_prefix(std::min(labels.size(), end + 2));
    }
    return names;
}

/// The page as in captured_families.h.
std::vector<std::string> shape_of(std::string_view page) {
    std::vector<std::string> families;
    std::string name;
    for (const auto line : lines_of(page)) {
        if (line.starts_with("# TYPE ")) {
            families.emplace_back(line.substr(7));
            name = line.substr(7, line.rfind(' ') - 7);
        } else if (!line.starts_with('#')) {
            const auto key = line.substr(0, line.rfind(' '));
            const auto brace = std::min(key.size(), key.find('{'));
            EXPECT_TRUE(key.starts_with(name)) << line;
            const auto labels =
                brace == key.size() ? "" : key.substr(brace + 1, key.size() - brace - 2);
            auto shape = " " + std::string(key.substr(name.size(), brace - name.size())) + "{" +
                         label_names(labels) + "}";
            if (!families.back().ends_with(shape) && !families.back().contains(shape + " ")) {
                families.back() += shape;
            }
        }
    }
    return families;
}

std::vector<std::string> captured(std::string_view list) {
    std::vector<std::string> families;
    for (const auto line : lines_of(list)) families.emplace_back(line);
    return families;
}

std::map<std::string, double> values_of(std::string_view page) {
    std::map<std::string, double> values;
    for (const auto line : lines_of(page)) {
        if (line.starts_with('#')) continue;
        const auto space = line.rfind(' ');
        const auto [at, is_new] =
            values.emplace(line.substr(0, space), std::stod(std::string(line.substr(space + 1))));
        EXPECT_TRUE(is_new) << line;
    }
    return values;
}

TEST(Pages, HaveTheFamiliesAndLabelsOfRealPagesInTheirOrder) {
    const std::pair<EngineKind, std::string_view> kinds[] = {{EngineKind::vllm_v0, kVllmV0Families},
                                                             {EngineKind::vllm_v1, kVllmV1Families},
                                                             {EngineKind::sglang, kSglangFamilies}};
    for (const auto& [kind, families] : kinds) {
        Played engine(kind);
        engine.http->begin("/metrics", "GET");
        engine.http->end("/v1/models", "GET", 200, 0.001, 0, 400);
        engine.model->advance(minutes(2));
        EXPECT_THAT(shape_of(engine.page()), ::testing::ElementsAreArray(captured(families)))
            << to_string(kind);
    }
}

TEST(Pages, AreReadByTheParserWithoutAnError) {
    for (const auto kind : {EngineKind::vllm_v0, EngineKind::vllm_v1, EngineKind::sglang}) {
        Played engine(kind);
        engine.model->advance(minutes(1));
        const auto page = engine.page();
        exposition::LineReader reader(page, exposition::format_of(page_content_type(kind)));
        int samples = 0;
        while (true) {
            const auto line = reader.next();
            ASSERT_TRUE(line) << line.error().message();
            if (!*line) break;
            if ((*line)->kind != exposition::Line::Kind::sample) continue;
            ++samples;
            const auto series = exposition::parse_series((*line)->key);
            ASSERT_TRUE(series) << series.error().message();
        }
        EXPECT_EQ(static_cast<std::size_t>(samples), values_of(page).size());
        EXPECT_GT(samples, 100);
    }
}

TEST(Pages, OfAnIdleSglangLackWhatAppearsWithTheFirstRequest) {
    Played engine(EngineKind::sglang, 0);
    engine.http->begin("/metrics", "GET");
    EXPECT_EQ(shape_of(engine.page()).size(), 54u);
    EXPECT_EQ(captured(kSglangFamilies).size(), 72u);
}

TEST(Pages, OfAnIdleVllmDeclareHttpFamiliesWithoutCreated) {
    Played engine(EngineKind::vllm_v1, 0);
    // Five _created families of HTTP appear with the first answer; the high-resolution histogram
    // has no labels.
    EXPECT_EQ(shape_of(engine.page()).size(), captured(kVllmV1Families).size() - 4);
}

TEST(Pages, NeverShowACounterThatFalls) {
    for (const auto kind : {EngineKind::vllm_v0, EngineKind::vllm_v1, EngineKind::sglang}) {
        Played engine(kind, 8);
        std::map<std::string, double> before;
        for (int second = 0; second < 90; ++second) {
            engine.model->advance(seconds(second));
            const auto page = engine.page();
            std::map<std::string, std::string> types;
            for (const auto line : lines_of(page)) {
                if (!line.starts_with("# TYPE ")) continue;
                const auto space = line.rfind(' ');
                types[std::string(line.substr(7, space - 7))] = line.substr(space + 1);
            }
            auto now = values_of(page);
            for (const auto& [series, value] : before) {
                auto name = series.substr(0, series.find('{'));
                for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
                    if (name.ends_with(suffix) && !types.contains(name))
                        name.resize(name.size() - suffix.size());
                }
                if (types[name] == "gauge") continue;
                ASSERT_TRUE(now.contains(series)) << series;
                ASSERT_GE(now[series], value) << series;
            }
            before = std::move(now);
        }
    }
}

TEST(Pages, HaveHistogramsWhoseBucketsRiseToTheCount) {
    for (const auto kind : {EngineKind::vllm_v0, EngineKind::vllm_v1, EngineKind::sglang}) {
        Played engine(kind);
        engine.model->advance(minutes(1));
        const auto page = engine.page();
        const auto values = values_of(page);
        double last = 0;
        int histograms = 0;
        for (const auto line : lines_of(page)) {
            const auto at = line.find("_bucket{");
            if (at == line.npos) continue;
            const std::string key(line.substr(0, line.rfind(' ')));
            const double value = values.at(key);
            const bool is_last = key.contains("le=\"+Inf\"");
            if (key.contains("le=\"0.1\"") || key.contains("le=\"1.0\"") || is_last) {
                EXPECT_LE(0, value);
            }
            EXPECT_GE(value, last) << key;
            last = is_last ? 0 : value;
            if (!is_last) continue;
            ++histograms;
            auto count_key = key;
            count_key.replace(at, 7, "_count");
            for (const std::string_view le : {"le=\"+Inf\",", ",le=\"+Inf\"", "{le=\"+Inf\"}"}) {
                if (const auto found = count_key.find(le); found != count_key.npos) {
                    count_key.erase(found, le.size());
                }
            }
            ASSERT_TRUE(values.contains(count_key)) << count_key;
            EXPECT_EQ(values.at(count_key), value);
        }
        EXPECT_GE(histograms, 7);
    }
}

TEST(Pages, TellTheModelsState) {
    Played engine(EngineKind::vllm_v1);
    engine.model->advance(minutes(3));
    const auto values = values_of(engine.page());
    const auto& m = engine.model->measures();
    const std::string labels = "{engine=\"0\",model_name=\"Qwen/Qwen2.5-7B-Instruct\"}";
    const auto at = [&](const std::string& name) { return values.at("vllm:" + name + labels); };
    EXPECT_EQ(at("num_requests_running"), engine.model->reported().running);
    EXPECT_GT(at("kv_cache_usage_perc"), 0);
    EXPECT_LT(at("kv_cache_usage_perc"), 1);
    EXPECT_EQ(at("generation_tokens_total"), static_cast<double>(m.generated_tokens));
    EXPECT_EQ(at("time_to_first_token_seconds_count"),
              static_cast<double>(m.ttft[0].count() + m.ttft[1].count()));
    EXPECT_NEAR(at("request_queue_time_seconds_sum") + at("request_inference_time_seconds_sum"),
                at("e2e_request_latency_seconds_sum"),
                1e-6 * at("e2e_request_latency_seconds_sum"));
    EXPECT_EQ(
        values.at(
            "http_requests_total{handler=\"/v1/chat/completions\",method=\"POST\",status=\"2xx\"}"),
        at("e2e_request_latency_seconds_count"));
    EXPECT_NEAR(at("prompt_tokens_created"), 1795307233.68, 1e-3);
}

TEST(Pages, LeaveOutAFamilyThatIsMissing) {
    Played engine(EngineKind::vllm_v1);
    engine.model->advance(minutes(1));
    const auto all = shape_of(engine.page()).size();
    engine.faults.missing_families = {"vllm:kv_cache_usage_perc",
                                      "vllm:e2e_request_latency_seconds"};
    const auto page = engine.page();
    EXPECT_EQ(shape_of(page).size(), all - 2);
    EXPECT_FALSE(page.contains("kv_cache_usage_perc"));
    EXPECT_FALSE(page.contains("e2e_request_latency_seconds_bucket"));
    EXPECT_TRUE(page.contains("e2e_request_latency_seconds_created"));
}

TEST(Pages, EscapeTheModelName) {
    Played engine(EngineKind::vllm_v0);
    engine.settings.model_name = "a\"b\\c";
    EXPECT_TRUE(engine.page().contains("{model_name=\"a\\\"b\\\\c\"}"));
}

TEST(Pages, EndTokenBucketsAtTheModelsLength) {
    EXPECT_EQ(bucket_bounds(EngineKind::vllm_v1, 32768).prompt_tokens.back(), 20000);
    EXPECT_EQ(bucket_bounds(EngineKind::vllm_v1, 20000).prompt_tokens.back(), 20000);
    EXPECT_EQ(bucket_bounds(EngineKind::vllm_v1, 19999).prompt_tokens.back(), 10000);
}

TEST(PageWriter, SpellsNumbersAsPrometheusClientDoes) {
    const std::pair<double, std::string_view> cases[] = {
        {0, "0.0"},
        {1, "1.0"},
        {0.1, "0.1"},
        {123456, "123456.0"},
        {999999, "999999.0"},
        {1e6, "1e+06"},
        {1048576, "1.048576e+06"},
        {1234567.25, "1.23456725e+06"},
        {39024848896, "3.9024848896e+010"},
        {1.79530723368e9, "1.79530723368e+09"},
        {1e15, "1e+015"},
        {1e16, "1e+16"},
        {1.5e300, "1.5e+300"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {1.25e-7, "1.25e-07"},
        {1e-100, "1e-100"},
        {0.9400000000000001, "0.9400000000000001"},
        {0.0016200000000000001, "0.0016200000000000001"},
        {100.5, "100.5"},
        {-2.5, "-2.5"},
        {-1234567, "-1234567.0"},
        {INFINITY, "+Inf"},
        {-INFINITY, "-Inf"},
        {NAN, "NaN"},
    };
    for (const auto& [value, expected] : cases) {
        std::string text;
        append_python_number(text, value);
        EXPECT_EQ(text, expected);
    }
}

}  // namespace
}  // namespace inferscope::simulate
