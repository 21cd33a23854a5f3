// SPDX-License-Identifier: Apache-2.0
// Rows of scraped pages on their way to the store, and the states that are read off them.
#include "engines/observing_appender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/numbers.h"
#include "engines/engine_for_test.h"
#include "mapping/target_mapping.h"
#include "telemetry/recording_appender.h"

namespace inferscope::engines {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

Column column(std::string_view name, std::string_view family, MetricType type,
              std::initializer_list<Label> labels) {
    LabelsBuilder builder;
    builder.set(kMetricName, name);
    builder.set("job", "engines");
    builder.set("instance", "gpu7:8000");
    for (const auto& label : labels) builder.set(label.name, label.value);
    return {.labels = builder.build(),
            .family = std::make_shared<const Family>(
                Family{.name = std::string(family), .type = type, .help = {}, .unit = {}}),
            .shown_on = ShownOn::raw,
            .second_names = {}};
}
Column gauge(std::string_view name, std::initializer_list<Label> labels = {}) {
    return column(name, name, MetricType::gauge, labels);
}
Column counter(std::string_view name, std::initializer_list<Label> labels = {}) {
    return column(name, name, MetricType::counter, labels);
}

/// As the scrape hands columns on: with the unified names of its engine.
std::vector<Column> named(std::vector<Column> columns, std::string_view runtime) {
    const auto mapping = mapping::Mapping::built_in();
    mapping::TargetMapping names(mapping, mapping->identity(runtime, ""), {});
    names.name_columns(columns);
    return columns;
}

SignalReader reader_of(std::span<const Column> columns) {
    SignalReader reader;
    reader.add(*mapping::Mapping::built_in(), columns);
    return reader;
}

TEST(SignalReader, ReadsWorkProgressAndSleepByRank) {
    const auto columns =
        named({gauge("vllm:num_requests_running", {{"engine", "0"}}),
               gauge("vllm:num_requests_running", {{"engine", "1"}}),
               counter("process_cpu_seconds_total"),
               column("vllm:iteration_tokens_total_count", "vllm:iteration_tokens_total",
                      MetricType::histogram, {{"engine", "0"}}),
               counter("vllm:generation_tokens_total", {{"engine", "0"}}),
               gauge("vllm:engine_sleep_state", {{"engine", "0"}, {"sleep_state", "awake"}}),
               gauge("vllm:engine_sleep_state", {{"sleep_state", "discard_all"}})},
              "vLLM");
    const SignalReader reader = reader_of(columns);
    const double awake[] = {3, 5, 77, 100, 20, 1, 0};
    const Page page = reader.read(awake);
    ASSERT_EQ(page.lanes.size(), 2);  // the lane of the sleep state alone shows nothing
    EXPECT_EQ(page.lanes[0].name, "0");
    EXPECT_EQ(page.lanes[0].running, 3);
    EXPECT_EQ(page.lanes[0].progress, 120);
    EXPECT_FALSE(page.lanes[0].is_coarse);
    EXPECT_EQ(page.lanes[1].running, 5);
    EXPECT_EQ(page.lanes[1].progress, std::nullopt);
    EXPECT_FALSE(page.is_asleep);
    const double asleep[] = {3, 5, 77, 100, 20, 0, 1};
    EXPECT_TRUE(reader.read(asleep).is_asleep);
}

TEST(SignalReader, CountsOneSpellingOfSeveralAndNoStaleValues) {
    const auto columns =
        named({gauge("vllm:gpu_cache_usage_perc"), gauge("vllm:kv_cache_usage_perc")}, "vLLM");
    SignalReader reader = reader_of(columns);
    const double both[] = {0.1, 0.5};
    EXPECT_EQ(reader.read(both).lanes.at(0).kv_usage, 0.5);
    const double none[] = {0.1, kStaleMarker};
    EXPECT_TRUE(reader.read(none).lanes.empty());
}

TEST(SignalReader, FindsSignalsThatJoinLater) {
    SignalReader reader = reader_of(named({gauge("sglang:num_running_reqs")}, "SGLang"));
    reader.add(*mapping::Mapping::built_in(),
               std::vector{counter("sglang:num_requests_total", {{"is_streaming", "true"}})});
    const double values[] = {2, 46};
    EXPECT_EQ(reader.read(values).lanes.at(0).progress, 46);
}

TEST(SignalReader, KnowsWhichCountersMoveOnlyWhenRequestsEnd) {
    const auto columns = named(
        {gauge("llamacpp:requests_processing"), counter("llamacpp:n_decode_total")}, "llama.cpp");
    const double values[] = {1, 805};
    const Page page = reader_of(columns).read(values);
    EXPECT_TRUE(page.lanes.at(0).is_coarse);
    EXPECT_EQ(page.lanes[0].progress, 805);
}

TEST(SignalReader, FindsNothingWhereNoEngineIsKnown) {
    EXPECT_TRUE(reader_of(std::vector{gauge("vllm:num_requests_running")})
                    .is_empty());  // a router's: not unified
    EXPECT_TRUE(reader_of(std::vector{gauge("node_load1")}).is_empty());
}

TEST(ObservingAppender, JudgesTheEngineByTheRowsThatPassAndPassesThemOnUnchanged) {
    RecordingAppender store;
    EngineWatch watch;
    watch.add(facts());
    ObservingAppender appender(store, watch, mapping::Mapping::built_in());
    const GroupId group = appender.open_group("scrape http://gpu7:8000/metrics");
    const auto columns = named(
        {gauge("vllm:num_requests_running"), counter("vllm:generation_tokens_total")}, "vLLM");
    appender.add_columns(group, columns);
    const double values[] = {3, 100};
    EXPECT_TRUE(appender.append_row(group, {.time = 1000, .values = values, .changed = {}}));
    watch.on_scrape(kKey, {.time = 1000, .took = 2ms, .outcome = ScrapeOutcome::page, .why = {}});
    EXPECT_EQ(watch.statuses().at(0).state, EngineState::alive);
    EXPECT_EQ(watch.statuses().at(0).last_scrape, 1000);

    appender.start_epoch(group);
    appender.add_columns(group, std::span(columns).subspan(1));  // running has gone
    appender.append_gap(group, 2000);
    EXPECT_TRUE(appender.append_row(
        group, {.time = 3000, .values = std::span(values).subspan(1), .changed = {}}));
    watch.on_scrape(kKey, {.time = 3000, .took = 2ms, .outcome = ScrapeOutcome::page, .why = {}});
    EXPECT_EQ(watch.statuses().at(0).state, EngineState::blind);

    appender.close_group(group, 4000);
    const auto& kept = store.groups().at(0);
    EXPECT_EQ(kept.epochs, 2);
    EXPECT_EQ(kept.rows.size(), 2);
    EXPECT_THAT(kept.gaps, ElementsAre(2000, 4000));
    EXPECT_TRUE(kept.closed);
}

TEST(ObservingAppender, LeavesGroupsWithoutSignalsAndUnknownEnginesAlone) {
    RecordingAppender store;
    EngineWatch watch;
    ObservingAppender appender(store, watch, mapping::Mapping::built_in());
    const GroupId host = appender.open_group("host");
    const GroupId router = appender.open_group("scrape http://router/metrics");
    appender.add_columns(host, std::vector{gauge("node_load1")});
    appender.add_columns(router, std::vector{gauge("vllm:num_requests_running")});
    const double value[] = {1};
    EXPECT_TRUE(appender.append_row(host, {.time = 1000, .values = value, .changed = {}}));
    EXPECT_TRUE(appender.append_row(router, {.time = 1000, .values = value, .changed = {}}));
    EXPECT_TRUE(watch.statuses().empty());
    EXPECT_EQ(store.groups().size(), 2);
}

TEST(ObservingAppender, KeepsTheFirstPageOfATargetThatBecomesAnEngineByIt) {
    RecordingAppender store;
    EngineWatch watch;
    ObservingAppender appender(store, watch, mapping::Mapping::built_in());
    const GroupId group = appender.open_group("scrape http://gpu7:8000/metrics");
    appender.add_columns(group, named({gauge("vllm:num_requests_running")}, "vLLM"));
    const double values[] = {3};
    EXPECT_TRUE(appender.append_row(group, {.time = 1000, .values = values, .changed = {}}));
    watch.add(facts());
    watch.on_scrape(kKey, {.time = 1000, .took = 2ms, .outcome = ScrapeOutcome::page, .why = {}});
    EXPECT_EQ(watch.statuses().at(0).state, EngineState::alive);
}

}  // namespace
}  // namespace inferscope::engines
