// SPDX-License-Identifier: Apache-2.0
#include "scrape/target_rows.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/numbers.h"
#include "telemetry/recording_appender.h"

namespace inferscope::scrape {
namespace {

using testing::HasSubstr;
using Series = std::map<std::string, double>;

discovery::RelabelRule rule(discovery::RelabelFields fields) {
    return discovery::RelabelRule::make(std::move(fields)).value();
}

class TargetRowsTest : public testing::Test {
protected:
    discovery::TargetPtr target() const {
        auto target = std::make_shared<discovery::Target>();
        target->url = net::Url::parse("http://10.0.0.7:8000/metrics").value();
        target->labels = Labels::from({{"job", "j"}, {"instance", "i"}});
        target->settings = std::make_shared<const discovery::ScrapeSettings>(settings);
        return target;
    }
    TargetRows& rows() {
        if (!rows_) rows_ = std::make_unique<TargetRows>(appender, layouts, target());
        return *rows_;
    }
    Result<PageSummary> append(std::string page) {
        return rows().append(page, exposition::Format::text, now += 1000);
    }

    discovery::ScrapeSettings settings;
    RecordingAppender appender;
    PageLayouts layouts;
    Timestamp now = 0;

private:
    std::unique_ptr<TargetRows> rows_;
};

TEST_F(TargetRowsTest, AddsTheTargetsLabelsAndRenamesThoseThatClash) {
    ASSERT_TRUE(append("a{instance=\"x\",exported_instance=\"y\"} 1\nb 2\n"));
    EXPECT_EQ(
        appender.latest(),
        (Series{
            {R"(a{exported_exported_instance="x",exported_instance="y",instance="i",job="j"})", 1},
            {R"(b{instance="i",job="j"})", 2}}));
}

TEST_F(TargetRowsTest, HonorsThePagesLabelsWhenTold) {
    settings.honor_labels = true;
    ASSERT_TRUE(append("a{instance=\"x\"} 1\n"));
    EXPECT_EQ(appender.latest(), (Series{{R"(a{instance="x",job="j"})", 1}}));
}

TEST_F(TargetRowsTest, RelabelsEachLineOnceAndDropsWhatRulesDrop) {
    settings.metric_relabel_configs = {
        rule({.source_labels = {{"__name__"}},
              .regex = "secret_.*",
              .action = discovery::RelabelAction::drop}),
        rule({.source_labels = {{"__name__"}}, .regex = "(.*)_old", .target_label = "__name__"})};
    const auto summary = append("secret_x 1\na_old 2\n");
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->samples, 2u);
    EXPECT_EQ(summary->kept, 1u);
    EXPECT_EQ(appender.latest(), (Series{{R"(a{instance="i",job="j"})", 2}}));
}

TEST_F(TargetRowsTest, CountsWhatIsNewAndMarksWhatIsGoneAsStale) {
    EXPECT_EQ(append("a 1\nb 1\n")->added, 2u);
    EXPECT_EQ(append("a 1\nc 1\n")->added, 1u);
    EXPECT_EQ(append("a 1\nb 1\nc 1\n")->added, 1u);
    ASSERT_TRUE(append("a 1\n"));
    EXPECT_EQ(appender.latest(), (Series{{R"(a{instance="i",job="j"})", 1}}));
    EXPECT_EQ(appender.groups()[0].columns.size(), 3u);
}

TEST_F(TargetRowsTest, AppendsNothingOfAPageThatFails) {
    ASSERT_TRUE(append("a 1\n"));
    const auto failed = append("a 2\nb 1\nc{ 3\n");
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().text, HasSubstr("line 3"));
    EXPECT_EQ(appender.groups()[0].rows.size(), 1u);
    EXPECT_EQ(appender.groups()[0].columns.size(), 1u);
    ASSERT_TRUE(append("a 3\nb 4\n"));
    EXPECT_EQ(appender.latest(),
              (Series{{R"(a{instance="i",job="j"})", 3}, {R"(b{instance="i",job="j"})", 4}}));
}

TEST_F(TargetRowsTest, RefusesWhatPassesALimitAndNamesItsSetting) {
    settings.label_value_length_limit = 5;
    EXPECT_THAT(append("a{l=\"123456\"} 1\n").error().text, HasSubstr("label_value_length_limit"));
    EXPECT_TRUE(append("a{l=\"12345\"} 1\n"));
}

TEST_F(TargetRowsTest, BoundsTheNumberOfLabelsWithTheTargetsOwn) {
    settings.label_limit = 4;
    EXPECT_TRUE(append("a{l=\"1\"} 1\n"));
    EXPECT_THAT(append("a{l=\"1\",m=\"1\"} 1\n").error().text, HasSubstr("label_limit"));
}

TEST_F(TargetRowsTest, SendsLinesWithTimesBesideTheRow) {
    ASSERT_TRUE(append("a 1\nb 2 5000\n"));
    ASSERT_EQ(appender.groups()[0].timed.size(), 1u);
    EXPECT_EQ(appender.groups()[0].timed[0].time, 5000);
    EXPECT_EQ(appender.groups()[0].timed[0].shown_on, ShownOn::metrics) << "it is no engine's";
    EXPECT_EQ(appender.groups()[0].columns.size(), 1u);
}

TEST_F(TargetRowsTest, StartsAnEpochWhenMoreThanAQuarterOfTheColumnsAreDead) {
    std::string many;
    for (int i = 0; i < 400; ++i) many += fmt::format("a{{n=\"{}\"}} 1\n", i);
    ASSERT_TRUE(append(many));
    ASSERT_TRUE(append("b 1\n"));
    ASSERT_TRUE(append("b 2\n"));
    EXPECT_EQ(appender.groups()[0].epochs, 2);
    EXPECT_EQ(appender.groups()[0].columns.size(), 1u);
}

TEST_F(TargetRowsTest, NamesAnEnginesSeriesASecondTimeAndNeverReachesBack) {
    const auto* page =
        "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{model_name=\"m\"} 3\n";
    ASSERT_TRUE(append(page));
    EXPECT_EQ(appender.groups()[0].columns[0].second_names.size(), 0u);
    const auto mapping = mapping::Mapping::built_in();
    rows().set_naming({.mapping = mapping,
                       .identity = mapping->identity("vllm", "0.11.0"),
                       .base = Labels::from({{"worker_name", "w"}, {"runtime", "vLLM"}})});
    ASSERT_TRUE(append(page));
    EXPECT_EQ(appender.groups()[0].epochs, 2);
    const auto latest = appender.latest();
    EXPECT_EQ(
        latest.at(
            R"(gpustack:num_requests_running{instance="i",job="j",model_name="m",runtime="vLLM",worker_name="w"})"),
        3);
    EXPECT_EQ(latest.at(R"(vllm:num_requests_running{instance="i",job="j",model_name="m"})"), 3);
}

TEST_F(TargetRowsTest, SaysWhichFamiliesAnEngineOfThisVersionLacks) {
    const auto mapping = mapping::Mapping::built_in();
    rows().set_naming(
        {.mapping = mapping, .identity = mapping->identity("vllm", "0.11.0"), .base = {}});
    ASSERT_TRUE(
        append("vllm:num_requests_running{model_name=\"m\"} "
               "3\nvllm:num_requests_waiting{model_name=\"m\"} 3\n"));
    std::vector<std::string> missing;
    for (const auto& family : rows().missing()) missing.push_back(family.engine_family);
    EXPECT_THAT(missing, testing::Contains("vllm:kv_cache_usage_perc"));
    EXPECT_THAT(missing, testing::Not(testing::Contains("vllm:num_requests_running")));
}

}  // namespace
}  // namespace inferscope::scrape
