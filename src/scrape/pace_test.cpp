// SPDX-License-Identifier: Apache-2.0
#include "scrape/pace.h"

#include <gtest/gtest.h>

#include <set>

namespace inferscope::scrape {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Where in its interval a target's first tick lies, on the wall clock.
Timestamp phase_of(std::uint64_t identity, Millis interval, SteadyTime now,
                   const TickOrigin& origin) {
    const SteadyTime tick = Pace(interval, identity).first_tick(now, origin);
    EXPECT_GE(tick, now);
    EXPECT_LT(tick, now + interval);
    const auto since = std::chrono::duration_cast<Millis>(tick - origin.steady);
    EXPECT_EQ(tick, origin.steady + since) << "whole milliseconds from the origin";
    return (origin.wall + since.count()) % interval.count();
}

TEST(Pace, SpreadsTargetsOverTheIntervalAndKeepsTheirPhase) {
    const TickOrigin origin{SteadyTime(Nanos(777'777'777)), 1'000'003};
    const TickOrigin after_restart{SteadyTime(Nanos(333)), 2'000'777};
    std::set<Timestamp> phases;
    for (std::uint64_t identity = 0; identity < 50; ++identity) {
        const auto phase = phase_of(identity * 977, seconds(5), origin.steady, origin);
        const SteadyTime later = after_restart.steady + Nanos(17'999'999'999);
        EXPECT_EQ(phase_of(identity * 977, seconds(5), later, after_restart), phase);
        phases.insert(phase);
    }
    EXPECT_GT(phases.size(), 35u);
}

TEST(Pace, LetsTargetsWakeUpTogether) {
    const TickOrigin origin{SteadyTime(Nanos(777'777'777)), 1'000'003};
    for (std::uint64_t identity = 0; identity < 200; ++identity) {
        EXPECT_EQ(phase_of(identity * 7919, seconds(1), origin.steady, origin) % 50, 0);
        EXPECT_EQ(phase_of(identity * 7919, seconds(15), origin.steady, origin) % 50, 0);
        EXPECT_EQ(phase_of(identity * 7919, milliseconds(100), origin.steady, origin) % 5, 0);
    }
}

TEST(Pace, AlignsSampleTimesWithinTwoMilliseconds) {
    Pace pace(seconds(5), 0);
    EXPECT_EQ(pace.sample_time(10'000), 10'000);
    EXPECT_EQ(pace.sample_time(15'002), 15'000);
    EXPECT_EQ(pace.sample_time(20'001), 20'000);
    EXPECT_EQ(pace.sample_time(25'040), 25'040) << "late: the true time, and ticks count from here";
    EXPECT_EQ(pace.sample_time(30'041), 30'040);
    EXPECT_EQ(pace.sample_time(9'000), 9'000) << "the clock went back";
    EXPECT_EQ(pace.sample_time(14'001), 14'000);
}

TEST(Pace, AsksASlowTargetLessOftenButNeverRarerThanEveryTwentySeconds) {
    Pace pace(seconds(5), 0);
    EXPECT_FALSE(pace.is_slowed());
    pace.on_answer(milliseconds(1100), false);
    EXPECT_EQ(pace.interval(), seconds(10));
    pace.on_answer(milliseconds(1100), false);
    pace.on_answer({}, true);
    pace.on_answer({}, true);
    EXPECT_EQ(pace.interval(), seconds(20));
    for (int i = 0; i < 3; ++i) pace.on_answer(milliseconds(3), false);
    EXPECT_EQ(pace.interval(), seconds(10));
    for (int i = 0; i < 3; ++i) pace.on_answer(milliseconds(3), false);
    EXPECT_EQ(pace.interval(), seconds(5));
    EXPECT_FALSE(pace.is_slowed());
    for (int i = 0; i < 9; ++i) pace.on_answer(milliseconds(3), false);
    EXPECT_EQ(pace.interval(), seconds(5));
}

TEST(Pace, LeavesALongIntervalAlone) {
    Pace pace(seconds(60), 0);
    pace.on_answer(seconds(8), false);
    EXPECT_EQ(pace.interval(), seconds(60));
}

TEST(Pace, CallsHalfOfAShortIntervalSlow) {
    Pace pace(seconds(1), 0);
    pace.on_answer(milliseconds(600), false);
    EXPECT_EQ(pace.interval(), seconds(2));
}

TEST(Pace, LeavesOutTicksThatWereMissed) {
    const Pace pace(seconds(5), 0);
    const SteadyTime start{seconds(100)};
    EXPECT_EQ(pace.next_tick(start, start + seconds(1)), start + seconds(5));
    EXPECT_EQ(pace.next_tick(start, start + seconds(12)), start + seconds(15));
    EXPECT_EQ(pace.next_tick(start, start + seconds(15)), start + seconds(20));
}

}  // namespace
}  // namespace inferscope::scrape
