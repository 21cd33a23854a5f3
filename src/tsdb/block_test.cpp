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
    BlockFolder folder_{files_, "blocks", 1 << 20};
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

}  // namespace
}  // namespace inferscope::tsdb
