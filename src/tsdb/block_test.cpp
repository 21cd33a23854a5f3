// SPDX-License-Identifier: Apache-2.0
// One block: what is written is read, bit for bit.
#include "tsdb/block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tsdb/block_for_test.h"

namespace inferscope::tsdb {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class BlockTest : public testing::Test {
protected:
    std::unique_ptr<BlockWriter> start() {
        const auto number = ++last_number_;
        return *BlockWriter::create(
            files_, folder_.path,
            {.number = number, .origin = number, .created = 5, .times = {}, .replaces = {}});
    }
    BlockPtr finish(std::unique_ptr<BlockWriter> writer) {
        const auto meta = writer->finish();
        EXPECT_TRUE(meta) << meta.error().text;
        auto block = Block::open(folder_, writer->number());
        EXPECT_TRUE(block) << block.error().text;
        EXPECT_EQ((*block)->meta(), *meta);
        return *block;
    }

    std::uint32_t last_number_ = 0;
    MemoryFiles files_;
    BlockFolder folder_{files_, "blocks", BlocksConfig()};
};

TEST_F(BlockTest, GivesBackWhatWasWrittenBitForBit) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        RandomGroups random(seed);
        BlockModel model;
        auto writer = start();
        for (std::uint64_t groups = 1 + random.below(6); groups > 0; --groups) {
            const auto from = static_cast<Timestamp>(random.below(5000)) - 1000;
            const auto group = random.make(from, from + 5000, 1300, 12);
            group.write(*writer);
            model.add(group);
        }
        if (writer->empty()) continue;
        const auto block = finish(std::move(writer));
        for (int query = 0; query < 10; ++query) {
            TimeRange times;
            if (query > 0) {
                times.from = static_cast<Timestamp>(random.below(9000)) - 2000;
                times.to = times.from + static_cast<Timestamp>(random.below(4000));
            }
            std::vector<Matcher> matchers;
            if (query > 3) matchers.push_back(Matcher::equal("le", std::to_string(query - 3)));
            BlockAnswers answers(matchers, times);
            answers.add(*block);
            ASSERT_TRUE(answers.series == model.select(matchers, times)) << "seed " << seed;
            ASSERT_THAT(answers.warnings, IsEmpty());
        }
    }
}

TEST_F(BlockTest, AGroupMayHaveAHundredThousandColumns) {
    constexpr std::size_t kColumns = 100'000;
    TestGroup group{.times = {1000, 2000, 3000}, .names = {}, .columns = {}};
    for (std::size_t i = 0; i < kColumns; ++i) {
        group.names.push_back({i, Labels::from({{"pod", std::to_string(i)}}), {}});
        group.columns.push_back({static_cast<double>(i), std::nullopt, static_cast<double>(i + 1)});
    }
    auto writer = start();
    group.write(*writer);
    const auto block = finish(std::move(writer));
    EXPECT_EQ(block->meta().series, kColumns);
    EXPECT_EQ(block->meta().samples, 2 * kColumns);
    const std::vector matchers{Matcher::equal("pod", "77777")};
    const auto found = block->read(matchers, 0, 5000, 10);
    ASSERT_TRUE(found);
    ASSERT_THAT(found->series, SizeIs(1));
    const auto samples = found->samples(found->series[0]);
    ASSERT_THAT(samples, SizeIs(2));
    EXPECT_EQ(samples[1].time, 3000);
    EXPECT_EQ(samples[1].value, 77778);
}

TEST_F(BlockTest, ABlockMayHaveAHundredThousandGroupsOfOne) {
    constexpr std::size_t kGroups = 100'000;
    auto writer = start();
    for (std::size_t i = 0; i < kGroups; ++i) {
        const TestGroup group{.times = {1000, 2000},
                              .names = {{0, Labels::from({{"pod", std::to_string(i)}}), {}}},
                              .columns = {{static_cast<double>(i), 1.0}}};
        group.write(*writer);
    }
    const auto block = finish(std::move(writer));
    EXPECT_EQ(block->meta().chunks, kGroups);
    EXPECT_LT(block->meta().bytes, kGroups * 70);
    const std::vector matchers{Matcher::equal("pod", "4711")};
    const auto found = block->read(matchers, 1000, 1000, 1);
    ASSERT_TRUE(found);
    ASSERT_THAT(found->series, SizeIs(1));
    const auto samples = found->samples(found->series[0]);
    ASSERT_THAT(samples, SizeIs(1));
    EXPECT_EQ(samples[0].value, 4711);
}

TEST_F(BlockTest, MoreSamplesThanAskedForAreRefused) {
    auto writer = start();
    const TestGroup group{.times = {1, 2, 3},
                          .names = {{0, Labels::from({{"a", "1"}}), {}},
                                    {0, Labels::from({{"a", "2"}}), {}},
                                    {1, Labels::from({{"a", "3"}}), {}}},
                          .columns = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}};
    group.write(*writer);
    const auto block = finish(std::move(writer));
    EXPECT_TRUE(block->read({}, 0, 9, 6)) << "two names, one column";
    const auto refused = block->read({}, 0, 9, 5);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::limit_exceeded);
    EXPECT_TRUE(block->read({}, 2, 2, 2));
}

TEST_F(BlockTest, TellsSeriesThatMayHaveSamplesThen) {
    auto writer = start();
    const auto early = Labels::from({{"job", "early"}});
    const auto late = Labels::from({{"job", "late"}});
    const TestGroup group{.times = {10, 20, 30, 40},
                          .names = {{0, early, {0, 20}}, {0, late, {21, 50}}},
                          .columns = {{1.0, 2.0, 3.0, 4.0}}};
    group.write(*writer);
    const auto block = finish(std::move(writer));
    EXPECT_THAT(block->series({}, 0, 100), ElementsAre(early, late));
    EXPECT_THAT(block->series({}, 0, 20), ElementsAre(early));
    EXPECT_THAT(block->series({}, 41, 60), IsEmpty()) << "no rows";
    EXPECT_THAT(block->series({}, 30, 30), ElementsAre(late));
    EXPECT_THAT(block->label_names({}), ElementsAre("job"));
    EXPECT_THAT(block->label_values("job", {}, 1), ElementsAre("early"));
    const auto selection = block->read({}, 0, 100, 100);
    ASSERT_THAT(selection->rows, SizeIs(1)) << "times once";
}

TEST_F(BlockTest, KeepsTablesInMemoryUpToTheBound) {
    std::vector<BlockPtr> blocks;
    std::size_t largest = 0;
    for (int i = 0; i < 3; ++i) {
        auto writer = start();
        RandomGroups(static_cast<std::uint64_t>(i)).make(0, 100, 50, 9).write(*writer);
        if (writer->empty()) continue;
        blocks.push_back(finish(std::move(writer)));
        largest = std::max(largest, (*blocks.back()->tables())->heap_bytes());
    }
    BlockCache cache(largest);
    for (const auto& block : blocks) cache.put(block->meta().number, *block->tables());
    EXPECT_LE(cache.bytes(), largest);
    EXPECT_EQ(cache.find(blocks[0]->meta().number), nullptr);
    EXPECT_EQ(cache.find(blocks.back()->meta().number), *blocks.back()->tables());
    cache.drop(blocks.back()->meta().number);
    EXPECT_EQ(cache.bytes(), 0u);
}

}  // namespace
}  // namespace inferscope::tsdb
