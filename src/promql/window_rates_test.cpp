// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <span>
#include <vector>

#include "promql/numbers_for_test.h"
#include "promql/windows_for_test.h"

namespace inferscope::promql {
namespace {

using enum Dialect;

std::vector<Sample> every_15s(const std::vector<double>& values, Timestamp first = 0) {
    std::vector<Sample> samples;
    for (const double value : values) {
        samples.push_back({first + static_cast<Timestamp>(samples.size()) * 15'000, value});
    }
    return samples;
}

/// One window that ends at `end`.
double once(std::string_view name, const std::vector<Sample>& samples, Timestamp end,
            Timestamp range, Dialect dialect = prometheus3) {
    return TestWindows(samples, {.first = end, .range = range}, dialect).evaluate(name, dialect)[0];
}

TEST(Rate, ExtrapolatesToBothEndsOfTheWindow) {
    // Samples at 15, 30, 45, 60 s of (0, 60]; 45 s seen, both ends within 1.1 gaps.
    const auto samples = every_15s({100, 110, 120, 130, 140});
    EXPECT_EQ(once("increase", samples, 60'000, 60'000), 30.0 * (60.0 / 45.0));
    EXPECT_EQ(once("rate", samples, 60'000, 60'000), 30.0 * ((60.0 / 45.0) / 60.0));
    EXPECT_EQ(once("delta", samples, 60'000, 60'000), 30.0 * (60.0 / 45.0));
}

TEST(Rate, HasOneSampleMoreInDialect2WhichClosesWindowsOnTheLeft) {
    const auto samples = every_15s({100, 110, 120, 130, 140});
    EXPECT_EQ(once("increase", samples, 60'000, 60'000, prometheus2), 40.0);
}

TEST(Rate, ReachesHalfAGapIfTheEndIsFar) {
    const auto samples = every_15s({100, 110, 120}, 60'000);  // 60 to 90 s
    EXPECT_EQ(once("increase", samples, 200'000, 200'000), 20.0 * ((30.0 + 7.5 + 7.5) / 30.0));
}

TEST(Rate, DoesNotReachBelowACountersZero) {
    const auto samples = every_15s({1, 11, 21}, 14'000);  // zero lies 1.5 s before the first one
    EXPECT_EQ(once("increase", samples, 44'000, 44'000),
              20.0 * ((30.0 + 30.0 * (1.0 / 20.0)) / 30));
    EXPECT_EQ(once("delta", samples, 44'000, 44'000), 20.0 * (44.0 / 30.0));
}

TEST(Rate, LooksAtTheZeroPointBeforeTheDistanceInDialect2) {
    // The window's start is 20 s away, more than 1.1 gaps; zero lies 12 s away, more than half a
    // gap.
    const auto samples = every_15s({8, 18, 28}, 20'000);
    EXPECT_EQ(once("increase", samples, 50'000, 50'000), 20.0 * ((30.0 + 7.5) / 30.0));
    EXPECT_EQ(once("increase", samples, 50'000, 50'000, prometheus2),
              20.0 * ((30.0 + 30.0 * (8.0 / 20.0)) / 30.0));
}

TEST(Rate, AddsTheValuesBeforeResets) {
    const auto samples = every_15s({5, 9, 2, 4, 1, 3});
    // 3 - 5 + 9 + 4, over exactly the samples' 75 s and 15 s before them.
    EXPECT_EQ(once("increase", samples, 75'000, 90'000), 11.0 * ((75.0 + 15.0) / 75.0));
    EXPECT_EQ(once("resets", samples, 75'000, 90'000), 2.0);
    EXPECT_EQ(once("changes", samples, 75'000, 90'000), 5.0);
}

TEST(Rate, NeedsTwoSamples) {
    const auto samples = every_15s({1});
    for (const char* name : {"rate", "increase", "delta", "irate", "idelta"}) {
        EXPECT_TRUE(is_absent(once(name, samples, 10'000, 60'000))) << name;
        EXPECT_TRUE(is_absent(once(name, {}, 10'000, 60'000))) << name;
    }
    EXPECT_EQ(once("resets", samples, 10'000, 60'000), 0.0);
    EXPECT_EQ(once("changes", samples, 10'000, 60'000), 0.0);
    EXPECT_TRUE(is_absent(once("resets", {}, 10'000, 60'000)));
}

TEST(Rate, IsNaNOrInfiniteAsItsSamplesAre) {
    EXPECT_TRUE(std::isnan(once("rate", every_15s({1, kNaN, 3, kNaN}), 45'000, 60'000)));
    EXPECT_EQ(once("rate", every_15s({1, 2, kInfinity}), 30'000, 60'000), kInfinity);
    EXPECT_TRUE(std::isnan(once("delta", every_15s({kInfinity, kInfinity}), 15'000, 60'000)));
    // A NaN in the middle hides a reset on both sides of it.
    EXPECT_EQ(once("resets", every_15s({5, kNaN, 1}), 30'000, 60'000), 0.0);
    EXPECT_EQ(once("changes", every_15s({kNaN, kNaN, 1, 1, kNaN}), 60'000, 75'000), 2.0);
}

TEST(Irate, TakesTheLastTwoAndAResetAsANewStart) {
    EXPECT_EQ(once("irate", every_15s({1, 4, 10}), 30'000, 60'000), 6.0 / 15);
    EXPECT_EQ(once("irate", every_15s({1, 10, 3}), 30'000, 60'000), 3.0 / 15);
    EXPECT_EQ(once("idelta", every_15s({1, 10, 3}), 30'000, 60'000), -7.0);
}

/// Prometheus's steps one by one, for one window alone.
double increase_step_by_step(std::span<const Sample> in, Timestamp start, Timestamp end,
                             Dialect dialect) {
    if (in.size() < 2) return kAbsent;
    double increase = in.back().value - in.front().value;
    for (std::size_t i = 1; i < in.size(); ++i) {
        if (in[i].value < in[i - 1].value) increase += in[i - 1].value;
    }
    double to_start = static_cast<double>(in.front().time - start) / 1000;
    double to_end = static_cast<double>(end - in.back().time) / 1000;
    const double sampled = static_cast<double>(in.back().time - in.front().time) / 1000;
    const double average = sampled / static_cast<double>(in.size() - 1);
    const double far = average * 1.1;
    const auto shorten_start = [&] {
        if (to_start >= far) to_start = average / 2;
    };
    if (dialect == prometheus3) shorten_start();
    if (increase > 0 && in.front().value >= 0) {
        to_start = std::min(to_start, sampled * (in.front().value / increase));
    }
    if (dialect == prometheus2) shorten_start();
    if (to_end >= far) to_end = average / 2;
    return increase * ((sampled + to_start + to_end) / sampled);
}

TEST(Rate, GivesTheSameBitsWhereItIsKnownThatNothingFalls) {
    const auto samples = every_15s({1, 1, 2.5, 7, 7, 1000, 1000.25, 1e9});
    for (const auto* const name : {"rate", "increase"}) {
        TestWindows windows(samples,
                            {.first = 60'000, .step = 15'000, .steps = 5, .range = 45'000});
        const auto unknown = windows.evaluate(name);
        windows.view.never_falls = true;
        EXPECT_EQ(windows.evaluate(name), unknown);
    }
}

TEST(Rate, GivesTheSameBitsForManyWindowsAsForEachAlone) {
    std::mt19937 random(4711);
    std::uniform_int_distribution<Timestamp> gap(1, 40'000);
    std::uniform_int_distribution<int> percent(0, 99);
    std::uniform_real_distribution<double> growth(0, 20);
    for (int round = 0; round < 40; ++round) {
        std::vector<Sample> samples;
        Timestamp time = 0;
        double value = growth(random);
        while (samples.size() < 200) {
            time += gap(random);
            value = percent(random) < 8 ? growth(random) / 10 : value + growth(random);
            samples.push_back({time, value});
        }
        const WindowTimes times{.first = 5'000, .step = 37'000, .steps = 120, .range = 180'000};
        for (const Dialect dialect : {prometheus2, prometheus3}) {
            TestWindows windows(samples, times, dialect);
            const auto alone = windows.evaluate("increase", dialect);
            const Extrapolation shared(windows.view);
            windows.view.extrapolation = &shared;
            const auto together = windows.evaluate("increase", dialect);
            for (std::size_t at = 0; at < times.steps; ++at) {
                const auto begin = windows.view.begins[at];
                const double expected = increase_step_by_step(
                    std::span(samples).subspan(begin, windows.view.ends[at] - begin),
                    windows.view.start(at), windows.view.end(at), dialect);
                EXPECT_TRUE(same_bits(alone[at], expected)) << alone[at] << " " << expected;
                EXPECT_TRUE(same_bits(together[at], expected));
            }
        }
    }
}

}  // namespace
}  // namespace inferscope::promql
