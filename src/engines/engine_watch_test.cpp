// SPDX-License-Identifier: Apache-2.0
#include "engines/engine_watch.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "engines/engine_for_test.h"
#include "engines/metrics.h"
#include "telemetry/recording_appender.h"

namespace inferscope::engines {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(EngineWatch, NeverJudgesByAPageOfAnEarlierScrape) {
    EngineWatch watch;
    watch.add(facts());
    Page page;
    page.lanes.push_back({.name = "", .running = 1});
    watch.on_page(kKey, page);
    watch.on_scrape(kKey, {.time = 1000, .took = 2ms, .outcome = ScrapeOutcome::page, .why = {}});
    watch.on_scrape(kKey, {.time = 2000, .took = 2ms, .outcome = ScrapeOutcome::page, .why = {}});
    EXPECT_EQ(watch.statuses().at(0).state, EngineState::blind);  // this page had no signal columns
}

TEST(EngineWatch, KeepsItsHistoryWhenFactsChangeAndLosesItWithTheEngine) {
    EngineWatch watch;
    watch.add(facts());
    watch.on_process(kKey, 1000, true);
    auto renamed = facts();
    renamed.model_name = "chat";
    watch.add(renamed);
    EXPECT_EQ(watch.statuses().at(0).state, EngineState::loading);
    EXPECT_EQ(watch.statuses().at(0).model_name(), "chat");
    watch.remove(kKey);
    EXPECT_TRUE(watch.statuses().empty());
}

EngineStatus status(std::string instance, std::string model, std::optional<EngineState> state) {
    EngineStatus engine;
    engine.facts = facts();
    engine.facts.instance = std::move(instance);
    engine.facts.model_name = std::move(model);
    engine.facts.model_id = "7";
    engine.version = "0.11.0";
    engine.models = {{.id = "q", .owned_by = "vllm", .root = "Q/q", .max_model_len = 4096}};
    engine.state = state;
    return engine;
}

std::map<std::string, double> written(const std::function<void(RowWriter&)>& write) {
    RecordingAppender appender;
    RowWriter rows(appender, "test");
    write(rows);
    EXPECT_TRUE(rows.flush(1000));
    return appender.latest();
}

TEST(EngineMetrics, GiveOneForThePresentStateAndZeroForTheOthers) {
    const std::vector engines = {status("a:1", "q", EngineState::saturated),
                                 status("b:1", "q", std::nullopt)};
    const auto series = written([&](RowWriter& rows) { EngineStateRows().write(rows, engines); });
    EXPECT_EQ(series.size(), kEngineStates.size());
    double total = 0;
    for (const auto& [name, value] : series) total += value;
    EXPECT_EQ(total, 1);
    EXPECT_EQ(series.at("inferscope_engine_state{instance=\"a:1\",job=\"engines\",model_name=\"q\","
                        "runtime=\"vLLM\","
                        "state=\"saturated\"}"),
              1);
}

TEST(EngineMetrics, FollowStatesModelsAndEnginesFromRowToRow) {
    RecordingAppender appender;
    RowWriter rows(appender, "test");
    EngineStateRows states;
    Timestamp now = 0;
    const auto present = [&](const std::vector<EngineStatus>& engines) {
        states.write(rows, engines);
        EXPECT_TRUE(rows.flush(now += 1000));
        const auto latest = appender.latest();
        EXPECT_EQ(latest.size(), engines.size() * kEngineStates.size());
        std::vector<std::string> names;
        for (const auto& [name, value] : latest)
            if (value == 1) names.push_back(name);
        return names;
    };
    const auto series = [](std::string_view model, std::string_view state) {
        return fmt::format(
            "inferscope_engine_state{{instance=\"a:1\",job=\"engines\",model_name=\"{}\","
            "runtime=\"vLLM\",state=\"{}\"}}",
            model, state);
    };
    EXPECT_THAT(present({status("a:1", "q", EngineState::idle)}), ElementsAre(series("q", "idle")));
    EXPECT_THAT(present({status("a:1", "q", EngineState::down)}), ElementsAre(series("q", "down")));
    for (const auto* model : {"r", "s", "t", "q"}) {
        EXPECT_THAT(present({status("a:1", model, EngineState::idle)}),
                    ElementsAre(series(model, "idle")));
    }
    EXPECT_THAT(present({}), IsEmpty());
}

TEST(EngineMetrics, CarryTheTargetsOwnLabels) {
    auto engine = status("a:1", "q", EngineState::idle);
    engine.facts.labels = Labels::from({{"simulated", "true"}, {"team", "search"}});
    const auto engines = std::span(&engine, 1);
    const auto states = written([&](RowWriter& rows) { EngineStateRows().write(rows, engines); });
    EXPECT_EQ(states.at("inferscope_engine_state{instance=\"a:1\",job=\"engines\",model_name=\"q\","
                        "runtime=\"vLLM\",simulated=\"true\",state=\"idle\",team=\"search\"}"),
              1);
    const auto server =
        written([&](RowWriter& rows) { write_server_metrics(rows, Cluster{}, {}, engines, {}); });
    for (const auto& [name, value] : server) {
        if (name.starts_with("gpustack:model"))
            EXPECT_NE(name.find("simulated=\"true\""), std::string::npos) << name;
    }
    EXPECT_EQ(nlohmann::json::parse(engines_json(engines)).at("engines").at(0).at("labels"),
              (nlohmann::json{{"simulated", "true"}, {"team", "search"}}));
}

TEST(ServerMetrics, LeaveOutAModelThatNobodyHasNamed) {
    auto engine = status("a:1", "", EngineState::down);
    engine.models.clear();
    const auto series = written([&](RowWriter& rows) {
        write_server_metrics(rows, Cluster{}, {}, std::span(&engine, 1), {});
    });
    for (const auto& [name, value] : series)
        EXPECT_FALSE(name.starts_with("gpustack:model_desired_instances")) << name;
}

TEST(EngineMetrics, NameTheMissingFamilyAndItsRename) {
    auto engine = status("a:1", "q", EngineState::blind);
    engine.missing = {{.engine_family = "vllm:gpu_cache_usage_perc",
                       .unified = "gpustack:kv_cache_usage_ratio",
                       .renamed_in = "0.10.0",
                       .known_as = "vllm:kv_cache_usage_perc"}};
    const auto series =
        written([&](RowWriter& rows) { EngineStateRows().write(rows, std::span(&engine, 1)); });
    EXPECT_THAT(
        series,
        Contains(
            Pair("inferscope_engine_expected_family_missing{family=\"vllm:gpu_cache_usage_perc\","
                 "instance=\"a:1\",job=\"engines\",known_as=\"vllm:kv_cache_usage_perc\","
                 "renamed_in=\"0.10.0\",runtime=\"vLLM\"}",
                 1)));
}

TEST(ServerMetrics, CountDesiredFromConfigurationAndRunningFromWhatIsMeasured) {
    const std::vector engines = {
        status("a:1", "q", EngineState::alive), status("b:1", "q", EngineState::down),
        status("c:1", "q", EngineState::hung), status("d:1", "r", EngineState::loading)};
    const std::vector<Worker> workers = {
        {.id = "1",
         .name = "gpu7",
         .state = "ready",
         .labels = {{"zone", "a"}, {"bad-name", "x"}, {"worker_id", "9"}}}};
    const auto series = written([&](RowWriter& rows) {
        write_server_metrics(rows, Cluster{}, workers, engines, {{"q", 4}});
    });
    const std::map<std::string, double> expected = {
        {"gpustack:cluster_info{cluster_id=\"1\",cluster_name=\"default\",provider=\"inferscope\"}",
         1},
        {"gpustack:cluster_status{cluster_id=\"1\",cluster_name=\"default\",state=\"ready\"}", 1},
        {"gpustack:worker_info{cluster_id=\"1\",cluster_name=\"default\",worker_id=\"1\",worker_"
         "name=\"gpu7\",zone=\"a\"}",
         1},
        {"gpustack:worker_status{cluster_id=\"1\",cluster_name=\"default\",state=\"ready\",worker_"
         "id=\"1\","
         "worker_name=\"gpu7\"}",
         1},
        {"gpustack:model_info{category=\"llm\",cluster_id=\"1\",cluster_name=\"default\",model_id="
         "\"7\",model_name=\"q\","
         "runtime=\"vLLM\",runtime_version=\"0.11.0\",source=\"unknown\",source_key=\"Q/q\"}",
         1},
        {"gpustack:model_info{category=\"llm\",cluster_id=\"1\",cluster_name=\"default\",model_id="
         "\"7\",model_name=\"r\","
         "runtime=\"vLLM\",runtime_version=\"0.11.0\",source=\"unknown\",source_key=\"Q/q\"}",
         1},
        {"gpustack:model_desired_instances{cluster_id=\"1\",cluster_name=\"default\",model_id="
         "\"7\",model_name=\"q\"}",
         4},
        {"gpustack:model_desired_instances{cluster_id=\"1\",cluster_name=\"default\",model_id="
         "\"7\",model_name=\"r\"}",
         1},
        {"gpustack:model_running_instances{cluster_id=\"1\",cluster_name=\"default\",model_id="
         "\"7\",model_name=\"q\"}",
         1},
        {"gpustack:model_running_instances{cluster_id=\"1\",cluster_name=\"default\",model_id="
         "\"7\",model_name=\"r\"}",
         0},
        {"gpustack:model_instance_status{cluster_id=\"1\",cluster_name=\"default\",model_id=\"7\","
         "model_instance_name=\"a:1\","
         "model_name=\"q\",state=\"running\",worker_id=\"1\",worker_name=\"gpu7\"}",
         1},
        {"gpustack:model_instance_status{cluster_id=\"1\",cluster_name=\"default\",model_id=\"7\","
         "model_instance_name=\"b:1\","
         "model_name=\"q\",state=\"unreachable\",worker_id=\"1\",worker_name=\"gpu7\"}",
         1},
        {"gpustack:model_instance_status{cluster_id=\"1\",cluster_name=\"default\",model_id=\"7\","
         "model_instance_name=\"c:1\","
         "model_name=\"q\",state=\"error\",worker_id=\"1\",worker_name=\"gpu7\"}",
         1},
        {"gpustack:model_instance_status{cluster_id=\"1\",cluster_name=\"default\",model_id=\"7\","
         "model_instance_name=\"d:1\","
         "model_name=\"r\",state=\"starting\",worker_id=\"1\",worker_name=\"gpu7\"}",
         1},
    };
    EXPECT_EQ(series, expected);
}

TEST(ServerMetrics, DescribeAModelOnceForEachRuntimeThatServesIt) {
    std::vector engines = {status("a:1", "q", EngineState::alive),
                           status("b:1", "q", EngineState::alive),
                           status("c:1", "q", EngineState::alive)};
    engines[2].facts.runtime = "SGLang";
    engines[2].version = "0.5.3";
    engines[2].facts.labels = Labels::from({{"simulated", "true"}});
    const auto series =
        written([&](RowWriter& rows) { write_server_metrics(rows, Cluster{}, {}, engines, {}); });
    const std::string model =
        "{category=\"llm\",cluster_id=\"1\",cluster_name=\"default\",model_id=\"7\","
        "model_name=\"q\",";
    const std::string source = "source=\"unknown\",source_key=\"Q/q\"}";
    EXPECT_EQ(std::ranges::count_if(
                  series, [](const auto& one) { return one.first.contains("model_info"); }),
              2);
    EXPECT_THAT(series, Contains(Pair("gpustack:model_info" + model +
                                          "runtime=\"vLLM\",runtime_version=\"0.11.0\"," + source,
                                      1)));
    EXPECT_THAT(series,
                Contains(Pair(
                    "gpustack:model_info" + model +
                        "runtime=\"SGLang\",runtime_version=\"0.5.3\",simulated=\"true\"," + source,
                    1)));
}

TEST(EnginesJson, SaysWhatAnOperatorAsks) {
    auto engine = status("a:1", "", EngineState::hung);
    engine.reason = "3 running; \xff";
    engine.since = 1'767'225'600'123;
    engine.missing = {
        {.engine_family = "f", .unified = "u", .renamed_in = "0.10.0", .known_as = ""}};
    const auto json =
        nlohmann::json::parse(engines_json(std::span(&engine, 1))).at("engines").at(0);
    EXPECT_EQ(json.at("url"), "http://gpu7:8000");
    EXPECT_EQ(json.at("runtime"), "vLLM");
    EXPECT_EQ(json.at("version"), "0.11.0");
    EXPECT_EQ(json.at("state"), "hung");
    EXPECT_EQ(json.at("since"), "2026-01-01T00:00:00.123Z");
    EXPECT_TRUE(json.at("last_scrape").is_null());
    EXPECT_EQ(json.at("models").at(0).at("max_model_len"), 4096);
    EXPECT_EQ(json.at("missing_families").at(0).at("renamed_in"), "0.10.0");
    EXPECT_TRUE(json.at("missing_families").at(0).at("known_as").is_null());
    EXPECT_EQ(engines_json({}), "{\"engines\":[]}");
}

}  // namespace
}  // namespace inferscope::engines
