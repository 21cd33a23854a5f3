// SPDX-License-Identifier: Apache-2.0
// Expected values marked "2.42" were read from /api/v1/targets of a real Prometheus 2.42 with the
// same job.
#include "discovery/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <variant>

#include "discovery/engine_kinds.h"

namespace inferscope::discovery {
namespace {

using testing::HasSubstr;

ScrapeConfig job() {
    ScrapeConfig config;
    config.job_name = "a";
    config.scrape_interval = Millis(90'000);
    config.scrape_timeout = Millis(7'000);
    return config;
}

RelabelRule set_label(std::string_view name, std::string_view value) {
    RelabelFields fields;
    fields.target_label = name;
    fields.replacement = value;
    return *RelabelRule::make(fields);
}

Target target(const ScrapeConfig& config, std::initializer_list<Label> labels) {
    auto populated = populate(config, Labels::from(labels));
    auto* const made = std::get_if<Target>(&populated);
    EXPECT_NE(made, nullptr) << (made == nullptr ? std::get<DroppedTarget>(populated).error : "");
    return made != nullptr ? std::move(*made) : Target();
}

std::string error(const ScrapeConfig& config, std::initializer_list<Label> labels) {
    const auto populated = populate(config, Labels::from(labels));
    return std::holds_alternative<Target>(populated) ? "no error"
                                                     : std::get<DroppedTarget>(populated).error;
}

std::string url_text(const net::Url& url) {
    return url.scheme + "://" + url.authority() + url.target;
}

TEST(Populate, FillsInWhatTheJobSays) {
    auto config = job();
    config.metrics_path = "/probe path?x";
    config.params = {{"x y", {"a b&c"}}, {"module", {"http_2xx", "two"}}};
    const auto made = target(config, {{"__address__", "h1"},
                                      {"env", "prod"},
                                      {"__meta_foo", "bar"},
                                      {"__param_module", "overwritten"},
                                      {"__tmp", "t"}});
    EXPECT_EQ(url_text(made.url),
              "http://h1:80/probe%20path%3Fx?module=http_2xx&module=two&x+y=a+b%26c");  // 2.42
    EXPECT_EQ(made.labels.to_text(), "{env=\"prod\",instance=\"h1:80\",job=\"a\"}");    // 2.42
    EXPECT_EQ(made.discovered_labels.to_text(),
              "{__address__=\"h1\",__meta_foo=\"bar\",__metrics_path__=\"/probe path?x\","
              "__param_module=\"http_2xx\",__param_x y=\"a b&c\",__scheme__=\"http\","
              "__scrape_interval__=\"1m30s\",__scrape_timeout__=\"7s\",__tmp=\"t\",env=\"prod\","
              "job=\"a\"}");  // 2.42
    EXPECT_EQ(made.interval, Millis(90'000));
    EXPECT_EQ(made.timeout, Millis(7'000));
}

TEST(Populate, AddsThePortOfTheScheme) {
    auto config = job();
    config.scheme = "https";
    EXPECT_EQ(url_text(target(config, {{"__address__", "s1"}}).url),
              "https://s1:443/metrics");  // 2.42
    EXPECT_EQ(url_text(target(config, {{"__address__", "s2:80"}}).url),
              "https://s2:80/metrics");  // 2.42
    const auto v6 = target(job(), {{"__address__", "[::2]"}});
    EXPECT_EQ(url_text(v6.url), "http://[::2]:80/metrics");  // 2.42
    EXPECT_EQ(v6.labels.get("instance"), "[::2]:80");        // 2.42
    EXPECT_EQ(target(job(), {{"__address__", "[::1]:9"}}).labels.get("instance"), "[::1]:9");
}

TEST(Populate, ObeysTheLabelsThatRulesSet) {
    auto config = job();
    config.relabel_configs = {set_label("__scrape_interval__", "13s"),
                              set_label("__scheme__", "https"),
                              set_label("__metrics_path__", "x"),
                              set_label("instance", "mine"),
                              set_label("__param_q", "1"),
                              set_label("job", "other")};
    const auto made = target(config, {{"__address__", "h:5"}});
    EXPECT_EQ(made.interval, Millis(13'000));
    EXPECT_EQ(url_text(made.url), "https://h:5/x?q=1");
    EXPECT_EQ(made.labels.to_text(), "{instance=\"mine\",job=\"other\"}");
    EXPECT_EQ(made.job, "a");
}

TEST(Populate, DropsWithoutAReasonWhatARuleDrops) {
    auto config = job();
    RelabelFields drop;
    drop.action = RelabelAction::drop;
    config.relabel_configs = {*RelabelRule::make(drop)};
    const auto populated = populate(config, Labels::from({{"__address__", "h"}}));
    ASSERT_TRUE(std::holds_alternative<DroppedTarget>(populated));
    EXPECT_EQ(std::get<DroppedTarget>(populated).error, "");
    EXPECT_EQ(std::get<DroppedTarget>(populated).discovered_labels.get("job"), "a");
}

TEST(Populate, SaysWhyALabelSetIsNoTarget) {
    EXPECT_EQ(error(job(), {{"env", "x"}}), "no address");
    EXPECT_THAT(error(job(), {{"__address__", "http://x/y"}}),
                HasSubstr("'http://x/y' is not host:port"));
    EXPECT_THAT(error(job(), {{"__address__", "user@h"}}), HasSubstr("not host:port"));
    EXPECT_THAT(error(job(), {{"__address__", "::1"}}), HasSubstr("'::1' is not host:port"));
    EXPECT_THAT(error(job(), {{"__address__", "h:99999"}}), HasSubstr("'99999' is not a port"));
    EXPECT_THAT(error(job(), {{"__address__", "h"}, {"__scheme__", "ftp"}}),
                HasSubstr("scheme 'ftp'"));
    EXPECT_THAT(error(job(), {{"__address__", "h"}, {"__scrape_interval__", "13"}}),
                HasSubstr("__scrape_interval__ '13' is not a positive duration"));
    EXPECT_THAT(error(job(), {{"__address__", "h"}, {"__scrape_timeout__", "2h"}}),
                HasSubstr("timeout 2h is greater than scrape interval 1m30s"));
    EXPECT_THAT(error(job(), {{"__address__", "h"}, {"__scrape_timeout__", "0s"}}),
                HasSubstr("'0s'"));
    EXPECT_THAT(error(job(), {{"__address__", "h"}, {"x", "\xff"}}),
                HasSubstr("label x is not UTF-8: '\\xff'"));
}

TEST(Target, IdentityIsOfUrlLabelsAndJobOnly) {
    const auto one = target(job(), {{"__address__", "h"}});
    auto slower = job();
    slower.scrape_interval = Millis(100'000);
    const auto same = target(slower, {{"__address__", "h"}, {"__meta_x", "y"}});
    EXPECT_EQ(one.identity(), same.identity());
    EXPECT_FALSE(one == same);
    EXPECT_NE(one.identity(), target(job(), {{"__address__", "h:81"}}).identity());
    EXPECT_NE(one.identity(), target(job(), {{"__address__", "h"}, {"a", "b"}}).identity());
    EXPECT_TRUE(one == target(job(), {{"__address__", "h"}}));
}

TEST(EngineTarget, FindsTheMetricsByTheKind) {
    const auto url = [](std::string_view api, std::string_view kind) {
        EngineConfig engine;
        engine.url = api;
        engine.kind = kind;
        const auto made = engine_target(engine, Millis(5'000));
        return made ? url_text(made->url) : made.error().text;
    };
    EXPECT_EQ(url("http://h:8000", "vllm"), "http://h:8000/metrics");
    EXPECT_EQ(url("http://h:8000/", ""), "http://h:8000/metrics");
    EXPECT_EQ(url("http://h:8000/metrics", ""), "http://h:8000/metrics");
    EXPECT_EQ(url("https://h/team/", "sglang"), "https://h:443/team/metrics");
    EXPECT_EQ(url("http://h:8000", "TensorRT-LLM"), "http://h:8000/prometheus/metrics");
    EXPECT_EQ(url("http://h:8000", "triton"), "http://h:8002/metrics");
    EXPECT_EQ(url("http://h:1025", "mindie"), "http://h:1027/metrics");
    EXPECT_THAT(url("h:1", ""), HasSubstr("must begin with http:// or https://"));
}

TEST(EngineTarget, CarriesTheUsersLabelsAndTheHint) {
    EngineConfig engine;
    engine.url = "http://[fd00::7]:1025";
    engine.metrics_url = "https://[fd00::7]:9000/m?x=1";
    engine.kind = "mindie";
    engine.version = "2.1";
    engine.labels = {{"cluster", "a"}};
    engine.http.authorization = Authorization{"Bearer", Secret("t"), ""};
    const auto made = engine_target(engine, Millis(15'000));
    ASSERT_TRUE(made);
    EXPECT_EQ(url_text(made->url), "https://[fd00::7]:9000/m?x=1");
    EXPECT_EQ(made->labels.to_text(),
              "{cluster=\"a\",instance=\"[fd00::7]:1025\",job=\"engines\"}");
    EXPECT_EQ(made->timeout, Millis(10'000));
    EXPECT_TRUE(made->engine.expected);
    EXPECT_EQ(made->engine.kind, "mindie");
    EXPECT_EQ(made->engine.version, "2.1");
    EXPECT_EQ(made->engine.api_url, "http://[fd00::7]:1025");
    EXPECT_TRUE(made->settings->http.has_credentials());
    EXPECT_FALSE(made->discovered_by_us);
}

TEST(FormatDuration, WritesWhatPrometheusWrites) {
    EXPECT_EQ(format_duration(Millis(0)), "0s");
    EXPECT_EQ(format_duration(Millis(90'000)), "1m30s");
    EXPECT_EQ(format_duration(Millis(14LL * 86'400'000)), "2w");
    EXPECT_EQ(format_duration(Millis(8LL * 86'400'000)), "8d");
    EXPECT_EQ(format_duration(Millis(3'600'001)), "1h1ms");
}

}  // namespace
}  // namespace inferscope::discovery
