// SPDX-License-Identifier: Apache-2.0
#include "api/json_text.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "api/answers.h"

namespace inferscope::api {
namespace {

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
        {{1, 0.1}, {2, std::numeric_limits<double>::quiet_NaN()}, {3, 1e22}, {4, 1e-300}},
        {},
        {{std::numeric_limits<Timestamp>::min(), 3}, {std::numeric_limits<Timestamp>::max(), 3}},
        std::vector<Sample>(12'010, {5000, 1}),
    };
    std::string out, expected;
    SampleText text(out);
    for (const auto& series : all) {
        text.append(series);
        append_list(expected, series, [&](const Sample& sample) { append_json(expected, sample); });
    }
    EXPECT_EQ(out, expected);
}

}  // namespace
}  // namespace inferscope::api
