// SPDX-License-Identifier: Apache-2.0
#include "api/go_number.h"

#include <gtest/gtest.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/sample.h"

namespace inferscope::api {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string number(double value) {
    static GoNumber number(0);  // whatever it was before
    number.set(value);
    std::array<char, GoNumber::kRoom> copied{};
    const auto* const end = number.copy_to(copied.data());
    EXPECT_EQ(std::string_view(copied.data(), end), number.text());
    return std::string(number.text());
}

TEST(GoNumber, IsWrittenAsPrometheusWritesIt) {
    EXPECT_EQ(number(-0.0), "-0");
    EXPECT_EQ(number(0.1), "0.1");
    EXPECT_EQ(number(1e-6), "0.000001");
    EXPECT_EQ(number(1e20), "100000000000000000000");
    EXPECT_EQ(number(0), "0");
    EXPECT_EQ(number(-42), "-42");
    EXPECT_EQ(number(9007199254740991), "9007199254740991");
    EXPECT_EQ(number(-std::numeric_limits<double>::infinity()), "-Inf");
    EXPECT_EQ(number(std::numeric_limits<double>::quiet_NaN()), "NaN");
}

TEST(GoNumber, IsTheSameWhateverItWasBefore) {
    const std::vector<std::pair<double, std::string>> all{
        {0.5, "0.5"},         {kNaN, "NaN"},
        {-1e300, "-1e+300"},  {1234567.25, "1234567.25"},
        {-kInfinity, "-Inf"}, {7, "7"},
        {kInfinity, "+Inf"},  {-1e20, "-100000000000000000000"}};
    GoNumber changing(1);
    for (const auto& [before, before_text] : all) {
        for (const auto& [value, text] : all) {
            changing.set(before);
            EXPECT_EQ(changing.text(), before_text);
            changing.set(value);
            EXPECT_EQ(changing.text(), text);
        }
    }
}

TEST(GoNumber, HasTwoDigitsInAnExponentAtLeast) {
    EXPECT_EQ(number(1e-7), "1e-07");
    EXPECT_EQ(number(-1.5e21), "-1.5e+21");
    EXPECT_EQ(number(5e-324), "5e-324");
}

TEST(GoNumber, HasZerosForTheDigitsThatItLeavesOut) {
    EXPECT_EQ(number(3697246740716232192.0), "3697246740716232000");
    EXPECT_EQ(number(-70678667245899472.0), "-70678667245899470");
    EXPECT_EQ(number(9007199254740992), "9007199254740992");
    EXPECT_EQ(number(2e17), "200000000000000000");
}

TEST(GoNumber, ReadsBackTheSame) {
    std::mt19937_64 random(2);
    for (int i = 0; i < 300'000; ++i) {
        // All sizes that are written without an exponent, and some beyond.
        const double size = std::pow(10.0, std::uniform_real_distribution(-8.0, 23.0)(random));
        const double value = i % 2 == 0 ? size : -std::round(size * 8) / 8;
        const auto text = number(value);
        double again = 0;
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), again);
        ASSERT_EQ(end, text.data() + text.size()) << text;
        ASSERT_TRUE(same_bits(again, value)) << text;
        const bool has_exponent = std::abs(value) >= 1e21 || (value != 0 && std::abs(value) < 1e-6);
        ASSERT_EQ(text.contains('e'), has_exponent) << text;
    }
}

}  // namespace
}  // namespace inferscope::api
