// SPDX-License-Identifier: Apache-2.0
#include "mapping/slots.h"

#include <gtest/gtest.h>

#include <array>

#include "base/numbers.h"

namespace inferscope::mapping {
namespace {

constexpr Millis kWindow{300'000};

/// hits in column 0, queries in column 1, the ratio in column 2.
class HitRate {
public:
    HitRate() : slot_(kWindow) {
        slot_.output = 2;
        slot_.hits.add(0);
        slot_.queries.add(1);
    }
    double at(Timestamp seconds, double hits, double queries) {
        std::array<double, 3> values{hits, queries, 0};
        slot_.fill(seconds * 1000, values);
        return values[2];
    }

private:
    RatioSlot slot_;
};

TEST(ScaledSlot, ScalesAndDropsBlanks) {
    const std::array<double, 1> blanks{0x1p63};
    const ScaledSlot slot{.input = 0, .output = 1, .scale = 100, .blanks = blanks};
    std::array<double, 2> values{0.25, 0};
    slot.fill(values);
    EXPECT_EQ(values[1], 25);
    for (const double nothing : {9223372036854775794.0, kStaleMarker}) {
        values[0] = nothing;
        slot.fill(values);
        EXPECT_TRUE(is_stale_marker(values[1]));
    }
}

TEST(SumSlot, AddsWhatIsThere) {
    const SumSlot slot{.inputs = {0, 1}, .output = 2, .scale = 1};
    std::array<double, 3> values{3, kStaleMarker, 0};
    slot.fill(values);
    EXPECT_EQ(values[2], 3);
    values = {3, 4, 0};
    slot.fill(values);
    EXPECT_EQ(values[2], 7);
    values = {kStaleMarker, kStaleMarker, 0};
    slot.fill(values);
    EXPECT_TRUE(is_stale_marker(values[2]));
}

TEST(RatioSlot, IsSinceTheEnginesStartUntilAWindowHasPassed) {
    HitRate rate;
    EXPECT_EQ(rate.at(0, 50, 100), 0.5);
    EXPECT_EQ(rate.at(100, 50, 200), 0.25);
    EXPECT_EQ(rate.at(301, 150, 300), 0.5);  // 100 of 200 since second 0
}

TEST(RatioSlot, SlidesWithTheWindow) {
    HitRate rate;
    for (int second = 0; second <= 600; second += 10) rate.at(second, 0, second);
    EXPECT_EQ(rate.at(750, 150, 750), 0.5);  // second 450 to 750: 150 of 300
    EXPECT_EQ(rate.at(1060, 460, 1060), 1.0);
}

TEST(RatioSlot, KeepsTheLatestRatioWhileNothingIsAsked) {
    HitRate rate;
    rate.at(0, 0, 0);
    EXPECT_EQ(rate.at(10, 30, 40), 0.75);
    EXPECT_EQ(rate.at(1000, 30, 40), 0.75);
    EXPECT_EQ(rate.at(2000, 30, 40), 0.75);
    EXPECT_EQ(rate.at(2010, 30, 50), 0);
}

TEST(RatioSlot, IsUnknownBeforeTheFirstQuery) {
    HitRate rate;
    EXPECT_TRUE(is_stale_marker(rate.at(0, 0, 0)));
    EXPECT_TRUE(is_stale_marker(rate.at(10, kStaleMarker, kStaleMarker)));
    EXPECT_EQ(rate.at(20, 1, 2), 0.5);
}

TEST(RatioSlot, CountsAcrossARestartOfTheEngine) {
    HitRate rate;
    rate.at(0, 100, 100);
    rate.at(400, 100, 100);
    EXPECT_EQ(rate.at(410, 1, 4), 0.25);  // both counters began again at 0
}

TEST(RatioSlot, SurvivesAClockThatIsSetBack) {
    HitRate rate;
    EXPECT_EQ(rate.at(1000, 1, 2), 0.5);
    EXPECT_EQ(rate.at(10, 1, 2), 0.5);
    EXPECT_EQ(rate.at(20, 1, 3), 0);
}

}  // namespace
}  // namespace inferscope::mapping
