// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "promql/numbers_for_test.h"
#include "promql/windows_for_test.h"

namespace inferscope::promql {
namespace {

using enum Dialect;

std::vector<Sample> every_second(const std::vector<double>& values) {
    std::vector<Sample> samples;
    for (const double value : values) {
        samples.push_back({static_cast<Timestamp>(samples.size()) * 1000, value});
    }
    return samples;
}

/// All values in one window.
double over(std::string_view name, const std::vector<double>& values,
            const WindowParameters& parameters = {}) {
    return TestWindows(every_second(values), {.first = 100'000, .range = 200'000})
        .evaluate(name, prometheus3, parameters)[0];
}

TEST(MinMaxOverTime, PassOverNaNUnlessThereIsNothingElse) {
    EXPECT_EQ(over("max_over_time", {kNaN, 3, 7, kNaN, 5}), 7.0);
    EXPECT_EQ(over("min_over_time", {kNaN, 3, 7, kNaN, 5}), 3.0);
    EXPECT_TRUE(std::isnan(over("max_over_time", {kNaN, kNaN})));
    EXPECT_EQ(over("max_over_time", {-kInfinity, kNaN}), -kInfinity);
    EXPECT_TRUE(is_absent(over("max_over_time", {})));
}

TEST(TimesOfMinMax, AreOfTheLastOfEqualOnes) {
    EXPECT_EQ(over("ts_of_max_over_time", {7, 3, 7, 5}), 2.0);
    EXPECT_EQ(over("ts_of_min_over_time", {3, 7, 3, 5}), 2.0);
    EXPECT_EQ(over("ts_of_max_over_time", {kNaN, 1, kNaN}), 1.0);
    EXPECT_EQ(over("ts_of_max_over_time", {kNaN, kNaN}), 1.0);
    EXPECT_EQ(over("ts_of_first_over_time", {7, 3, 7}), 0.0);
    EXPECT_EQ(over("ts_of_last_over_time", {7, 3, 7}), 2.0);
}

TEST(CountAndPresent, SayHowManyAndWhether) {
    EXPECT_EQ(over("count_over_time", {1, kNaN, 2}), 3.0);
    EXPECT_EQ(over("present_over_time", {1, kNaN, 2}), 1.0);
    EXPECT_EQ(over("first_over_time", {1, kNaN, 2}), 1.0);
    EXPECT_EQ(over("last_over_time", {1, kNaN, 2}), 2.0);
    EXPECT_TRUE(is_absent(over("count_over_time", {})));
    EXPECT_TRUE(is_absent(over("last_over_time", {})));
}

double quantile_of(double quantile, const std::vector<double>& values) {
    const std::vector<double> quantiles{quantile};
    return over("quantile_over_time", values, {.first = quantiles});
}

TEST(QuantileOverTime, LiesBetweenNeighbours) {
    EXPECT_EQ(quantile_of(0.5, {3, 1, 2}), 2.0);
    EXPECT_EQ(quantile_of(0.25, {4, 1, 2, 3}), 1 * 0.25 + 2 * 0.75);
    EXPECT_EQ(quantile_of(0, {4, 1}), 1.0);
    EXPECT_EQ(quantile_of(1, {4, 1}), 4.0);
    EXPECT_EQ(quantile_of(-0.1, {4, 1}), -kInfinity);
    EXPECT_EQ(quantile_of(1.1, {4, 1}), kInfinity);
    EXPECT_TRUE(std::isnan(quantile_of(kNaN, {4, 1})));
    EXPECT_TRUE(std::isnan(quantile_of(0, {4, kNaN})));  // NaN is the smallest
    EXPECT_EQ(quantile_of(1, {4, kNaN}), 4.0);
}

TEST(MadOverTime, IsTheMedianDistanceFromTheMedian) {
    EXPECT_EQ(over("mad_over_time", {4, 6, 2, 1, 999, 1, 2}), 1.0);
    EXPECT_EQ(over("mad_over_time", {5}), 0.0);
    EXPECT_TRUE(std::isnan(over("mad_over_time", {5, kNaN, 1})));
    EXPECT_TRUE(std::isnan(over("mad_over_time", {kInfinity, kInfinity, 1})));
}

TEST(SlidingWindows, PickWhatEachWindowAlonePicks) {
    std::mt19937 random(42);
    std::uniform_int_distribution<int> value(0, 30);
    std::uniform_int_distribution<Timestamp> gap(200, 9000);
    std::vector<Sample> samples;
    for (Timestamp time = 0; samples.size() < 400; time += gap(random)) {
        const int drawn = value(random);
        samples.push_back({time, drawn == 0 ? kNaN : drawn});
    }
    for (const Timestamp range : {3'000, 60'000, 900'000}) {
        for (const Timestamp step : {1'000, 15'000, 200'000}) {
            const WindowTimes times{.first = 1'000, .step = step, .steps = 100, .range = range};
            const std::vector<double> quantiles(times.steps, 0.3);
            for (const char* name : {"max_over_time", "min_over_time", "ts_of_max_over_time",
                                     "ts_of_min_over_time", "quantile_over_time"}) {
                const auto all =
                    TestWindows(samples, times).evaluate(name, prometheus3, {.first = quantiles});
                for (std::size_t at = 0; at < times.steps; ++at) {
                    WindowTimes one = times;
                    one.first += static_cast<Timestamp>(at) * step;
                    one.steps = 1;
                    const auto alone =
                        TestWindows(samples, one).evaluate(name, prometheus3, {.first = quantiles});
                    EXPECT_TRUE(same_bits(all[at], alone[0]))
                        << name << " " << range << " " << step << " " << at;
                }
            }
        }
    }
}

TEST(FindWindowFunction, KnowsWhatEachDialectHas) {
    EXPECT_NE(find_window_function("holt_winters", prometheus2), nullptr);
    EXPECT_EQ(find_window_function("holt_winters", prometheus3), nullptr);
    EXPECT_EQ(find_window_function("mad_over_time", prometheus2), nullptr);
    EXPECT_EQ(find_window_function("abs", prometheus3), nullptr);
    EXPECT_TRUE(find_window_function("last_over_time", prometheus3)->keeps_name);
    EXPECT_TRUE(find_window_function("rate", prometheus3)->is_for_counters);
    EXPECT_FALSE(find_window_function("irate", prometheus3)->is_for_counters);
}

}  // namespace
}  // namespace inferscope::promql
