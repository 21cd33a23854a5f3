// SPDX-License-Identifier: Apache-2.0
// The set of blocks against a model, through everything that happens to it.
#include "tsdb/block_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/log.h"
#include "tsdb/block_for_test.h"

namespace inferscope::tsdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Timestamp kHour = 3'600'000;

class BlocksTest : public testing::Test {
protected:
    BlocksTest() { log::set_level(static_cast<log::Level>(4)); }
    ~BlocksTest() override { log::set_level(log::Level::info); }

    void open() {
        blocks_.reset();
        auto opened = Blocks::open(files_, folder_, config_);
        ASSERT_TRUE(opened) << opened.error().text;
        blocks_ = *std::move(opened);
    }
    Result<void> add(std::span<const TestGroup> groups) {
        auto writer = blocks_->start_block(1);
        if (!writer) return writer.error();
        for (const auto& group : groups) group.write(**writer);
        return blocks_->add(*std::move(writer));
    }
    void add_to_both(const TestGroup& group) {
        const auto added = add({&group, 1});
        ASSERT_TRUE(added) << added.error().text;
        model_.add(group);
    }
    void compact_all() {
        for (;;) {
            const auto done = blocks_->compact(1);
            ASSERT_TRUE(done) << done.error().text;
            if (!*done) return;
        }
    }
    bool holds(std::span<const Matcher> matchers = {}, TimeRange times = {}) {
        BlockAnswers answers(matchers, times);
        answers.add(*blocks_);
        return answers.warnings.empty() && answers.series == model_.select(matchers, times);
    }
    /// `columns` series with a sample each minute, in [from, to).
    static TestGroup minutes(Timestamp from, Timestamp to, std::uint64_t columns,
                             double value = 1) {
        TestGroup group;
        for (Timestamp time = from; time < to; time += 60'000) group.times.push_back(time);
        for (std::uint64_t i = 0; i < columns; ++i) {
            group.names.push_back({i, RandomGroups::labels(i), {}});
            auto& column = group.columns.emplace_back();
            for (std::size_t row = 0; row < group.times.size(); ++row)
                column.emplace_back(value + static_cast<double>(row % 7));
        }
        return group;
    }
    [[nodiscard]] std::vector<std::uint32_t> numbers() const {
        std::vector<std::uint32_t> all;
        for (const auto& block : *blocks_->list()) all.push_back(block->meta().number);
        return all;
    }
    [[nodiscard]] std::vector<std::string> names() { return *files_.list(folder_); }

    MemoryFiles files_;
    std::string folder_ = "blocks";
    BlocksConfig config_;
    std::unique_ptr<Blocks> blocks_;
    BlockModel model_;
};

TEST_F(BlocksTest, AnswersAsTheModelThroughEverything) {
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
        RandomGroups random(seed);
        folder_ = "blocks" + std::to_string(seed);
        model_ = {};
        config_.range = Millis(1000);
        config_.retention = Millis(90'000);
        open();
        Timestamp now = 0;
        std::vector<TestGroup> before;
        for (int step = 0; step < 40; ++step) {
            switch (random.below(8)) {
                case 0:
                case 1:
                case 2: {
                    std::vector<TestGroup> groups;
                    const bool late = random.below(5) == 0;
                    const auto start = late ? now / 2 : now;
                    const bool again = !before.empty() && random.below(5) != 0;
                    for (const auto& group : before)
                        if (again)
                            groups.push_back(random.continued(group, start, start + 900, 300));
                    for (auto i = 1 + random.below(3); i > 0 && !again; --i)
                        groups.push_back(random.make(start, start + 900, 300, 6));
                    before = groups;
                    ASSERT_TRUE(add(groups));
                    for (const auto& group : groups) model_.add(group);
                    now += 1000;
                    break;
                }
                case 3:
                case 4: {
                    const auto done = blocks_->compact(1);
                    ASSERT_TRUE(done) << done.error().text;
                    break;
                }
                case 5: {
                    if (random.below(3) != 0) break;
                    const std::vector matchers{
                        Matcher::equal("le", std::to_string(random.below(7)))};
                    TimeRange times;
                    if (random.below(2) == 0) {
                        times.from = static_cast<Timestamp>(random.below(40'000));
                        times.to = times.from + 1500;
                    }
                    ASSERT_TRUE(blocks_->delete_series(matchers, times, 1));
                    model_.erase(matchers, times);
                    break;
                }
                case 6:
                    open();
                    break;
                default:
                    break;
            }
            ASSERT_TRUE(holds()) << "seed " << seed << " step " << step;
            const auto from = static_cast<Timestamp>(random.below(40'000));
            ASSERT_TRUE(holds(std::vector{Matcher::equal("le", "3")}, {from, from + 2000}));
        }
    }
}

TEST_F(BlocksTest, MergesGroupsOfTheSameSeriesIntoOne) {
    open();
    for (Timestamp start = 0; start < 8 * kHour; start += 2 * kHour)
        add_to_both(minutes(start, start + 2 * kHour, start < 4 * kHour ? 20 : 23));
    compact_all();
    ASSERT_THAT(*blocks_->list(), SizeIs(2));
    const auto& merged = blocks_->list()->front();
    EXPECT_EQ(merged->meta().level, 1u);
    EXPECT_THAT(merged->meta().replaces, ElementsAre(1, 2, 3));
    EXPECT_EQ(merged->meta().chunks, 1u);
    EXPECT_EQ((*merged->tables())->groups().size(), 1u);
    EXPECT_TRUE(holds());
}

TEST_F(BlocksTest, CopiesChunksThatAreLongEnough) {
    open();
    for (Timestamp start = 0; start < 9 * kHour; start += kHour) {
        auto group = minutes(start, start + kHour, 3);
        group.times.clear();
        for (auto& column : group.columns) column.assign(300, 1.0);
        for (int i = 0; i < 300; ++i) group.times.push_back(start + i * 12'000);
        add_to_both(group);
    }
    compact_all();
    const auto list = blocks_->list();
    EXPECT_EQ(list->front()->meta().times.to, 6 * kHour - 12'000);
    EXPECT_EQ(list->front()->meta().chunks, 6u);
    EXPECT_TRUE(holds());
}

TEST_F(BlocksTest, TheFirstOfTwoSamplesAtOneTimeHoldsThroughMerging) {
    open();
    add_to_both(minutes(0, kHour, 3, 100));
    add_to_both(minutes(2 * kHour, 3 * kHour, 3));
    add_to_both(minutes(-kHour, kHour, 3, 200));
    EXPECT_THAT(numbers(), ElementsAre(1, 2, 3));
    EXPECT_TRUE(holds());
    compact_all();
    EXPECT_TRUE(holds());
    EXPECT_THAT(*blocks_->list(), SizeIs(2));
}

TEST_F(BlocksTest, RetentionRemovesWholeBlocksByTheNewestSample) {
    config_.retention = Millis(10 * kHour);
    open();
    for (Timestamp start = 0; start < 8 * kHour; start += 2 * kHour)
        ASSERT_TRUE(add(std::vector{minutes(start, start + 2 * kHour, 2)}));
    ASSERT_TRUE(blocks_->apply_retention(12 * kHour - 60'000, 1));
    EXPECT_THAT(numbers(), ElementsAre(1, 2, 3, 4));
    ASSERT_TRUE(blocks_->apply_retention(12 * kHour, 1));
    EXPECT_THAT(numbers(), ElementsAre(2, 3, 4));
    EXPECT_THAT(names(), ElementsAre("00000002.block", "00000003.block", "00000004.block"));
}

TEST_F(BlocksTest, RetentionBySizeRemovesTheOldest) {
    open();
    for (Timestamp start = 0; start < 8 * kHour; start += 2 * kHour)
        ASSERT_TRUE(add(std::vector{minutes(start, start + 2 * kHour, 2)}));
    config_.retention_bytes = blocks_->stats().bytes - 1;
    open();
    ASSERT_TRUE(blocks_->apply_retention(8 * kHour, 1));
    EXPECT_THAT(numbers(), ElementsAre(2, 3, 4));
}

TEST_F(BlocksTest, RetentionByMatcherKeepsTheseSeries) {
    config_.retention = Millis(kHour);
    config_.keep_longer = {{{Matcher::equal(std::string(kMetricName), "up")}, Millis(5 * kHour)}};
    open();
    add_to_both(minutes(0, kHour, 12));
    model_.erase(std::vector{Matcher::not_equal(std::string(kMetricName), "up")}, {});
    ASSERT_TRUE(blocks_->apply_retention(3 * kHour, 1));
    EXPECT_THAT(numbers(), ElementsAre(2));
    EXPECT_TRUE(holds());
    ASSERT_TRUE(blocks_->apply_retention(3 * kHour, 1));
    EXPECT_THAT(numbers(), ElementsAre(2)) << "once is enough";
    ASSERT_TRUE(blocks_->apply_retention(7 * kHour, 1));
    EXPECT_THAT(numbers(), IsEmpty());
}

TEST_F(BlocksTest, AColumnGoesWithItsLastName) {
    open();
    TestGroup group = minutes(0, kHour, 2);
    const auto second = Labels::from({{kMetricName, "gpustack:tokens"}});
    group.names.insert(group.names.begin() + 1, {0, second, {}});
    add_to_both(group);
    const auto remove = [&](const Labels& labels) {
        std::vector<Matcher> matchers;
        for (const auto& label : labels)
            matchers.push_back(Matcher::equal(std::string(label.name), std::string(label.value)));
        ASSERT_TRUE(blocks_->delete_series(matchers, {}, 1));
        model_.erase(matchers, {});
        EXPECT_TRUE(holds());
    };
    remove(RandomGroups::labels(0));
    EXPECT_EQ(blocks_->stats().samples, 120u);
    remove(second);
    EXPECT_EQ(blocks_->stats().samples, 60u);
    remove(RandomGroups::labels(1));
    EXPECT_THAT(names(), IsEmpty());
}

TEST_F(BlocksTest, WhatIsDeletedInsideOfABlockIsGoneFromTheDisk) {
    open();
    add_to_both(minutes(0, kHour, 3));
    const std::vector matchers{Matcher::equal("le", "1")};
    const TimeRange times{600'000, 1'200'000};
    ASSERT_TRUE(blocks_->delete_series(matchers, times, 1));
    model_.erase(matchers, times);
    EXPECT_TRUE(holds());
    EXPECT_EQ(blocks_->stats().samples, 180u - 11u);
    ASSERT_TRUE(blocks_->delete_series(matchers, times, 1));
    EXPECT_THAT(numbers(), ElementsAre(2)) << "nothing was left to do";
}

TEST_F(BlocksTest, ARewrittenBlockKeepsItsPriority) {
    open();
    add_to_both(minutes(0, kHour, 3, 100));
    add_to_both(minutes(0, kHour, 2, 200));
    const std::vector matchers{Matcher::equal("le", "2")};
    ASSERT_TRUE(blocks_->delete_series(matchers, {}, 1));
    model_.erase(matchers, {});
    EXPECT_THAT(numbers(), ElementsAre(3, 2));
    EXPECT_TRUE(holds());
    open();
    EXPECT_TRUE(holds());
}

TEST_F(BlocksTest, NoGroupOvertakesAnotherOfItsSeries) {
    open();
    for (const Timestamp start : {Timestamp{0}, 2 * kHour, 7 * kHour}) {
        const bool swap = start > 0;  // the second block has them in the other order
        std::vector groups{minutes(start, start + kHour, 2, 100), minutes(start, start + kHour, 1)};
        groups[1].names[0].labels = groups[0].names[1].labels;
        if (swap) std::swap(groups[0], groups[1]);
        ASSERT_TRUE(add(groups));
        for (const auto& group : groups) model_.add(group);
    }
    compact_all();
    EXPECT_THAT(*blocks_->list(), SizeIs(2));
    EXPECT_TRUE(holds());
}

TEST_F(BlocksTest, SnapshotsByLinksOrCopiesAreTheSame) {
    open();
    add_to_both(minutes(0, kHour, 5));
    for (const bool refuse : {false, true}) {
        const std::string target = refuse ? "copies" : "links";
        files_.refuse_links(refuse);
        ASSERT_TRUE(blocks_->snapshot(target));
        EXPECT_EQ(files_.bytes(target + "/00000001.block"), files_.bytes("blocks/00000001.block"));
    }
    ASSERT_TRUE(blocks_->delete_series({}, {}, 1));
    const auto copy = Blocks::open(files_, "links", config_);
    ASSERT_TRUE(copy);
    BlockAnswers answers;
    answers.add(**copy);
    EXPECT_TRUE(answers.series == model_.series);
}

}  // namespace
}  // namespace inferscope::tsdb
