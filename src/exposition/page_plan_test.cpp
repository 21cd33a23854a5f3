// SPDX-License-Identifier: Apache-2.0
#include "exposition/page_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace inferscope::exposition {
namespace {

using testing::ElementsAre;

/// What will be planned; keeps what the plan's views point into.
class Given {
public:
    Given& family(std::string name, MetricType type, std::vector<std::string> series) {
        families_.push_back({.name = std::move(name), .type = type, .help = {}, .unit = {}});
        for (auto& text : series) {
            texts_.push_back(text + " ");
            series_.push_back({texts_.back(), &families_.back()});
        }
        return *this;
    }
    /// "NAME TYPE: series, series" of each planned family.
    [[nodiscard]] std::vector<std::string> planned(Format format) const {
        const auto plan = plan_page(series_, format);
        std::vector<std::string> lines;
        for (const auto& family : plan.families) {
            std::string line = family.name + " " + std::string(family.type) + ":";
            for (auto i = family.begin; i != family.end; ++i) {
                const auto text = series_[plan.series[i]].text;
                line += " " + std::string(text.substr(0, text.size() - 1));
            }
            lines.push_back(line);
        }
        return lines;
    }

private:
    std::deque<Family> families_;
    std::deque<std::string> texts_;
    std::vector<SeriesToPlan> series_;
};

TEST(PagePlan, JoinsFamiliesOfOneNameAndSortsByName) {
    Given given;
    given.family("b", MetricType::gauge, {"b{x=\"1\"}", "b{x=\"2\"}"})
        .family("a", MetricType::gauge, {"a"})
        .family("b", MetricType::counter, {"b{x=\"3\"}"});
    EXPECT_THAT(given.planned(Format::text),
                ElementsAre("a gauge: a", "b gauge: b{x=\"1\"} b{x=\"2\"} b{x=\"3\"}"));
}

TEST(PagePlan, TakesTotalFromTheNamesOfOpenMetricsCounters) {
    Given given;
    given.family("a_total", MetricType::counter, {"a_total"})
        .family("b", MetricType::counter, {"b"});
    EXPECT_THAT(given.planned(Format::text),
                ElementsAre("a_total counter: a_total", "b counter: b"));
    EXPECT_THAT(given.planned(Format::openmetrics),
                ElementsAre("a counter: a_total", "b unknown: b"));
}

TEST(PagePlan, JoinsCreatedGaugesWithTheirFamilyInOpenMetrics) {
    Given given;
    given.family("a_total", MetricType::counter, {"a_total{x=\"1\"}", "a_total{x=\"2\"}"})
        .family("a_created", MetricType::gauge, {"a_created{x=\"1\"}", "a_created{x=\"2\"}"})
        .family("b_created", MetricType::gauge, {"b_created"});
    EXPECT_THAT(
        given.planned(Format::openmetrics),
        ElementsAre(
            "a counter: a_total{x=\"1\"} a_created{x=\"1\"} a_total{x=\"2\"} a_created{x=\"2\"}",
            "b_created gauge: b_created"));
    EXPECT_EQ(given.planned(Format::text).size(), 3u);
}

TEST(PagePlan, PutsTheSamplesOfOneMetricTogetherInOpenMetrics) {
    Given given;
    given.family(
        "h", MetricType::histogram,
        {"h_sum{x=\"1,le=}\"}", "h_bucket{le=\"+Inf\",x=\"1,le=}\"}", "h_bucket{le=\"10\",x=\"2\"}",
         "h_bucket{le=\"2\",x=\"2\"}", "h_bucket{le=\"+Inf\",x=\"2\"}", "h_count{x=\"2\"}",
         "h_count{x=\"1,le=}\"}", "h_sum{x=\"2\"}"});
    EXPECT_THAT(
        given.planned(Format::openmetrics),
        ElementsAre("h histogram: h_bucket{le=\"+Inf\",x=\"1,le=}\"} h_sum{x=\"1,le=}\"} "
                    "h_count{x=\"1,le=}\"} h_bucket{le=\"2\",x=\"2\"} h_bucket{le=\"10\",x=\"2\"} "
                    "h_bucket{le=\"+Inf\",x=\"2\"} h_sum{x=\"2\"} h_count{x=\"2\"}"));
}

TEST(PagePlan, KnowsAMetricWithoutFurtherLabels) {
    Given given;
    given.family("h", MetricType::histogram, {"h_bucket{le=\"+Inf\"}", "h_sum", "h_count"})
        .family("s", MetricType::summary, {"s{a=\"b\",quantile=\"0.5\"}", "s_sum{a=\"b\"}"});
    EXPECT_THAT(given.planned(Format::openmetrics),
                ElementsAre("h histogram: h_bucket{le=\"+Inf\"} h_sum h_count",
                            "s summary: s{a=\"b\",quantile=\"0.5\"} s_sum{a=\"b\"}"));
}

TEST(PagePlan, TakesHistogramsApartThatOpenMetricsWouldRefuse) {
    Given given;
    given.family("a", MetricType::histogram, {"a_bucket{le=\"1\"}", "a_sum", "a_count"})
        .family("b", MetricType::histogram, {"b_bucket{le=\"+Inf\"}", "b_count"})
        .family("c", MetricType::histogram, {"c_bucket{le=\"x\"}"});
    EXPECT_THAT(given.planned(Format::openmetrics),
                ElementsAre("a_bucket unknown: a_bucket{le=\"1\"}", "a_count unknown: a_count",
                            "a_sum unknown: a_sum", "b_bucket unknown: b_bucket{le=\"+Inf\"}",
                            "b_count unknown: b_count", "c_bucket unknown: c_bucket{le=\"x\"}"));
    EXPECT_EQ(given.planned(Format::text).size(), 3u);
}

TEST(PagePlan, TakesFamiliesApartThatClaimOneSampleName) {
    Given given;
    given.family("h", MetricType::histogram, {"h_bucket{le=\"+Inf\"}", "h_sum", "h_count"})
        .family("h_count", MetricType::gauge, {"h_count{x=\"1\"}"})
        .family("c_total", MetricType::counter, {"c_total"})
        .family("c", MetricType::gauge, {"c"});
    EXPECT_THAT(given.planned(Format::text),
                ElementsAre("c gauge: c", "c_total counter: c_total",
                            "h_bucket untyped: h_bucket{le=\"+Inf\"}",
                            "h_count gauge: h_count{x=\"1\"} h_count", "h_sum untyped: h_sum"));
    EXPECT_THAT(given.planned(Format::openmetrics),
                ElementsAre("c gauge: c", "c_total unknown: c_total",
                            "h_bucket unknown: h_bucket{le=\"+Inf\"}",
                            "h_count gauge: h_count{x=\"1\"} h_count", "h_sum unknown: h_sum"));
}

TEST(PagePlan, PutsForeignSamplesUnderTheirOwnNames) {
    Given given;
    given.family("a", MetricType::gauge, {"a", "a_x", "b{y=\"1\"}"})
        .family("b", MetricType::gauge, {"b"});
    EXPECT_THAT(given.planned(Format::text),
                ElementsAre("a gauge: a", "a_x untyped: a_x", "b gauge: b b{y=\"1\"}"));
}

TEST(PagePlan, WritesInfoAndStateSetsWhereTheFormatHasThem) {
    Given given;
    given.family("v_info", MetricType::info, {"v_info{x=\"1\"}"})
        .family("s", MetricType::state_set, {"s{s=\"on\"}"})
        .family("g", MetricType::gauge_histogram, {"g_bucket{le=\"+Inf\"}", "g_gcount", "g_gsum"});
    EXPECT_THAT(given.planned(Format::openmetrics),
                ElementsAre("g gaugehistogram: g_bucket{le=\"+Inf\"} g_gsum g_gcount",
                            "s stateset: s{s=\"on\"}", "v info: v_info{x=\"1\"}"));
    EXPECT_THAT(given.planned(Format::text),
                ElementsAre("g histogram: g_bucket{le=\"+Inf\"}", "g_gcount untyped: g_gcount",
                            "g_gsum untyped: g_gsum", "s gauge: s{s=\"on\"}",
                            "v_info gauge: v_info{x=\"1\"}"));
}

}  // namespace
}  // namespace inferscope::exposition
