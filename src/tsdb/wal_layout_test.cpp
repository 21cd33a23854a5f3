// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_layout.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

namespace inferscope::tsdb::wal {
namespace {

TEST(WalLayout, GivesAllRecordsBackInTheirOrder) {
    std::mt19937 random(1);
    Layout layout;
    std::string all;
    for (int i = 0; i < 300; ++i) {
        std::string record;
        for (auto left = random() % 200; left > 0; --left)
            record += i % 2 == 0 ? fmt::format("bucket{}", left) : std::string(3, char(random()));
        layout.add(record);
        all += record;
        std::string out = "before";
        layout.append_to(out);
        ASSERT_EQ(out, "before" + all);
    }
}

TEST(WalLayout, TakesLessThanItsRecords) {
    Layout layout;
    std::string record;
    for (int i = 0; i < 400; ++i) record += fmt::format("latency_seconds_bucket\x1f{}", i % 20);
    layout.add(record);
    EXPECT_LE(layout.heap_bytes(), record.size() / 2);
}

}  // namespace
}  // namespace inferscope::tsdb::wal
