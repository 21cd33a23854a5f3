// SPDX-License-Identifier: Apache-2.0
#include "promql/formats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace inferscope::promql {
namespace {

TEST(Formats, QuoteCharactersAsGoDoes) {
    EXPECT_EQ(quote_character('a'), "'a'");
    EXPECT_EQ(quote_character('\''), "'\\''");
    EXPECT_EQ(quote_character('"'), "'\"'");
    EXPECT_EQ(quote_character('\n'), "'\\n'");
    EXPECT_EQ(quote_character(0), "'\\x00'");
    EXPECT_EQ(quote_character(0xe4), "'ä'");
    EXPECT_EQ(quote_character(0xa0), "'\\u00a0'");
    EXPECT_EQ(name_character('q'), "U+0071 'q'");
    EXPECT_EQ(name_character('\n'), "U+000A");
    EXPECT_EQ(quote_shortened("0123456789"), "\"0123456789\"");
    EXPECT_EQ(quote_shortened("0123456789a"), "\"0123456789\"...");
    EXPECT_EQ(quote_shortened("ääääääääääää"), "\"ääääääääää\"...");
}

TEST(Formats, WriteNumbersAsGoDoes) {
    EXPECT_EQ(format_without_exponent(1e23), "100000000000000000000000");
    EXPECT_EQ(format_without_exponent(-1.5e-7), "-0.00000015");
    EXPECT_EQ(format_without_exponent(123.456), "123.456");
    EXPECT_EQ(format_without_exponent(-0.0), "-0");
    EXPECT_EQ(format_without_exponent(std::nan("")), "NaN");
    EXPECT_EQ(format_without_exponent(-std::numeric_limits<double>::infinity()), "-Inf");
    EXPECT_EQ(format_with_exponent(1e6), "1e+06");
    EXPECT_EQ(format_with_exponent(999999), "999999");
    EXPECT_EQ(format_with_exponent(1234567), "1.234567e+06");
    EXPECT_EQ(format_with_exponent(0.0001), "0.0001");
    EXPECT_EQ(format_with_exponent(-0.00001), "-1e-05");
    EXPECT_EQ(format_with_exponent(1e300), "1e+300");
}

TEST(Formats, WriteDurationsAsPrometheusDoes) {
    EXPECT_EQ(format_duration(Millis(0)), "0s");
    EXPECT_EQ(format_duration(Millis(1)), "1ms");
    EXPECT_EQ(format_duration(Millis(90 * 86'400'000LL)), "90d");
    EXPECT_EQ(format_duration(Millis(7 * 86'400'000LL)), "1w");
    EXPECT_EQ(format_duration(Millis(365 * 86'400'000LL)), "1y");
    EXPECT_EQ(format_duration(Millis(-5'400'500)), "-1h30m500ms");
}

TEST(Formats, ReadNumbersAsGoDoes) {
    EXPECT_EQ(*parse_number_literal("0x_1F"), 31);
    EXPECT_EQ(*parse_number_literal("0_17"), 15);
    EXPECT_EQ(*parse_number_literal("0_18"), 18);
    EXPECT_EQ(*parse_number_literal("1e-999"), 0);
    EXPECT_TRUE(std::isnan(*parse_number_literal("NAN")));
    EXPECT_EQ(parse_number_literal("1e999").error().text,
              "error parsing number: strconv.ParseFloat: parsing \"1e999\": value out of range");
    EXPECT_EQ(parse_number_literal("1_").error().text,
              "error parsing number: strconv.ParseFloat: parsing \"1_\": invalid syntax");
}

TEST(Formats, ReadDurationsAsPrometheusDoes) {
    EXPECT_EQ(*parse_duration_seconds("1h30m", Dialect::prometheus3), 5400);
    EXPECT_EQ(*parse_duration_seconds("1ms", Dialect::prometheus3), 0.001);
    EXPECT_EQ(parse_duration_seconds("300y", Dialect::prometheus3).error().text,
              "duration out of range");
    EXPECT_EQ(parse_duration_seconds("5xs", Dialect::prometheus3).error().text,
              "unknown unit \"xs\" in duration \"5xs\"");
    EXPECT_EQ(parse_duration_seconds("5xs", Dialect::prometheus2).error().text,
              "not a valid duration string: \"5xs\"");
    EXPECT_EQ(parse_duration_seconds("1m1h", Dialect::prometheus3).error().text,
              "not a valid duration string: \"1m1h\"");
}

TEST(Formats, CutDurationsOffAtTheirBounds) {
    EXPECT_EQ(to_millis(1.2345678), Millis(1234));
    EXPECT_EQ(to_millis(-0.0019), Millis(-1));
    EXPECT_EQ(to_millis(1e300), Millis(9'223'372'036'854));
    EXPECT_TRUE(is_duration_in_range(9'223'372'036));
    EXPECT_FALSE(is_duration_in_range(-9'223'372'037));
}

}  // namespace
}  // namespace inferscope::promql
