// SPDX-License-Identifier: Apache-2.0
#include "base/numbers.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>
#include <string>

namespace inferscope {
namespace {

TEST(Numbers, ReadsEverySpellingOfTheTextFormat) {
    EXPECT_EQ(parse_number("0"), 0);
    EXPECT_EQ(parse_number("+1.5e3"), 1500);
    EXPECT_EQ(parse_number("3.9024848896e+010"), 3.9024848896e10);
    EXPECT_EQ(parse_number(".5"), .5);
    EXPECT_EQ(parse_number("-0x1p-2"), -.25);
    for (const auto* text : {"Inf", "+Inf", "+inf", "INF", "infinity"}) {
        EXPECT_EQ(parse_number(text), std::numeric_limits<double>::infinity()) << text;
    }
    EXPECT_EQ(parse_number("-Inf"), -std::numeric_limits<double>::infinity());
    EXPECT_EQ(std::bit_cast<std::uint64_t>(*parse_number("nan")), 0x7ff8000000000001u);
}

TEST(Numbers, RefusesWhatIsNoNumber) {
    for (const auto* text : {"", "+", "-", "1x", "x1", "1 ", " 1", "++1", "+-1", "1e", "1e400",
                             "0x", "infi", "nano"}) {
        EXPECT_EQ(parse_number(text), std::nullopt) << text;
    }
}

TEST(Numbers, WritesTheShortestFormThatReadsBackTheSame) {
    EXPECT_EQ(format_number(0), "0");
    EXPECT_EQ(format_number(-0.0), "-0");
    EXPECT_EQ(format_number(-17), "-17");
    EXPECT_EQ(format_number(123456789), "123456789");
    EXPECT_EQ(format_number(0.1), "0.1");
    EXPECT_EQ(format_number(1e300), "1e+300");
    EXPECT_EQ(format_number(kStaleMarker), "NaN");
    EXPECT_EQ(format_number(-std::numeric_limits<double>::infinity()), "-Inf");
    for (const double value : {1.0 / 3, 1e15, 1e15 + 2, 6.02214076e23, 5e-324, -2.5e-7}) {
        EXPECT_EQ(parse_number(format_number(value)), value);
    }
}

TEST(Numbers, TellsTheStaleMarkerFromOtherNaNs) {
    EXPECT_TRUE(is_stale_marker(kStaleMarker));
    EXPECT_FALSE(is_stale_marker(kNormalNaN));
    EXPECT_TRUE(std::isnan(kStaleMarker));
}

TEST(ShortestDecimal, HasTheDigitsOfTheStandardLibrary) {
    std::mt19937_64 random(1);
    std::array<char, 32> text{};
    for (int i = 0; i < 1'000'000; ++i) {
        const auto value = std::bit_cast<double>(random());
        if (!std::isfinite(value) || value == 0) continue;
        const auto [significand, exponent] = shortest_decimal(value);
        const auto end = fmt::format_to(text.data(), "{}e{}", significand, exponent);
        double again = 0;
        std::from_chars(text.data(), end, again);
        ASSERT_EQ(again, std::abs(value));
        std::array<char, 32> expected{};
        const auto* const point = std::to_chars(expected.begin(), expected.end(), std::abs(value),
                                                std::chars_format::scientific)
                                      .ptr;
        std::string digits;
        for (const char* at = expected.data(); at != point && *at != 'e'; ++at)
            if (*at != '.') digits += *at;
        ASSERT_EQ(std::to_string(significand), digits);
    }
}

}  // namespace
}  // namespace inferscope
