// SPDX-License-Identifier: Apache-2.0
#include "base/numbers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

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

}  // namespace
}  // namespace inferscope
