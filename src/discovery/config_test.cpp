// SPDX-License-Identifier: Apache-2.0
// What is refused and what is taken was checked with `promtool check config` of Prometheus 2.42.
#include "discovery/config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <type_traits>

namespace inferscope::discovery {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Outcome {
    std::vector<ScrapeConfig> jobs;
    std::string error;
    std::vector<ParseError> warnings;
};

/// `text` is the list under scrape_configs.
Outcome read(std::string_view text, GlobalConfig global = {}) {
    const auto root = yaml::parse(text, "p.yml");
    EXPECT_TRUE(root);
    yaml::Diagnostics diagnostics("p.yml");
    Outcome outcome;
    outcome.jobs = read_scrape_configs(*root, global, "/etc/prom", diagnostics);
    if (diagnostics.error()) outcome.error = diagnostics.error()->message();
    outcome.warnings = diagnostics.warnings();
    return outcome;
}

std::string job_error(std::string_view keys) {
    return read(fmt::format("[{{job_name: a, {}}}]", keys)).error;
}

TEST(ScrapeConfigs, ReadsEverythingThatAJobMaySay) {
    const auto outcome = read(R"(
- job_name: all
  scrape_interval: 20s
  scrape_timeout: 9s
  metrics_path: /m
  scheme: https
  params: {module: [a, b]}
  honor_labels: true
  honor_timestamps: no
  basic_auth: {username: u, password: p}
  tls_config: {ca_file: ca.pem, insecure_skip_verify: true, server_name: s}
  follow_redirects: false
  sample_limit: 1
  target_limit: 6
  label_limit: 2
  label_name_length_limit: 3
  label_value_length_limit: 4
  body_size_limit: 5MB
  static_configs: [{targets: ["x:1"], labels: {n: 7}}]
  file_sd_configs: [{files: ["t/*.json"], refresh_interval: 1m}]
  http_sd_configs: [{url: "http://sd/x", refresh_interval: 30s, authorization: {credentials: c}}]
  relabel_configs: [{source_labels: [a], target_label: b}]
  metric_relabel_configs: [{action: drop, source_labels: [__name__], regex: go_.*}]
)");
    ASSERT_EQ(outcome.error, "");
    EXPECT_TRUE(outcome.warnings.empty());
    const auto& job = outcome.jobs.at(0);
    EXPECT_EQ(job.scrape_interval, Millis(20'000));
    EXPECT_EQ(job.scrape_timeout, Millis(9'000));
    EXPECT_EQ(job.metrics_path, "/m");
    EXPECT_EQ(job.scheme, "https");
    EXPECT_EQ(job.params.at(0).second, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(job.target_limit, 6u);
    const auto& settings = *job.settings;
    EXPECT_TRUE(settings.honor_labels);
    EXPECT_FALSE(settings.honor_timestamps);
    EXPECT_EQ(settings.http.basic_auth->password.reveal(), "p");
    EXPECT_EQ(settings.http.tls.ca_file, "/etc/prom/ca.pem");
    EXPECT_TRUE(settings.http.tls.insecure_skip_verify);
    EXPECT_FALSE(settings.http.follow_redirects);
    EXPECT_EQ(settings.sample_limit, 1u);
    EXPECT_EQ(settings.label_limit, 2u);
    EXPECT_EQ(settings.label_name_length_limit, 3u);
    EXPECT_EQ(settings.label_value_length_limit, 4u);
    EXPECT_EQ(settings.body_size_limit, 5u << 20);
    EXPECT_EQ(settings.metric_relabel_configs.at(0).fields().action, RelabelAction::drop);
    EXPECT_EQ(job.static_configs.at(0).labels.at(0).second, "7");
    EXPECT_EQ(job.file_sd_configs.at(0).files.at(0), "/etc/prom/t/*.json");
    EXPECT_EQ(job.file_sd_configs.at(0).refresh_interval, Millis(60'000));
    EXPECT_EQ(job.http_sd_configs.at(0).http.authorization->credentials.reveal(), "c");
    EXPECT_EQ(job.relabel_configs.at(0).fields().target_label, "b");
}

TEST(ScrapeConfigs, HasPrometheusDefaults) {
    const auto outcome = read(
        "[{job_name: a, file_sd_configs: [{files: [x.yml]}], http_sd_configs: [{url: "
        "'http://h'}]}]");
    const auto& job = outcome.jobs.at(0);
    EXPECT_EQ(job.scrape_interval, Millis(60'000));
    EXPECT_EQ(job.scrape_timeout, Millis(10'000));
    EXPECT_EQ(job.metrics_path, "/metrics");
    EXPECT_EQ(job.scheme, "http");
    EXPECT_FALSE(job.settings->honor_labels);
    EXPECT_TRUE(job.settings->honor_timestamps);
    EXPECT_TRUE(job.settings->http.follow_redirects);
    EXPECT_EQ(job.file_sd_configs.at(0).refresh_interval, Millis(300'000));
    EXPECT_EQ(job.http_sd_configs.at(0).refresh_interval, Millis(60'000));
}

TEST(ScrapeConfigs, CutsOnlyATimeoutThatWasNotSet) {
    EXPECT_EQ(read("[{job_name: a, scrape_interval: 3s}]").jobs.at(0).scrape_timeout,
              Millis(3'000));
    EXPECT_EQ(job_error("scrape_interval: 1s, scrape_timeout: 2s"),
              "p.yml:1:37: job 'a': scrape_timeout is greater than scrape_interval");
}

TEST(ScrapeConfigs, RefusesWhatPrometheusRefuses) {
    for (const auto* const keys : {"bogus: 1",
                                   "static_configs: [{targets: ['http://x/y']}]",
                                   "static_configs: [{labels: {a-b: c}}]",
                                   "basic_auth: {username: a}, authorization: {credentials: c}",
                                   "basic_auth: {username: a, password: b, password_file: c}",
                                   "bearer_token: a, authorization: {credentials: c}",
                                   "bearer_token: a, bearer_token_file: c",
                                   "bearer_token: a, basic_auth: {username: b}",
                                   "authorization: {type: Basic}",
                                   "file_sd_configs: [{}]",
                                   "file_sd_configs: [{files: [a.txt]}]",
                                   "file_sd_configs: [{files: ['*/a.yml']}]",
                                   "http_sd_configs: [{}]",
                                   "http_sd_configs: [{url: 'ftp://x'}]",
                                   "http_sd_configs: [{url: 'http://'}]",
                                   "tls_config: {cert_file: x}",
                                   "params: {a: b}",
                                   "body_size_limit: 10x",
                                   "sample_limit: -1",
                                   "relabel_configs: [null]",
                                   "relabel_configs: [{action: bogus}]",
                                   "relabel_configs: [{action: ''}]",
                                   "relabel_configs: [{action: keep, regex: 'a('}]",
                                   "scrape_interval: 5"}) {
        EXPECT_THAT(job_error(keys), HasSubstr("p.yml:1:")) << keys;
    }
    EXPECT_THAT(read("[{}]").error, HasSubstr("job_name is missing"));
    EXPECT_THAT(read("[null]").error, HasSubstr("an entry must be a mapping"));
    EXPECT_EQ(read("- job_name: a\n- job_name: a\n").error,
              "p.yml:2:3: scrape_configs: job_name 'a' stands twice");
}

TEST(ScrapeConfigs, NamesTheLineOfTheCulpritAndNotOfItsEntry) {
    EXPECT_THAT(
        read("- job_name: a\n  relabel_configs:\n  - target_label: x\n    action: replce\n").error,
        AllOf(HasSubstr("p.yml:4:13: "), HasSubstr("did you mean 'replace'?")));
    EXPECT_THAT(
        read("- job_name: a\n  static_configs:\n  - targets:\n    - a:1\n    - http://b:1/x\n")
            .error,
        HasSubstr("p.yml:5:7: "));
    EXPECT_THAT(
        read("- job_name: a\n  static_configs:\n  - targets: [a:1]\n    labels:\n      9bad: x\n")
            .error,
        HasSubstr("p.yml:5:7: "));
}

TEST(ScrapeConfigs, TakesWhatPrometheusTakes) {
    for (const auto* const keys :
         {"honor_labels: yes", "basic_auth: ", "scheme: ftp", "body_size_limit: 1.5GB",
          "relabel_configs: [{action: Keep, source_labels: [a], regex: b}]",
          "relabel_configs: [{action: lowercase, source_labels: [a], target_label: '${1}'}]",
          "static_configs: [{labels: {a: 1, b: true}}]", "scrape_timeout: 0s",
          "enable_http2: false"}) {
        EXPECT_EQ(job_error(keys), "") << keys;
    }
}

TEST(ScrapeConfigs, ReadsAModulusOf64Bits) {
    const auto outcome = read(
        "[{job_name: a, relabel_configs: [{action: hashmod, target_label: h, modulus: "
        "18446744073709551615}]}]");
    ASSERT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.jobs.at(0).relabel_configs.at(0).fields().modulus, UINT64_MAX);
    EXPECT_THAT(job_error("relabel_configs: [{action: hashmod, target_label: h, modulus: -1}]"),
                HasSubstr("modulus must be a whole number >= 0, not '-1'"));
}

TEST(ScrapeConfigs, LeavesAJobWithAForeignDiscoveryOutAlone) {
    const auto outcome = read(R"(
- job_name: k8s
  kubernetes_sd_configs: [{role: pod}]
- job_name: b
)");
    EXPECT_EQ(outcome.error, "");
    ASSERT_EQ(outcome.jobs.size(), 1u);
    EXPECT_EQ(outcome.jobs[0].job_name, "b");
    ASSERT_EQ(outcome.warnings.size(), 1u);
    EXPECT_EQ(
        outcome.warnings[0].message(),
        "p.yml:2:3: scrape_configs: job 'k8s' is left out: kubernetes_sd_configs is not supported");
}

TEST(ScrapeConfigs, WarnsOfPrometheusKeysWithoutEffect) {
    const auto outcome = read("[{job_name: a, proxy_url: 'http://p', scrape_protocols: [x]}]");
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.warnings.size(), 2u);
}

TEST(ScrapeConfigs, NeverNamesASecretInAMessage) {
    EXPECT_THAT(job_error("basic_auth: {username: u, password: hunter2, password_fil: x}"),
                testing::AllOf(HasSubstr("password_file"), testing::Not(HasSubstr("hunter2"))));
    EXPECT_THAT(job_error("authorization: {credentials: [hunter2]}"),
                testing::Not(HasSubstr("hunter2")));
}

TEST(Global, ChecksTimesAndLabels) {
    const auto read_text = [](std::string_view text) {
        const auto root = yaml::parse(text, "p.yml");
        yaml::Diagnostics diagnostics("p.yml");
        const auto global = read_global(*root, {}, diagnostics);
        return std::pair(global, diagnostics.error() ? diagnostics.error()->text : "");
    };
    EXPECT_EQ(read_text("{scrape_interval: 5s}").first.scrape_timeout, Millis(5'000));
    EXPECT_EQ(read_text("{scrape_interval: 0s}").first.scrape_interval, Millis(60'000));
    EXPECT_EQ(read_text("{external_labels: {a: b}}").first.external_labels.get("a"), "b");
    EXPECT_THAT(read_text("{scrape_interval: 5s, scrape_timeout: 6s}").second,
                HasSubstr("greater than"));
    EXPECT_THAT(read_text("{external_labels: {a-b: c}}").second,
                HasSubstr("'a-b' is not a label name"));
}

TEST(Engines, ReadsAndChecksEntries) {
    const auto read_text = [](std::string_view text) {
        const auto root = yaml::parse(text, "p.yml");
        yaml::Diagnostics diagnostics("p.yml");
        auto engines = read_engines(*root, "/etc", diagnostics);
        return std::pair(engines, diagnostics.error() ? diagnostics.error()->text : "");
    };
    const auto good = read_text(
        "[{url: 'http://h:1', kind: vllm, version: 0.9.1, labels: {a: b}, bearer_token: t}]");
    EXPECT_EQ(good.second, "");
    EXPECT_EQ(good.first.at(0).version, "0.9.1");
    EXPECT_EQ(good.first.at(0).http.authorization->credentials.reveal(), "t");
    EXPECT_THAT(read_text("[{kind: vllm}]").second, HasSubstr("url is missing"));
    EXPECT_THAT(read_text("[{url: 'gpu7:8000'}]").second, HasSubstr("engines entry: url"));
    EXPECT_THAT(read_text("[{url: 'http://u:hunter2@h'}]").second,
                testing::AllOf(HasSubstr("basic_auth"), testing::Not(HasSubstr("hunter2"))));
    EXPECT_THAT(read_text("[{url: 'http://h', labels: {a-b: c}}]").second, HasSubstr("label name"));
}

TEST(Secret, NeverPrintsItself) {
    std::ostringstream out;
    out << Secret("hunter2");
    EXPECT_EQ(out.str(), "<secret>");
    EXPECT_EQ(testing::PrintToString(Secret("hunter2")), "<secret>");
    EXPECT_FALSE(fmt::is_formattable<Secret>::value);
    EXPECT_FALSE((std::is_convertible_v<Secret, std::string_view>));
}

TEST(AuthorizationHeader, IsBasicOrWhatTheTypeSays) {
    HttpSettings settings;
    EXPECT_TRUE(authorization_header(settings)->empty());
    settings.basic_auth = BasicAuth{"Aladdin", Secret("open sesame"), ""};
    EXPECT_EQ(authorization_header(settings)->reveal(),
              "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");  // RFC 7617
    settings.basic_auth = BasicAuth{"a", Secret(""), ""};
    EXPECT_EQ(authorization_header(settings)->reveal(), "Basic YTo=");
    settings.basic_auth.reset();
    settings.authorization = Authorization{"Bearer", Secret("t"), ""};
    EXPECT_EQ(authorization_header(settings)->reveal(), "Bearer t");
    settings.authorization->credentials_file = "/nowhere/token";
    const auto missing = authorization_header(settings);
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().text, HasSubstr("credentials_file: /nowhere/token"));
}

}  // namespace
}  // namespace inferscope::discovery
