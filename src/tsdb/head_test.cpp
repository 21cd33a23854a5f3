// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "base/numbers.h"

namespace inferscope::tsdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Labels name(std::string_view metric) { return Labels::from({{kMetricName, metric}}); }
Labels numbered(int i) {
    const auto number = fmt::format("{}", i);
    return Labels::from({{kMetricName, "metric"}, {"n", number}});
}
Column column(const Labels& labels) { return {.labels = labels, .family = {}, .second_names = {}}; }

GroupId open(Head& head, std::initializer_list<std::string_view> metrics) {
    const GroupId group = head.open_group("test");
    for (const auto metric : metrics) head.add_columns(group, std::vector{column(name(metric))});
    return group;
}
Result<void> row(Head& head, GroupId group, Timestamp time, std::vector<double> values) {
    return head.append_row(group, {time, values, {}});
}
Result<void> timed(Head& head, GroupId group, const Labels& labels, Timestamp time, double value) {
    const TimedSample sample{labels, nullptr, ShownOn::raw, time, value};
    return head.append_timed(group, std::span(&sample, 1));
}
/// "TIME=VALUE ..." of one series; "S" is a stale marker.
std::string text(const Head& head, std::string_view metric, Timestamp from = kNever,
                 Timestamp to = kForever) {
    std::string out;
    const std::vector matchers{Matcher::equal(std::string(kMetricName), std::string(metric))};
    for (const auto& series : head.select(matchers, from, to)) {
        for (const auto& [time, value] : series.samples) {
            const auto shown = is_stale_marker(value) ? "S" : format_number(value);
            out += fmt::format("{}{}={}", out.empty() ? "" : " ", time, shown);
        }
    }
    return out;
}

TEST(Head, MarksTheEndOfASeriesOnce) {
    Head head;
    const GroupId group = open(head, {"a", "b"});
    ASSERT_TRUE(row(head, group, 1, {kStaleMarker, 1}));
    ASSERT_TRUE(row(head, group, 2, {5, 2}));
    ASSERT_TRUE(row(head, group, 3, {kStaleMarker, 3}));
    ASSERT_TRUE(row(head, group, 4, {kStaleMarker, 4}));
    head.append_gap(group, 5);
    head.append_gap(group, 6);
    ASSERT_TRUE(row(head, group, 7, {6, 7}));
    EXPECT_EQ(text(head, "a"), "2=5 3=S 7=6");
    EXPECT_EQ(text(head, "b"), "1=1 2=2 3=3 4=4 5=S 7=7");
    EXPECT_EQ(text(head, "b", 2, 4), "2=2 3=3 4=4");
}

TEST(Head, RefusesInPrometheussWords) {
    Head head(HeadConfig{.out_of_order_window = Millis(10)});
    const GroupId group = open(head, {"a"});
    ASSERT_TRUE(row(head, group, 100, {1}));
    EXPECT_TRUE(row(head, group, 95, {2}));
    EXPECT_TRUE(row(head, group, 95, {2}));
    EXPECT_THAT(row(head, group, 95, {3}).error().text,
                HasSubstr("duplicate sample for timestamp"));
    EXPECT_TRUE(row(head, group, 100, {1}));
    EXPECT_THAT(row(head, group, 100, {2}).error().text,
                HasSubstr("duplicate sample for timestamp"));
    EXPECT_THAT(row(head, group, 89, {2}).error().text, HasSubstr("out of order sample"));
    EXPECT_THAT(row(head, group, Timestamp{1} << 60, {2}).error().text, HasSubstr("out of bounds"));
    EXPECT_EQ(text(head, "a"), "95=2 100=1");
    const auto counts = head.stats().samples;
    EXPECT_EQ(counts[Verdict::taken], 2u);
    EXPECT_EQ(counts[Verdict::known], 2u);
    EXPECT_EQ(counts[Verdict::duplicate], 2u);
    EXPECT_EQ(counts[Verdict::out_of_order], 1u);
    EXPECT_EQ(counts[Verdict::out_of_bounds], 1u);
}

TEST(Head, TakesASampleNewerThanItsOwnSeriesHoweverOldForOthers) {
    Head head(HeadConfig{.out_of_order_window = Millis(10)});
    const GroupId group = open(head, {"a", "b"});
    ASSERT_TRUE(row(head, group, 100, {1, 1}));
    ASSERT_TRUE(row(head, group, 5000, {2, kStaleMarker}));
    ASSERT_TRUE(row(head, group, 6000, {3, kStaleMarker}));
    ASSERT_TRUE(row(head, group, 5500, {4, 4}));
    EXPECT_EQ(text(head, "a"), "100=1 5000=2 6000=3");
    EXPECT_EQ(text(head, "b"), "100=1 5000=S 5500=4");
}

TEST(Head, PublishesAColumnUnderItsSecondNames) {
    Head head;
    const GroupId group = head.open_group("test");
    Column both = column(name("a"));
    both.second_names.push_back({name("b"), nullptr, ShownOn::metrics});
    head.add_columns(group, std::vector{both});
    ASSERT_TRUE(row(head, group, 1, {7}));
    EXPECT_EQ(text(head, "a"), "1=7");
    EXPECT_EQ(text(head, "b"), "1=7");
    EXPECT_EQ(head.stats().series, 2u);
    EXPECT_EQ(head.stats().samples[Verdict::taken], 1u);
}

TEST(Head, LeavesALabelSetToItsOwnerUntilThatEnds) {
    Head head;
    const GroupId owner = open(head, {"a"});
    const GroupId other = open(head, {"a"});
    EXPECT_EQ(head.stats().names_owned_elsewhere, 1u);
    ASSERT_TRUE(row(head, owner, 1, {1}));
    ASSERT_TRUE(row(head, other, 2, {2}));
    EXPECT_EQ(text(head, "a"), "1=1");
    head.close_group(owner, 3);
    ASSERT_TRUE(row(head, other, 4, {4}));
    EXPECT_EQ(text(head, "a"), "1=1 3=S");
    head.start_epoch(other);
    head.add_columns(other, std::vector{column(name("a"))});
    ASSERT_TRUE(row(head, other, 5, {5}));
    EXPECT_EQ(text(head, "a"), "1=1 3=S 5=5");
}

TEST(Head, EndsWhatANewEpochDoesntAnnounce) {
    Head head;
    const GroupId group = open(head, {"a", "b"});
    ASSERT_TRUE(row(head, group, 1, {1, 2}));
    head.start_epoch(group);
    head.add_columns(group, std::vector{column(name("b"))});
    ASSERT_TRUE(row(head, group, 2, {3}));
    EXPECT_EQ(text(head, "a"), "1=1 2=S");
    EXPECT_EQ(text(head, "b"), "1=2 2=3");
}

TEST(Head, NamesTheBoundThatIsPassedAndItsSetting) {
    Head head(
        HeadConfig{.max_groups = 1, .max_columns = 1, .max_series = 2, .max_label_set_bytes = 64});
    const GroupId group = open(head, {"a", "b"});
    EXPECT_TRUE(row(head, group, 1, {1, 2}));
    EXPECT_EQ(text(head, "b"), "");
    const GroupId second = open(head, {"c"});
    EXPECT_THAT(row(head, second, 1, {}).error().text, HasSubstr("storage.max_groups"));
    EXPECT_THAT(timed(head, group, name(std::string(65, 'x')), 1, 1).error().text,
                HasSubstr("storage.max_label_set_bytes is 64"));
    EXPECT_TRUE(timed(head, group, name("d"), 1, 1));
    EXPECT_THAT(timed(head, group, name("e"), 1, 1).error().text, HasSubstr("storage.max_series"));
    EXPECT_EQ(head.stats().refused_by_bounds, 4u);
}

TEST(Head, AnswersTheSameForRowsAndForSamplesByThemselves) {
    constexpr int kColumns = 7;
    Head rows;
    Head singles;
    const GroupId group = rows.open_group("rows");
    const GroupId sender = singles.open_group("singles");
    for (int i = 0; i < kColumns; ++i) rows.add_columns(group, std::vector{column(numbered(i))});
    std::mt19937 random(1);
    for (Timestamp time = 1000; time < 1'000'000; time += 1000) {
        std::vector<double> values(kColumns);
        for (auto& value : values) value = static_cast<double>(random() % 1000) / 8;
        ASSERT_TRUE(row(rows, group, time, values));
        for (int i = 0; i < kColumns; ++i)
            ASSERT_TRUE(timed(singles, sender, numbered(i), time, values[std::size_t(i)]));
        if (random() % 50 == 0) rows.seal();
        if (random() % 50 == 0) singles.seal();
    }
    const auto expected = rows.select({}, 5000, 900'000);
    const auto answered = singles.select({}, 5000, 900'000);
    ASSERT_EQ(answered.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(answered[i].labels, expected[i].labels);
        EXPECT_TRUE(std::ranges::equal(answered[i].samples, expected[i].samples,
                                       [](const Sample& a, const Sample& b) {
                                           return a.time == b.time && same_bits(a.value, b.value);
                                       }));
    }
}

TEST(Head, ReadsAGroupsTimesOnceForAllItsColumns) {
    Head head;
    const GroupId group = open(head, {"a", "b"});
    for (Timestamp time = 1; time <= 100; ++time)
        ASSERT_TRUE(row(head, group, time, {1.0, time == 50 ? kStaleMarker : 2.0}));
    head.seal();
    const auto selection = *head.read({}, 11, 90, 160);
    EXPECT_EQ(head.read({}, 11, 90, 159).error().code, Errc::limit_exceeded);
    ASSERT_EQ(selection.rows.size(), 1u);
    const auto& rows = selection.rows.front();
    EXPECT_EQ(rows.times().size(), 80u);
    ASSERT_EQ(rows.columns(), 2u);
    EXPECT_TRUE(rows.is_whole(0));
    EXPECT_EQ(rows.values(1).size(), 80u);
    EXPECT_EQ(selection.series.size(), 2u);
}

TEST(Head, ForgetsSeriesWithoutSamples) {
    Head head;
    const GroupId group = open(head, {"a"});
    ASSERT_TRUE(row(head, group, 100, {1}));
    for (int i = 0; i < 3000; ++i) ASSERT_TRUE(timed(head, group, numbered(i), i, 1));
    head.seal_idle(kForever);
    head.forget_before(2990);
    EXPECT_EQ(head.stats().series, 11u);  // the group's own is still announced
    EXPECT_EQ(head.stats().singles, 10u);
    EXPECT_EQ(text(head, "a"), "");
    EXPECT_THAT(timed(head, group, numbered(1), 2000, 1).error().text, HasSubstr("out of bounds"));
    head.close_group(group, 3000);
    head.forget_before(4000);
    EXPECT_EQ(head.stats().series, 0u);
    EXPECT_EQ(head.stats().epochs, 0u);
}

TEST(Head, StaysFlatWhileSeriesComeAndGo) {
    Head head;
    const GroupId group = head.open_group("churn");
    std::size_t settled = 0;
    for (int round = 0; round < 30; ++round) {
        for (int i = 0; i < 2000; ++i)
            ASSERT_TRUE(timed(head, group, numbered(round * 2000 + i), round * 100, 1));
        head.forget_before((round - 1) * 100);
        if (round == 10) settled = head.stats().memory.bytes;
    }
    EXPECT_EQ(head.stats().series, 4000u);
    EXPECT_LT(head.stats().memory.bytes, settled + settled / 2);
}

TEST(Head, TellsLabelsAndFamilies) {
    Head head;
    const GroupId group = head.open_group("test");
    Column known = column(numbered(1));
    known.family = std::make_shared<const Family>(Family{"metric", MetricType::gauge, "Help.", ""});
    head.add_columns(group, std::vector{known, column(numbered(2))});
    ASSERT_TRUE(row(head, group, 10, {1, kStaleMarker}));
    EXPECT_THAT(head.label_names({}, 0, kForever), ElementsAre(kMetricName, "n"));
    EXPECT_THAT(head.label_values("n", {}, 0, kForever), ElementsAre("1"));
    EXPECT_THAT(head.label_values("n", {}, 0, 9), IsEmpty()) << "none has begun yet";
    EXPECT_THAT(head.series({}, 0, kForever), ElementsAre(numbered(1)));
    EXPECT_THAT(head.series({}, 0, 9), IsEmpty()) << "none has begun yet";
    ASSERT_EQ(head.families("metric").size(), 1u);
    EXPECT_EQ(head.families().front()->help, "Help.");
    EXPECT_THAT(head.families("other"), IsEmpty());
}

TEST(Head, KeepsTheNewestExemplars) {
    Head head(HeadConfig{.max_exemplars = 2});
    const GroupId group = open(head, {"a", "b"});
    const auto exemplar = [](std::uint32_t of, std::string_view trace, Timestamp time) {
        return Exemplar{of, Labels::from({{"trace_id", trace}}), 1, time};
    };
    head.append_exemplars(group, std::vector{exemplar(0, "x", 1), exemplar(1, "y", 2)});
    head.append_exemplars(group, std::vector{exemplar(1, "y", 2)});  // the page repeats it
    EXPECT_EQ(head.exemplars({}, 0, 10).size(), 2u);
    head.append_exemplars(group, std::vector{exemplar(1, "z", 3)});
    const auto found = head.exemplars({}, 0, 10);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].series, name("b"));
    EXPECT_EQ(found[1].labels.get("trace_id"), "z");
    EXPECT_THAT(head.exemplars(std::vector{Matcher::equal("__name__", "a")}, 0, 10), IsEmpty());
}

TEST(Head, IsUsedByThreadsAtOnce) {
    constexpr int kRows = 400;
    Head head;
    std::atomic<int> writers = 3;
    const auto write_rows = [&](int first) {
        const GroupId group = head.open_group("rows");
        for (int i = 0; i < 5; ++i)
            head.add_columns(group, std::vector{column(numbered(first + i))});
        for (int i = 1; i <= kRows; ++i) EXPECT_TRUE(row(head, group, i, {1, 2, 3, 4, double(i)}));
        --writers;
    };
    const auto write_singles = [&] {
        const GroupId group = head.open_group("singles");
        for (int i = 1; i <= kRows; ++i) {
            for (int series = 100; series < 105; ++series)
                EXPECT_TRUE(timed(head, group, numbered(series), i, i));
        }
        --writers;
    };
    std::vector<std::thread> threads;
    threads.emplace_back(write_rows, 0);
    threads.emplace_back(write_rows, 10);
    threads.emplace_back(write_singles);
    threads.emplace_back([&] {
        while (writers > 0) {
            head.seal();
            head.seal_idle(10);
            head.forget_before(0);
            std::this_thread::yield();
        }
    });
    threads.emplace_back([&] {
        while (writers > 0) {
            for (const auto& series : head.select({}, 0, kRows)) {
                Timestamp time = 1;
                for (const auto& sample : series.samples) EXPECT_EQ(sample.time, time++);
            }
            std::this_thread::yield();
        }
    });
    for (auto& thread : threads) thread.join();
    const auto all = head.select({}, 0, kRows);
    EXPECT_EQ(all.size(), 15u);
    for (const auto& series : all) EXPECT_EQ(series.samples.size(), std::size_t{kRows});
}

}  // namespace
}  // namespace inferscope::tsdb
