// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

#include <array>

namespace inferscope {
namespace {

TEST(Text, KnowsValidUtf8) {
    EXPECT_TRUE(is_valid_utf8("plain, naïve, 模型, 🚀"));
    for (const auto* bad :
         {"\x80", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "a\xff"}) {
        EXPECT_FALSE(is_valid_utf8(bad));
    }
}

TEST(Text, FindsTheNearestWordOrNone) {
    constexpr std::array<std::string_view, 3> kKnown{"scrape_interval", "url", "labels"};
    EXPECT_EQ(nearest_word("scrap_interval", kKnown), "scrape_interval");
    EXPECT_EQ(nearest_word("uri", kKnown), "url");
    EXPECT_EQ(nearest_word("quantity", kKnown), std::nullopt);
}

TEST(Text, CutsAndEscapesWhatGoesIntoAMessage) {
    EXPECT_EQ(quote_for_message("a\nb\x1b[31m"), "a\\x0ab\\x1b[31m");
    EXPECT_EQ(quote_for_message("abcdef", 3), "abc…");
}

TEST(Text, ReadsDurationsAsPrometheusDoes) {
    EXPECT_EQ(parse_duration_millis("15s"), 15'000);
    EXPECT_EQ(parse_duration_millis("1h30m"), 5'400'000);
    EXPECT_EQ(parse_duration_millis("1m2s3ms"), 62'003);
    EXPECT_EQ(parse_duration_millis("0"), 0);
    for (const auto* bad : {"", "5", "s", "1.5h", "-1s", "1s1s", "1s1m", "1 s", "99999999999y"}) {
        EXPECT_EQ(parse_duration_millis(bad), std::nullopt) << bad;
    }
}

TEST(Text, ReadsByteSizes) {
    EXPECT_EQ(parse_byte_size("300"), 300u);
    EXPECT_EQ(parse_byte_size("512MB"), 512u << 20);
    EXPECT_EQ(parse_byte_size("1.5KiB"), 1536u);
    for (const auto* bad : {"", "MB", "-1B", "1XB", "9e30"})
        EXPECT_EQ(parse_byte_size(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace inferscope
