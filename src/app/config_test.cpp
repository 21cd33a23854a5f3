// SPDX-License-Identifier: Apache-2.0
#include "app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace inferscope::app {
namespace {

using testing::HasSubstr;

Config parsed(std::string_view text, std::string_view file = "/etc/x/inferscope.yml") {
    auto config = parse_config(text, file);
    EXPECT_TRUE(config) << (config ? "" : config.error().message());
    return config ? std::move(*config) : Config();
}

std::string error_of(std::string_view text) {
    const auto config = parse_config(text, "c.yml");
    return config ? "" : config.error().message();
}

TEST(Config, ReadsTheFileOfTheDesign) {
    const auto config = parsed(R"(
engines:
  - url: http://10.0.0.7:8000
    kind: vllm
    labels: {cluster: a, team: search}
global: {scrape_interval: 5s, evaluation_interval: 15s}
scrape_configs: []
notify: {config_file: alertmanager.yml}
slos: {ttft_p95_seconds: 1.0, success_ratio: 0.99}
)");
    ASSERT_EQ(config.engines.size(), 1u);
    EXPECT_EQ(config.engines[0].url, "http://10.0.0.7:8000");
    EXPECT_EQ(config.engines[0].kind, "vllm");
    EXPECT_EQ(config.engine_interval, Millis(5'000));
    EXPECT_EQ(config.global.evaluation_interval, Millis(15'000));
    EXPECT_EQ(config.notify.config_file, "/etc/x/alertmanager.yml");
    EXPECT_EQ(config.warnings.size(), 2u);  // notify and slos
}

TEST(Config, ReadsEveryOwnSection) {
    const auto config = parsed(R"(
cluster: {id: 7, name: west}
worker: {id: 3, name: node3, labels: {rack: r1}}
discovery: {processes: false}
probe:
  interval: 4s
  timeout: 2s
  chat: {enabled: true, prompt: Hi, max_tokens: 3, interval: 2m, timeout: 9s}
mapping: {file: m.yaml}
web: {allowed_hosts: [gpu7.example]}
)");
    EXPECT_EQ(config.cluster.id, "7");
    EXPECT_EQ(config.cluster.name, "west");
    EXPECT_EQ(config.worker.name, "node3");
    EXPECT_EQ(config.worker.labels.at(0).second, "r1");
    EXPECT_FALSE(config.discover_processes);
    EXPECT_FALSE(config.discovery().processes);
    EXPECT_EQ(config.probe.interval, Millis(4'000));
    EXPECT_EQ(config.probe.timeout, Millis(2'000));
    EXPECT_TRUE(config.probe.chat.enabled);
    EXPECT_EQ(config.probe.chat.prompt, "Hi");
    EXPECT_EQ(config.probe.chat.max_tokens, 3u);
    EXPECT_EQ(config.probe.chat.timeout, Millis(9'000));
    EXPECT_EQ(config.mapping.file, "/etc/x/m.yaml");
    EXPECT_EQ(config.web.allowed_hosts, std::vector<std::string>{"gpu7.example"});
}

TEST(Config, KeepsPrometheusDefaultsInAPlainPrometheusFileAndItsOwnForEngines) {
    const auto config = parsed("scrape_configs: [{job_name: a}]");
    EXPECT_EQ(config.scrape_configs.at(0).scrape_interval, Millis(60'000));
    EXPECT_EQ(config.scrape_configs.at(0).scrape_timeout, Millis(10'000));
    EXPECT_EQ(config.global.evaluation_interval, Millis(60'000));
    EXPECT_EQ(config.engine_interval, Millis(5'000));
    EXPECT_EQ(parsed("global: {scrape_interval: 30s}").engine_interval, Millis(30'000));
}

TEST(Config, WithoutAFileScrapesEveryFiveSeconds) {
    EXPECT_EQ(Config::defaults().global.scrape_interval, Millis(5'000));
    EXPECT_EQ(Config::defaults().discovery().engine_interval, Millis(5'000));
    EXPECT_TRUE(Config::defaults().discovery().processes);
}

TEST(Config, AnEmptyFileIsAConfiguration) {
    EXPECT_TRUE(parse_config("", "c.yml"));
    EXPECT_TRUE(parse_config("# nothing yet\n", "c.yml"));
}

TEST(Config, RefusesUnknownKeysWithPlaceAndNearestKnown) {
    EXPECT_EQ(error_of("cluster: {id: 1}\nengins: []\n"),
              "c.yml:2:1: configuration: unknown key 'engins'; did you mean 'engines'?");
    EXPECT_EQ(error_of("probe:\n  chat: {enable: true}\n"),
              "c.yml:2:10: probe.chat: unknown key 'enable'; did you mean 'enabled'?");
    EXPECT_EQ(error_of("global:\n  scrape_intervall: 5s\n"),
              "c.yml:2:3: global: unknown key 'scrape_intervall'; did you mean 'scrape_interval'?");
}

TEST(Config, WarnsOfPrometheusSectionsWithoutEffect) {
    const auto config = parsed("rule_files: [a.yml]\nremote_write: [{url: 'http://x/'}]\n");
    ASSERT_EQ(config.warnings.size(), 2u);
    EXPECT_THAT(config.warnings[0].text, HasSubstr("remote_write is not supported"));
    EXPECT_EQ(config.warnings[1].line, 1);
}

TEST(Config, ChecksRanges) {
    EXPECT_THAT(error_of("slos: {success_ratio: 99}"),
                HasSubstr("success_ratio must be from 0 to 1, not 99"));
    EXPECT_THAT(error_of("probe: {chat: {max_tokens: 100000}}"),
                HasSubstr("max_tokens of probe.chat is 100000, it must be 1 to 4096"));
    EXPECT_THAT(error_of("probe: {interval: 1s, timeout: 2s}"), HasSubstr("greater than interval"));
    EXPECT_EQ(parsed("probe: {interval: 1s}").probe.timeout, Millis(1'000));
    EXPECT_THAT(error_of("worker: {labels: {a-b: c}}"), HasSubstr("'a-b' is not a label name"));
    EXPECT_THAT(error_of("[1, 2]"), HasSubstr("c.yml:1:1"));
    EXPECT_THAT(error_of("engines: 7"), HasSubstr("engines must be a list"));
}

TEST(Config, ReadsHowManyInstancesOfAModelShouldRun) {
    const auto config = parsed("models: [{name: a/b, instances: 2}, {name: c}]");
    EXPECT_EQ(config.desired_instances, (engines::DesiredInstances{{"a/b", 2}, {"c", 1}}));
    EXPECT_THAT(error_of("models: [{instances: 2}]"), HasSubstr("name is missing"));
    EXPECT_THAT(error_of("models: [{name: a}, {name: a}]"), HasSubstr("c.yml:1:21"));
    EXPECT_THAT(error_of("models: {a: 1}"), HasSubstr("models must be a list"));
}

TEST(Config, ResolvesPathsAgainstTheDirectoryOfTheFile) {
    const auto config = parsed(R"(
scrape_configs:
- job_name: a
  basic_auth: {username: u, password_file: secrets/pw}
  file_sd_configs: [{files: ["targets/*.yml", /abs/x.json]}]
)");
    const auto& job = config.scrape_configs.at(0);
    EXPECT_EQ(job.settings->http.basic_auth->password_file, "/etc/x/secrets/pw");
    EXPECT_EQ(job.file_sd_configs.at(0).files,
              (std::vector<std::string>{"/etc/x/targets/*.yml", "/abs/x.json"}));
    EXPECT_EQ(parsed("mapping: {file: m.yml}", "c.yml").mapping.file, "m.yml");
}

TEST(Config, SaysWhichFileCanNotBeRead) {
    const auto config = load_config("/nowhere/c.yml");
    ASSERT_FALSE(config);
    EXPECT_THAT(config.error().message(), HasSubstr("/nowhere/c.yml: can't be opened"));
}

}  // namespace
}  // namespace inferscope::app
