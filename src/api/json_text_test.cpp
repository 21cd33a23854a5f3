// SPDX-License-Identifier: Apache-2.0
#include "api/json_text.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace inferscope::api {
namespace {

std::string number(double value) {
    std::string text;
    append_go_number(text, value);
    return text;
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

TEST(JsonSeconds, HaveThreeDigitsUnlessTheyAreZero) {
    const auto seconds = [](Timestamp time) {
        std::string text;
        append_json_seconds(text, time);
        return text;
    };
    EXPECT_EQ(seconds(1'435'781'451'780), "1435781451.780");
    EXPECT_EQ(seconds(1'435'781'451'000), "1435781451");
    EXPECT_EQ(seconds(-1), "-0.001");
}

TEST(SampleText, IsThatOfEachSampleWhateverStoodBefore) {
    const std::vector<std::vector<Sample>> all{
        {{1000, 1}, {2500, 1}, {-4001, 0.5}},
        {{1000, 1}, {2500, 2}},
        {{1001, 2}, {2500, 2}, {-4001, 2}, {7000, -0.0}},
        {},
        {{std::numeric_limits<Timestamp>::min(), 3}, {std::numeric_limits<Timestamp>::max(), 3}},
        std::vector<Sample>(12'010, {5000, 1}),
    };
    std::string out, expected;
    SampleText text(out);
    for (const auto& series : all) {
        text.begin_series();
        for (const auto& sample : series) {
            text.append(sample);
            append_json(expected, sample);
        }
    }
    EXPECT_EQ(out, expected);
}

}  // namespace
}  // namespace inferscope::api
