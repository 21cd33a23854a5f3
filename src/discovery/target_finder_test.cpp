// SPDX-License-Identifier: Apache-2.0
#include "discovery/target_finder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/yaml.h"
#include "discovery/fake_proc_for_test.h"

namespace inferscope::discovery {
namespace {

using testing::HasSubstr;

constexpr SteadyTime kStart{};

DiscoveryConfig config_of(std::string_view scrape_configs) {
    const auto root = yaml::parse(scrape_configs, "p.yml");
    yaml::Diagnostics diagnostics("p.yml");
    DiscoveryConfig config;
    config.processes = false;
    config.scrape_configs = read_scrape_configs(*root, {}, "", diagnostics);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.error()->message();
    return config;
}

HttpAnswer told(std::string_view address) {
    return {std::make_shared<const std::vector<TargetGroup>>(
                std::vector{TargetGroup{{std::string(address)}, {}}}),
            ""};
}

TargetFinder finder_of(const FakeProc& proc) {
    return TargetFinder(EngineProcesses(proc.path()),
                        [] { return std::vector<std::string>{"node7", "10.0.0.7"}; });
}

std::vector<std::string> instances(const Findings& findings) {
    std::vector<std::string> found;
    for (const auto& target : findings.targets) found.emplace_back(target->labels.get("instance"));
    return found;
}

TEST(TargetFinder, UnchangedTargetsKeepTheirObjectOverAReload) {
    TargetFinder finder;
    finder.apply(config_of("[{job_name: a, static_configs: [{targets: [x:1, y:1]}]}]"));
    const auto before = finder.look(kStart, {});
    ASSERT_EQ(before->targets.size(), 2u);
    EXPECT_EQ(finder.look(kStart, {}), before);
    finder.apply(
        config_of("[{job_name: a, static_configs: [{targets: [y:1, z:1]}]}, {job_name: b}]"));
    const auto after = finder.look(kStart, {});
    EXPECT_EQ(instances(*after), (std::vector<std::string>{"y:1", "z:1"}));
    EXPECT_EQ(after->targets[0], before->targets[1]);
}

TEST(TargetFinder, ATargetWithOtherSettingsKeepsItsIdentity) {
    TargetFinder finder;
    finder.apply(config_of("[{job_name: a, static_configs: [{targets: [x:1]}]}]"));
    const auto before = finder.look(kStart, {});
    finder.apply(config_of("[{job_name: a, sample_limit: 5, static_configs: [{targets: [x:1]}]}]"));
    const auto after = finder.look(kStart, {});
    EXPECT_NE(after->targets.at(0), before->targets.at(0));
    EXPECT_EQ(after->targets[0]->identity(), before->targets[0]->identity());
    EXPECT_EQ(after->targets[0]->settings->sample_limit, 5u);
}

TEST(TargetFinder, TwoSourcesWithOneTargetGiveOne) {
    TargetFinder finder;
    finder.apply(
        config_of("[{job_name: a, static_configs: [{targets: [x:1, x:1]}, {targets: [x:1]}]}]"));
    EXPECT_EQ(finder.look(kStart, {})->targets.size(), 1u);
}

TEST(TargetFinder, TakesHttpAnswersInTheOrderOfTheConfiguration) {
    TargetFinder finder;
    finder.apply(
        config_of("[{job_name: a, http_sd_configs: [{url: 'http://u:pw@s/1'}]}, {job_name: b, "
                  "http_sd_configs: [{url: "
                  "'http://s/2'}]}]"));
    EXPECT_TRUE(finder.look(kStart, {HttpAnswer{}, HttpAnswer{}})->targets.empty());
    const std::vector answers{told("x:1"), HttpAnswer{nullptr, "server is down"}};
    const auto findings = finder.look(kStart, answers);
    ASSERT_EQ(findings->targets.size(), 1u);
    EXPECT_EQ(findings->targets[0]->job, "a");
    EXPECT_TRUE(findings->targets[0]->discovered_by_us);
    EXPECT_EQ(findings->targets[0]->discovered_labels.get("__meta_url"), "http://s/1");
    ASSERT_EQ(findings->sources.size(), 2u);
    EXPECT_EQ(findings->sources[0].name, "http_sd http://s/1");
    EXPECT_EQ(findings->sources[0].targets, 1u);
    EXPECT_EQ(findings->sources[1].error, "server is down");
    EXPECT_EQ(finder.look(kStart, answers), findings);
}

TEST(TargetFinder, FilesKeepTheirLastListOverAReload) {
    TemporaryDirectory directory;
    directory.write("a.yml", "- targets: [a:1]\n");
    const auto text = [&](std::string_view more) {
        return fmt::format("[{{job_name: a, {} file_sd_configs: [{{files: ['{}']}}]}}]", more,
                           directory.path("a.yml"));
    };
    TargetFinder finder;
    finder.apply(config_of(text("")));
    EXPECT_EQ(instances(*finder.look(kStart, {})), std::vector<std::string>{"a:1"});
    directory.write("a.yml", "- targets: [broken\n");
    finder.apply(config_of(text("honor_labels: true,")));
    const auto findings = finder.look(kStart, {});
    EXPECT_EQ(instances(*findings), std::vector<std::string>{"a:1"});
    EXPECT_FALSE(findings->targets[0]->discovered_by_us);
    EXPECT_THAT(findings->sources.at(0).error, HasSubstr("a.yml"));
}

TEST(TargetFinder, ShowsWhatWasDroppedAndCountsTheRest) {
    std::string list;
    for (std::size_t i = 0; i < kMaxDroppedShown + 5; ++i) list += fmt::format("d{},", i);
    TargetFinder finder;
    finder.apply(config_of(fmt::format(
        "[{{job_name: a, relabel_configs: [{{action: drop, source_labels: [__address__], regex: "
        "'d.*'}}], static_configs: [{{targets: [{} keep, 'h:99999']}}]}}]",
        list)));
    const auto findings = finder.look(kStart, {});
    EXPECT_EQ(findings->targets.size(), 1u);
    EXPECT_EQ(findings->dropped.size(), kMaxDroppedShown);
    EXPECT_EQ(findings->dropped_total, kMaxDroppedShown + 6);
}

TEST(TargetFinder, AJobOverItsTargetLimitHasNoTargets) {
    TargetFinder finder;
    finder.apply(
        config_of("[{job_name: a, target_limit: 1, static_configs: [{targets: [x, y]}]}, "
                  "{job_name: b, static_configs: "
                  "[{targets: [x]}]}]"));
    const auto findings = finder.look(kStart, {});
    ASSERT_EQ(findings->targets.size(), 1u);
    EXPECT_EQ(findings->targets[0]->job, "b");
    EXPECT_THAT(findings->dropped.at(0).error,
                HasSubstr("2 targets, more than the job's target_limit of 1"));
    EXPECT_THAT(findings->sources.at(0).error, HasSubstr("target_limit"));
}

TEST(TargetFinder, MakesTargetsOfThisMachinesEngines) {
    FakeProc proc;
    proc.listen("00000000", 30000, 1);
    proc.listen("00000000", 8000, 2);
    proc.listen("00000000", 8002, 3);
    proc.process(10, 1, "python3 -m sglang.launch_server", {1});
    proc.process(20, 1, "tritonserver", {2, 3});
    auto finder = finder_of(proc);
    finder.apply(DiscoveryConfig{});
    const auto findings = finder.look(kStart, {});
    ASSERT_EQ(findings->targets.size(), 2u);
    const auto& triton = *findings->targets[0];
    EXPECT_EQ(triton.url.port, 8002);
    EXPECT_EQ(triton.labels.to_text(), "{instance=\"127.0.0.1:8000\",job=\"engines\"}");
    EXPECT_EQ(triton.engine.api_url, "http://127.0.0.1:8000");
    EXPECT_EQ(triton.engine.metrics_advice, "");
    const auto& sglang = *findings->targets[1];
    EXPECT_EQ(sglang.url.redacted(), "http://127.0.0.1:30000/metrics");
    EXPECT_EQ(sglang.interval, Millis(5'000));
    EXPECT_TRUE(sglang.discovered_by_us);
    EXPECT_TRUE(sglang.engine.expected);
    EXPECT_EQ(sglang.engine.kind, "sglang");
    EXPECT_EQ(sglang.engine.pid, 10);
    EXPECT_EQ(sglang.engine.metrics_advice, "restart it with --enable-metrics");
    EXPECT_FALSE(sglang.settings->http.has_credentials());
    EXPECT_EQ(findings->engines.size(), 2u);
}

TEST(TargetFinder, AConfiguredTargetOfThisMachineWinsAndLearnsWhatTheProcessShows) {
    FakeProc proc;
    proc.listen("00000000", 8000, 1);
    proc.process(10, 1, "vllm serve m --disable-log-stats", {1});
    for (const auto* const address :
         {"localhost:8000", "node7:8000", "10.0.0.7:8000", "127.0.0.1:8000"}) {
        auto finder = finder_of(proc);
        auto config = config_of(
            fmt::format("[{{job_name: mine, static_configs: [{{targets: ['{}']}}]}}]", address));
        config.processes = true;
        finder.apply(config);
        const auto findings = finder.look(kStart, {});
        ASSERT_EQ(findings->targets.size(), 1u) << address;
        EXPECT_EQ(findings->targets[0]->job, "mine");
        EXPECT_EQ(findings->targets[0]->engine.kind, "vllm");
        EXPECT_EQ(findings->targets[0]->engine.pid, 10);
        EXPECT_EQ(findings->targets[0]->engine.metrics_advice,
                  "restart it without --disable-log-stats");
        EXPECT_FALSE(findings->targets[0]->discovered_by_us);
    }
}

TEST(TargetFinder, KeepsAnEngineWhoseProcessEndedForTenMinutes) {
    FakeProc proc;
    proc.listen("00000000", 8000, 1);
    proc.process(10, 1, "vllm serve m", {1});
    auto finder = finder_of(proc);
    finder.apply(DiscoveryConfig{});
    const auto before = finder.look(kStart, {});
    ASSERT_EQ(before->targets.size(), 1u);
    proc.end(10);
    proc.close_all();
    const auto gone_at = kStart + kProcessInterval;
    const auto after = finder.look(gone_at, {});
    ASSERT_EQ(after->targets.size(), 1u);
    EXPECT_EQ(after->targets[0]->identity(), before->targets[0]->identity());
    EXPECT_EQ(after->targets[0]->engine.pid, 0);
    EXPECT_TRUE(after->engines.empty());
    proc.listen("00000000", 8000, 2);
    proc.process(20, 1, "vllm serve m", {2});
    const auto again = finder.look(gone_at + kProcessInterval, {});
    ASSERT_EQ(again->targets.size(), 1u) << "it is back, once";
    EXPECT_EQ(again->targets[0]->engine.pid, 20);
    proc.end(20);
    proc.close_all();
    EXPECT_EQ(finder.look(gone_at + 2 * kProcessInterval, {})->targets.size(), 1u);
    EXPECT_TRUE(finder.look(gone_at + 2 * kProcessInterval + kGoneIsShown, {})->targets.empty());
}

TEST(TargetFinder, LooksAtProcessesAtMostEveryTenSeconds) {
    FakeProc proc;
    auto finder = finder_of(proc);
    finder.apply(DiscoveryConfig{});
    const auto before = finder.look(kStart, {});
    proc.listen("00000000", 8000, 1);
    proc.process(10, 1, "vllm serve m", {1});
    EXPECT_EQ(finder.look(kStart + Millis(9'999), {}), before);
    EXPECT_EQ(finder.look(kStart + Millis(10'000), {})->targets.size(), 1u);
}

TEST(TargetFinder, CanBeToldNotToLookAtProcesses) {
    FakeProc proc;
    proc.listen("00000000", 8000, 1);
    proc.process(10, 1, "vllm serve m", {1});
    auto finder = finder_of(proc);
    finder.apply(config_of("[]"));
    EXPECT_TRUE(finder.look(kStart, {})->targets.empty());
}

TEST(TargetFinder, GivesEnginesThatTheUserNamed) {
    TargetFinder finder;
    DiscoveryConfig config;
    config.processes = false;
    config.engine_interval = Millis(7'000);
    EngineConfig engine;
    engine.url = "http://10.1.1.1:8000";
    config.engines = {engine, engine};
    finder.apply(config);
    const auto findings = finder.look(kStart, {});
    ASSERT_EQ(findings->targets.size(), 1u);
    EXPECT_EQ(findings->targets[0]->interval, Millis(7'000));
}

TEST(LocalNames, KnowLoopback) { EXPECT_THAT(local_names(), testing::Contains("127.0.0.1")); }

}  // namespace
}  // namespace inferscope::discovery
