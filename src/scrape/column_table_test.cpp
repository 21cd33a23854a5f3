// SPDX-License-Identifier: Apache-2.0
#include "scrape/column_table.h"

#include <gtest/gtest.h>

#include <string>

namespace inferscope::scrape {
namespace {

Fingerprint key(std::uint32_t i) { return Fingerprint::of(std::to_string(i)); }

TEST(ColumnTable, FindsWhatWasInsertedBeforeAndAfterItSettles) {
    ColumnTable table;
    EXPECT_TRUE(table.empty());
    for (std::uint32_t round = 0; round < 3; ++round) {
        for (std::uint32_t i = 100 * round; i < 100 * (round + 1); ++i) table.insert(key(i), i);
        EXPECT_EQ(table.find(key(100 * round)), 100 * round);
        table.settle();
        for (std::uint32_t i = 0; i < 100 * (round + 1); ++i) EXPECT_EQ(table.find(key(i)), i);
        EXPECT_FALSE(table.find(key(1000)));
        EXPECT_FALSE(table.empty());
    }
}

TEST(ColumnTable, TakesBackWhatHasNotSettled) {
    ColumnTable table;
    table.insert(key(1), 1);
    table.settle();
    table.insert(key(2), 2);
    table.take_back();
    EXPECT_EQ(table.find(key(1)), 1U);
    EXPECT_FALSE(table.find(key(2)));
    table.insert(key(2), 3);
    table.settle();
    EXPECT_EQ(table.find(key(2)), 3U);
}

}  // namespace
}  // namespace inferscope::scrape
