// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace inferscope {
namespace {

std::string counting(int first, int step) {
    std::string bytes;
    for (int i = 0; i < 32; ++i) bytes += static_cast<char>(first + i * step);
    return bytes;
}

TEST(Crc32c, GivesTheSumsOfRfc3720) {
    for (const auto sum : {crc32c, crc32c_by_table}) {
        EXPECT_EQ(sum("", 0), 0u);
        EXPECT_EQ(sum("123456789", 0), 0xe3069283u);
        EXPECT_EQ(sum(std::string(32, '\0'), 0), 0x8a9136aau);
        EXPECT_EQ(sum(std::string(32, '\xff'), 0), 0x62a8ab43u);
        EXPECT_EQ(sum(counting(0, 1), 0), 0x46dd794eu);
        EXPECT_EQ(sum(counting(31, -1), 0), 0x113fdb5cu);
    }
}

TEST(Crc32c, IsTheSameInPartsAndFromTables) {
    std::string bytes;
    for (int i = 0; i < 300; ++i) bytes += static_cast<char>(i * 37);
    const std::string_view whole = bytes;
    for (std::size_t cut = 0; cut <= whole.size(); cut += 7) {
        EXPECT_EQ(crc32c(whole.substr(cut), crc32c(whole.substr(0, cut))), crc32c(whole));
        EXPECT_EQ(crc32c(whole.substr(cut)), crc32c_by_table(whole.substr(cut)));
    }
}

}  // namespace
}  // namespace inferscope
