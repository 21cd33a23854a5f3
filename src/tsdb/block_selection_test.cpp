// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_selection.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tsdb/block_for_test.h"

namespace inferscope::tsdb {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

Labels le(std::string_view value) { return Labels::from({{kMetricName, "a"}, {"le", value}}); }

class BlockSelectionTest : public testing::Test {
protected:
    void SetUp() override {
        auto opened = Blocks::open(files_, "blocks", {});
        ASSERT_TRUE(opened);
        blocks_ = std::move(*opened);
    }
    void add(const std::vector<TestGroup>& groups) {
        auto writer = blocks_->start_block(0);
        ASSERT_TRUE(writer);
        for (const auto& group : groups) group.write(**writer);
        ASSERT_TRUE(blocks_->add(*std::move(writer)));
    }
    Selection read(TimeRange times = {0, 1000}) {
        const auto list = blocks_->list();
        BlockSelection selection(times, SIZE_MAX);
        for (const auto& block : *list) selection.add(*block, {});
        return *selection.read();
    }
    static std::string text(const Selection& selection, const Labels& labels) {
        std::string out;
        for (const auto& series : selection.series) {
            if (series.labels != labels) continue;
            for (const auto& [time, value] : selection.samples(series))
                out += fmt::format("{}{}={}", out.empty() ? "" : " ", time, value);
        }
        return out;
    }

    MemoryFiles files_;
    std::unique_ptr<Blocks> blocks_;
};

TEST_F(BlockSelectionTest, WhatOtherBlocksContinueIsContinuedInTheSameRows) {
    const std::vector<ColumnName> names{{0, le("1"), {}}, {1, le("2"), {}}};
    add({{{30, 40}, names, {{3.0, 4.0}, {33.0, std::nullopt}}}});
    add({{{10, 20}, names, {{1.0, 2.0}, {11.0, 22.0}}}});
    add({{{50, 60}, names, {{5.0, 6.0}, {55.0, 66.0}}}});
    const auto all = read();
    ASSERT_THAT(all.rows, SizeIs(1));
    EXPECT_THAT(all.rows[0].times(), ElementsAre(10, 20, 30, 40, 50, 60));
    ASSERT_THAT(all.series, SizeIs(2));
    EXPECT_THAT(all.series[1].parts, SizeIs(1));
    EXPECT_EQ(text(all, le("1")), "10=1 20=2 30=3 40=4 50=5 60=6");
    EXPECT_EQ(text(all, le("2")), "10=11 20=22 30=33 50=55 60=66");

    const auto some = read({20, 50});
    ASSERT_THAT(some.rows, SizeIs(1));
    EXPECT_THAT(some.rows[0].times(), ElementsAre(20, 30, 40, 50));
}

TEST_F(BlockSelectionTest, GroupsThatFollowEachOtherInABlockAreSameRows) {
    const std::vector<ColumnName> names{{0, le("1"), {}}};
    add({{{10, 20}, names, {{1.0, 2.0}}}, {{30, 40}, names, {{3.0, 4.0}}}});
    add({{{50}, names, {{5.0}}}, {{60, 70}, names, {{6.0, 7.0}}}});
    const auto all = read();
    EXPECT_THAT(all.rows, SizeIs(1));
    EXPECT_EQ(text(all, le("1")), "10=1 20=2 30=3 40=4 50=5 60=6 70=7");
}

TEST_F(BlockSelectionTest, OtherColumnsOrWindowsAreRowsOfTheirOwn) {
    add({{{10}, {{0, le("1"), {}}, {1, le("2"), {}}}, {{1.0}, {2.0}}}});
    add({{{20}, {{0, le("1"), {}}}, {{3.0}}}});
    add({{{30}, {{0, le("1"), {}}, {0, le("one"), {}}}, {{4.0}}}});
    add({{{40, 50}, {{0, le("1"), {0, 40}}, {0, le("late"), {50, 60}}}, {{5.0, 6.0}}}});
    const auto all = read();
    EXPECT_THAT(all.rows, SizeIs(4));
    EXPECT_EQ(text(all, le("1")), "10=1 20=3 30=4 40=5");
    EXPECT_EQ(text(all, le("2")), "10=2");
    EXPECT_EQ(text(all, le("one")), "30=4");
    EXPECT_EQ(text(all, le("late")), "50=6");
}

TEST_F(BlockSelectionTest, WhatComesFirstHoldsThoughLaterBlocksContinue) {
    const std::vector<ColumnName> names{{0, le("1"), {}}};
    add({{{10, 20}, names, {{1.0, 2.0}}}});
    add({{{20, 30}, names, {{-2.0, 3.0}}}});
    add({{{25, 30}, names, {{2.5, -3.0}}}});
    EXPECT_EQ(text(read(), le("1")), "10=1 20=2 25=2.5 30=3");
}

}  // namespace
}  // namespace inferscope::tsdb
