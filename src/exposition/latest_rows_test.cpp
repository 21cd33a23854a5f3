// SPDX-License-Identifier: Apache-2.0
#include "exposition/latest_rows.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/numbers.h"
#include "telemetry/row_writer.h"

namespace inferscope::exposition {
namespace {

FamilyPtr family(std::string name, MetricType type = MetricType::gauge, std::string help = {}) {
    return std::make_shared<const Family>(Family{std::move(name), type, std::move(help), {}});
}

Labels series(std::string_view name, std::string_view instance) {
    return Labels::from({{kMetricName, name}, {"instance", instance}});
}

Column column(const FamilyPtr& of, std::string_view instance, ShownOn page = ShownOn::metrics) {
    return {
        .labels = series(of->name, instance), .family = of, .shown_on = page, .second_names = {}};
}

std::string page_of(const LatestRows& rows, ShownOn page = ShownOn::metrics,
                    Format format = Format::text) {
    std::string out;
    rows.render(page, format, out);
    return out;
}

void append(LatestRows& rows, GroupId group, std::vector<double> values, Timestamp time = 1000) {
    EXPECT_TRUE(rows.append_row(group, {.time = time, .values = values, .changed = {}}));
}

TEST(LatestRows, ShowsTheNewestRowOfEachGroupUnderOneHeader) {
    LatestRows rows;
    const auto up = family("up", MetricType::gauge, "Answers.");
    const auto first = rows.open_group("one");
    const auto second = rows.open_group("two");
    rows.add_columns(first, std::vector{column(up, "a")});
    rows.add_columns(second, std::vector{column(family("up", MetricType::counter, "Other."), "b")});
    EXPECT_EQ(page_of(rows), "");
    append(rows, first, {1});
    append(rows, second, {0.5});
    append(rows, first, {0});
    EXPECT_EQ(
        page_of(rows),
        "# HELP up Answers.\n# TYPE up gauge\nup{instance=\"a\"} 0\nup{instance=\"b\"} 0.5\n");
    EXPECT_EQ(rows.samples_appended(), 3u);
    EXPECT_EQ(rows.series(), 2u);
    EXPECT_EQ(rows.groups(), 2u);
    EXPECT_EQ(page_of(rows, ShownOn::raw), "");
}

TEST(LatestRows, ShowsAColumnUnderItsSecondNameOnTheOtherPage) {
    LatestRows rows;
    const auto group = rows.open_group("engine");
    auto raw = column(family("vllm:x", MetricType::gauge), "a", ShownOn::raw);
    raw.second_names.push_back({series("gpustack:x", "a"), family("gpustack:x"), ShownOn::metrics});
    rows.add_columns(group, std::vector{raw});
    append(rows, group, {7});
    EXPECT_EQ(page_of(rows, ShownOn::raw), "# TYPE vllm:x gauge\nvllm:x{instance=\"a\"} 7\n");
    EXPECT_EQ(page_of(rows), "# TYPE gpustack:x gauge\ngpustack:x{instance=\"a\"} 7\n");
    EXPECT_EQ(rows.samples_appended(), 1u);
}

TEST(LatestRows, LeavesOutStaleSeriesAndGroupsInAGap) {
    LatestRows rows;
    const auto group = rows.open_group("one");
    rows.add_columns(group, std::vector{column(family("a"), "1"), column(family("b"), "1")});
    append(rows, group, {1, kStaleMarker});
    EXPECT_EQ(page_of(rows), "# TYPE a gauge\na{instance=\"1\"} 1\n");
    EXPECT_EQ(rows.samples_appended(), 1u);
    rows.append_gap(group, 2000);
    EXPECT_EQ(page_of(rows), "");
    append(rows, group, {3, kNormalNaN});
    EXPECT_EQ(page_of(rows),
              "# TYPE a gauge\na{instance=\"1\"} 3\n# TYPE b gauge\nb{instance=\"1\"} NaN\n");
}

TEST(LatestRows, GivesALabelSetToItsFirstOwnerAndCountsTheRest) {
    LatestRows rows;
    const auto first = rows.open_group("one");
    const auto second = rows.open_group("two");
    const std::vector columns{column(family("a"), "1")};
    rows.add_columns(first, columns);
    rows.add_columns(second, columns);
    append(rows, first, {1});
    append(rows, second, {2});
    EXPECT_EQ(page_of(rows), "# TYPE a gauge\na{instance=\"1\"} 1\n");
    EXPECT_EQ(rows.duplicates(), 1u);
    EXPECT_EQ(rows.series(), 1u);

    rows.close_group(first, 2000);
    EXPECT_EQ(page_of(rows), "");  // free, but nobody has announced it since
    rows.start_epoch(second);
    rows.add_columns(second, columns);
    append(rows, second, {2});
    EXPECT_EQ(page_of(rows), "# TYPE a gauge\na{instance=\"1\"} 2\n");
    EXPECT_EQ(rows.duplicates(), 1u);
    EXPECT_EQ(rows.groups(), 1u);
}

TEST(LatestRows, StartsAnEpochWithoutColumnsAndValues) {
    LatestRows rows;
    const auto group = rows.open_group("one");
    rows.add_columns(group, std::vector{column(family("a"), "1"), column(family("b"), "1")});
    append(rows, group, {1, 2});
    EXPECT_NE(page_of(rows), "");
    rows.start_epoch(group);
    EXPECT_EQ(page_of(rows), "");
    EXPECT_EQ(rows.series(), 0u);
    rows.add_columns(group, std::vector{column(family("b"), "1")});
    EXPECT_EQ(page_of(rows), "");
    append(rows, group, {5});
    EXPECT_EQ(page_of(rows), "# TYPE b gauge\nb{instance=\"1\"} 5\n");
}

TEST(LatestRows, AddsColumnsToTheRunningEpoch) {
    LatestRows rows;
    const auto group = rows.open_group("one");
    rows.add_columns(group, std::vector{column(family("b"), "1")});
    append(rows, group, {1});
    EXPECT_EQ(page_of(rows), "# TYPE b gauge\nb{instance=\"1\"} 1\n");
    rows.add_columns(group, std::vector{column(family("a"), "1"), column(family("b"), "2")});
    append(rows, group, {1, 2, 3});
    EXPECT_EQ(page_of(rows),
              "# TYPE a gauge\na{instance=\"1\"} 2\n# TYPE b gauge\nb{instance=\"1\"} "
              "1\nb{instance=\"2\"} 3\n");
}

TEST(LatestRows, WritesLegacyNamesOnly) {
    LatestRows rows;
    const auto group = rows.open_group("one");
    const auto odd = family("a.\xc3\xa4:b");
    rows.add_columns(
        group,
        std::vector<Column>{
            {.labels = Labels::from({{kMetricName, odd->name}, {"1.c", "\xc3\xa4"}, {"d", "e"}}),
             .family = odd,
             .shown_on = ShownOn::metrics,
             .second_names = {}}});
    append(rows, group, {1});
    EXPECT_EQ(page_of(rows), "# TYPE a__:b gauge\na__:b{__c=\"\xc3\xa4\",d=\"e\"} 1\n");
}

TEST(LatestRows, ShowsTimedSamplesWithTheirTimesUntilTheyAreNoLongerSent) {
    LatestRows rows;
    const auto group = rows.open_group("one");
    const std::vector<TimedSample> timed{
        {series("a", "1"), family("a"), ShownOn::raw, 1520879607789, 4}};
    append(rows, group, {});
    EXPECT_TRUE(rows.append_timed(group, timed));
    EXPECT_EQ(page_of(rows, ShownOn::raw), "# TYPE a gauge\na{instance=\"1\"} 4 1520879607789\n");
    EXPECT_EQ(page_of(rows, ShownOn::raw, Format::openmetrics),
              "# TYPE a gauge\na{instance=\"1\"} 4 1520879607.789\n# EOF\n");
    append(rows, group, {});
    EXPECT_NE(page_of(rows, ShownOn::raw), "");
    append(rows, group, {});
    EXPECT_EQ(page_of(rows, ShownOn::raw), "");
    EXPECT_TRUE(rows.append_timed(
        group, std::vector<TimedSample>{{series("b", "1"), family("b"), ShownOn::raw, 5, 6}}));
    EXPECT_EQ(rows.series(), 1u);
    EXPECT_EQ(page_of(rows, ShownOn::raw), "# TYPE b gauge\nb{instance=\"1\"} 6 5\n");
    rows.append_gap(group, 1);
    EXPECT_EQ(page_of(rows, ShownOn::raw), "");
    EXPECT_EQ(rows.samples_appended(), 2u);
}

TEST(LatestRows, WritesFarTimesAsWholeNumbersAndNoneBeyondWhatIsExact) {
    LatestRows rows;
    const auto group = rows.open_group("one");
    EXPECT_TRUE(rows.append_timed(
        group, std::vector<TimedSample>{
                   {series("a", "1"), family("a"), ShownOn::raw, 9'007'199'254'740'991, 1},
                   {series("a", "2"), family("a"), ShownOn::raw, -9'007'199'254'740'991, 2},
                   {series("a", "3"), family("a"), ShownOn::raw, 9'007'199'254'740'992, 3}}));
    const auto text = page_of(rows, ShownOn::raw);
    EXPECT_NE(text.find("a{instance=\"1\"} 1 9007199254740991\n"), std::string::npos) << text;
    EXPECT_NE(text.find("a{instance=\"2\"} 2 -9007199254740991\n"), std::string::npos) << text;
    EXPECT_EQ(text.find("instance=\"3\""), std::string::npos) << text;
    EXPECT_NE(page_of(rows, ShownOn::raw, Format::openmetrics).find(" 9007199254740.991\n"),
              std::string::npos);
}

TEST(LatestRows, WritesOpenMetrics) {
    LatestRows rows;
    const auto group = rows.open_group("one");
    const auto total = std::make_shared<const Family>(
        Family{"a_seconds_total", MetricType::counter, "Says \"a\".", "seconds"});
    rows.add_columns(
        group, std::vector{column(total, "1"), column(family("b", MetricType::counter), "1")});
    append(rows, group, {1, 2});
    EXPECT_EQ(
        page_of(rows, ShownOn::metrics, Format::openmetrics),
        "# HELP a_seconds Says \\\"a\\\".\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\n"
        "a_seconds_total{instance=\"1\"} 1\n# TYPE b unknown\nb{instance=\"1\"} 2\n# EOF\n");
    EXPECT_EQ(page_of(rows, ShownOn::raw, Format::openmetrics), "# EOF\n");
}

TEST(LatestRows, CarriesARowWriter) {
    LatestRows rows;
    {
        RowWriter writer(rows, "self", Labels::from({{"node", "n"}}));
        Histogram seconds({0.5});
        seconds.observe(0.25);
        seconds.write(writer, family("d_seconds", MetricType::histogram), {});
        ASSERT_TRUE(writer.flush(1000));
        EXPECT_EQ(page_of(rows),
                  "# TYPE d_seconds histogram\nd_seconds_bucket{le=\"0.5\",node=\"n\"} 1\n"
                  "d_seconds_bucket{le=\"+Inf\",node=\"n\"} 1\nd_seconds_sum{node=\"n\"} 0.25\n"
                  "d_seconds_count{node=\"n\"} 1\n");
    }
    EXPECT_EQ(rows.groups(), 0u);
    EXPECT_EQ(rows.series(), 0u);
}

TEST(LatestRows, RendersWholeRowsWhileGroupsComeAndGoOnOtherThreads) {
    LatestRows rows;
    constexpr int kRounds = 300;
    const auto work = [&rows](int thread) {
        const auto name = fmt::format("t{}", thread);
        for (int round = 0; round < kRounds; ++round) {
            const auto group = rows.open_group(name);
            rows.add_columns(group,
                             std::vector{column(family(name), "a"), column(family(name), "b")});
            append(rows, group, {1.0 * round, 1.0 * round});
            append(rows, group, {2.0 * round, 2.0 * round});
            rows.close_group(group, 0);
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back(work, i);
    for (int i = 0; i < kRounds; ++i) {
        const auto page = page_of(rows);
        LineReader reader(page, Format::text);
        std::optional<double> pair;  // both series of a group carry one number
        while (true) {
            const auto line = reader.next();
            ASSERT_TRUE(line);
            if (!*line) break;
            if ((**line).kind != Line::Kind::sample) continue;
            if (pair) {
                ASSERT_EQ(*pair, (**line).value);
                pair.reset();
            } else {
                pair = (**line).value;
            }
        }
        ASSERT_FALSE(pair);
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(rows.series(), 0u);
    EXPECT_EQ(rows.samples_appended(), 3u * kRounds * 4);
}

}  // namespace
}  // namespace inferscope::exposition
