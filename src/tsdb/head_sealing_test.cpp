// SPDX-License-Identifier: Apache-2.0
// Full tiles are sealed by whoever brings the next row; what this mustn't change, and what waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tsdb/head.h"
#include "tsdb/tile.h"

namespace inferscope::tsdb {
namespace {

using testing::SizeIs;

constexpr Millis kRange{2 * 60 * 60 * 1000};
constexpr auto kRows = static_cast<Timestamp>(kTileRows);

GroupId open(Head& head, std::size_t columns) {
    const GroupId group = head.open_group("test");
    std::vector<Column> all;
    for (std::size_t i = 0; i < columns; ++i) {
        const auto number = std::to_string(i);
        all.push_back({.labels = Labels::from({{kMetricName, "metric"}, {"n", number}}),
                       .family = {},
                       .second_names = {}});
    }
    head.add_columns(group, all);
    return group;
}

/// In each row the columns have its time as value.
void append_rows(Head& head, GroupId group, std::size_t columns, Timestamp from, Timestamp to) {
    for (Timestamp time = from; time <= to; ++time) {
        const std::vector<double> values(columns, static_cast<double>(time));
        ASSERT_TRUE(head.append_row(group, {.time = time, .values = values, .changed = {}}));
    }
}

VerdictCounts append_cells(Head& head, GroupId group, Timestamp time, std::vector<Cell> cells) {
    return *head.append_cells(group, time, cells);
}

void expect_all(const Head& head, std::size_t columns, Timestamp to) {
    const auto all = head.select({}, kNever, kForever);
    ASSERT_THAT(all, SizeIs(columns));
    for (const auto& series : all) {
        ASSERT_THAT(series.samples, SizeIs(to));
        for (Timestamp time = 1; time <= to; ++time) {
            EXPECT_EQ(series.samples[std::size_t(time) - 1].time, time);
            EXPECT_EQ(series.samples[std::size_t(time) - 1].value, double(time));
        }
    }
}

TEST(HeadSealing, LeavesNothingToTheBackground) {
    Head head;
    const GroupId group = open(head, 5);
    append_rows(head, group, 5, 1, 5 * kRows);
    EXPECT_EQ(head.stats().memory.chunks, 5u);  // four, and the open tile
    EXPECT_EQ(head.seal(), 0u);
    expect_all(head, 5, 5 * kRows);
}

TEST(HeadSealing, TakesNoMoreMemoryForMoreRowsThatAreTheSame) {
    Head head;
    const GroupId group = open(head, 400);
    const std::vector<double> values(400, 5.0);
    std::size_t settled = 0;
    for (Timestamp time = 1; time <= 10 * kRows; ++time) {
        ASSERT_TRUE(head.append_row(group, {.time = time, .values = values, .changed = {}}));
        if (time == kRows) settled = head.stats().memory.bytes;
    }
    EXPECT_LE(head.stats().memory.bytes, settled + 9 * 400 * 8);  // short chunks, a header each
}

TEST(HeadSealing, MergesShortChunksInTheBackground) {
    Head head;
    const GroupId group = open(head, 5);
    append_rows(head, group, 5, 1, 1000 * kRows);
    EXPECT_EQ(head.stats().memory.chunks, 1000u);
    EXPECT_GT(head.seal(), 0u);
    EXPECT_LE(head.stats().memory.chunks, 112u);
    EXPECT_EQ(head.seal(), 0u);
    expect_all(head, 5, 1000 * kRows);
}

TEST(HeadSealing, LeavesLargeGroupsToTheBackground) {
    Head head;
    const GroupId group = open(head, 3000);
    append_rows(head, group, 3000, 1, 2 * kRows + 1);
    EXPECT_EQ(head.seal(), 2u);
    append_rows(head, group, 3000, 2 * kRows + 2, 3 * kRows + 1);
    EXPECT_EQ(head.seal(), 1u);
    expect_all(head, 3000, 3 * kRows + 1);
}

TEST(HeadSealing, KeepsWhatFillsTilesDuringACut) {
    for (const bool fails : {false, true}) {
        Head head;
        const GroupId group = open(head, 5);
        append_rows(head, group, 5, 1, 2 * kRows + 3);
        const auto done = head.cut(kRange, [&](const HeadCut&) -> Result<void> {
            append_rows(head, group, 5, 2 * kRows + 4, 6 * kRows);
            expect_all(head, 5, 6 * kRows);
            return fails ? Result<void>(Error{Errc::no_space, "full"}) : Result<void>();
        });
        EXPECT_EQ(done.has_value(), !fails);
        append_rows(head, group, 5, 6 * kRows + 1, 8 * kRows);
        head.seal();
        append_rows(head, group, 5, 8 * kRows + 1, 10 * kRows);
        if (fails) {
            expect_all(head, 5, 10 * kRows);
            continue;
        }
        for (const auto& series : head.select({}, kNever, kForever)) {
            EXPECT_THAT(series.samples, SizeIs(8 * kRows - 3));
            EXPECT_EQ(series.samples.front().time, 2 * kRows + 4);
        }
    }
}

TEST(HeadSealing, WaitsForPiecesOfTheNewestRows) {
    Head head;
    const GroupId group = open(head, 2);
    Timestamp time = 1;
    for (; time <= 10 * kRows; ++time) {
        append_cells(head, group, time, {{0, double(time)}});
        if (time > 3) append_cells(head, group, time - 3, {{1, double(time - 3)}});
    }
    for (Timestamp last = time - 3; last < time; ++last)
        append_cells(head, group, last, {{1, double(last)}});
    expect_all(head, 2, 10 * kRows);
    const auto selection = *head.read({}, kNever, kForever, 1'000'000);
    EXPECT_THAT(selection.rows, SizeIs(1)) << "no piece came too late for its row";
}

TEST(HeadSealing, JudgesCellsByTheirColumnsLastOneWhereverItIs) {
    Head head(HeadConfig{.out_of_order_window = Millis(0)});
    const GroupId group = open(head, 3);
    append_cells(head, group, 1, {{0, 1}, {1, 1}, {2, 1}});
    append_cells(head, group, 2, {{0, 2}, {1, 2}});
    for (Timestamp time = 3; time <= 3 * kRows; ++time)
        append_cells(head, group, time, {{0, double(time)}});
    const auto verdicts = [&](Timestamp time, std::uint32_t column, double value) {
        return append_cells(head, group, time, {{column, value}});
    };
    EXPECT_EQ(verdicts(1, 1, 1)[Verdict::out_of_order], 1u);
    EXPECT_EQ(verdicts(2, 1, 2)[Verdict::known], 1u);
    EXPECT_EQ(verdicts(2, 1, 3)[Verdict::duplicate], 1u);
    EXPECT_EQ(verdicts(1, 2, 5)[Verdict::duplicate], 1u);
    EXPECT_EQ(verdicts(2, 2, 5)[Verdict::taken], 1u);
    EXPECT_EQ(verdicts(3 * kRows, 0, 1)[Verdict::duplicate], 1u);
    EXPECT_EQ(verdicts(kRows, 0, 1)[Verdict::out_of_order], 1u);
    EXPECT_EQ(verdicts(3, 1, 3)[Verdict::taken], 1u);
}

}  // namespace
}  // namespace inferscope::tsdb
