// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace inferscope {
namespace {

TEST(Crc32c, GivesWhatTheStandardsGive) {
    EXPECT_EQ(crc32c(""), 0U);
    EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);  // RFC 3720, B.4
    EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
}

TEST(Crc32c, IsTheSameWithAndWithoutTheInstructionInOnePieceAndInTwo) {
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
        bytes += static_cast<char>(i * 89 + 7);
        EXPECT_EQ(crc32c(bytes), crc32c_portable(bytes));
        const auto half = std::string_view(bytes).substr(0, bytes.size() / 2);
        const auto rest = std::string_view(bytes).substr(bytes.size() / 2);
        EXPECT_EQ(crc32c(rest, crc32c(half)), crc32c(bytes));
    }
}

}  // namespace
}  // namespace inferscope
