// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "promql/kahan.h"
#include "promql/numbers_for_test.h"
#include "promql/windows_for_test.h"

namespace inferscope::promql {
namespace {

using enum Dialect;

/// Samples 10 s apart from 10 s on, all in one window that ends with the last one.
double over(std::string_view name, const std::vector<double>& values, Dialect dialect = prometheus3,
            const WindowParameters& parameters = {}) {
    std::vector<Sample> samples;
    for (const double value : values) {
        samples.push_back({static_cast<Timestamp>(samples.size() + 1) * 10'000, value});
    }
    const auto end = static_cast<Timestamp>(values.size()) * 10'000;
    return TestWindows(samples, {.first = end, .range = end}, dialect)
        .evaluate(name, dialect, parameters)[0];
}

TEST(SumOverTime, KeepsWhatSmallNumbersAdd) {
    EXPECT_EQ(over("sum_over_time", {1e100, 1, -1e100}), 1.0);
    EXPECT_EQ(over("sum_over_time", {kInfinity, 1, 2}), kInfinity);
    EXPECT_TRUE(std::isnan(over("sum_over_time", {kInfinity, -kInfinity})));
    EXPECT_EQ(over("sum_over_time", {1e308, 1e308}), kInfinity);
    EXPECT_TRUE(is_absent(over("sum_over_time", {})));
}

TEST(AvgOverTime, DoesNotOverflow) {
    for (const Dialect dialect : {prometheus2, prometheus3}) {
        EXPECT_EQ(over("avg_over_time", {1e308, 1e308, 1e308, 1e308}, dialect), 1e308);
        EXPECT_EQ(over("avg_over_time", {kInfinity, 5, kInfinity}, dialect), kInfinity);
        EXPECT_EQ(over("avg_over_time", {5}, dialect), 5.0);
        EXPECT_TRUE(std::isnan(over("avg_over_time", {kInfinity, -kInfinity}, dialect)));
        EXPECT_TRUE(std::isnan(over("avg_over_time", {1, kNaN}, dialect)));
    }
}

TEST(AvgOverTime, DividesTheSumInDialect3AndMovesTheMeanInDialect2) {
    EXPECT_EQ(over("avg_over_time", {1e100, 1, -1e100, 2}), 0.75);
    const std::vector<double> values{0.1, 0.7, 0.3};
    EXPECT_EQ(over("avg_over_time", values), 1.1 / 3);
}

TEST(StddevOverTime, IsZeroForOneSampleAndNaNForInfinity) {
    EXPECT_EQ(over("stddev_over_time", {2, 4, 4, 4, 5, 5, 7, 9}), 2.0);
    EXPECT_EQ(over("stdvar_over_time", {2, 4, 4, 4, 5, 5, 7, 9}), 4.0);
    EXPECT_EQ(over("stdvar_over_time", {42}), 0.0);
    EXPECT_EQ(over("stdvar_over_time", {1.5990505637277868, 1.5990505637277868}), 0.0);
    for (const Dialect dialect : {prometheus2, prometheus3}) {
        EXPECT_TRUE(std::isnan(over("stddev_over_time", {1, kInfinity}, dialect)));
    }
}

TEST(StdvarOverTime, OverflowsToAnInfinityInDialect3Only) {
    EXPECT_TRUE(std::isinf(over("stdvar_over_time", {1.7e308, -1.7e308}, prometheus3)));
    EXPECT_TRUE(std::isnan(over("stdvar_over_time", {1.7e308, -1.7e308}, prometheus2)));
}

TEST(Deriv, IsTheSlopePerSecond) {
    EXPECT_DOUBLE_EQ(over("deriv", {0, 5, 10, 15}), 0.5);
    EXPECT_EQ(over("deriv", {7, 7, 7}), 0.0);
    EXPECT_TRUE(std::isnan(over("deriv", {kInfinity, kInfinity})));
    EXPECT_TRUE(std::isnan(over("deriv", {1, kNaN, 2})));
    EXPECT_TRUE(is_absent(over("deriv", {7})));
}

/// As deriv() has it, sum by sum.
template <Dialect kDialect>
double slope_of(const std::vector<double>& values) {
    KahanSum<kDialect> x_sum;
    KahanSum<kDialect> y_sum;
    KahanSum<kDialect> xy_sum;
    KahanSum<kDialect> xx_sum;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double x = 10.0 * static_cast<double>(i);
        x_sum.add(x);
        y_sum.add(values[i]);
        xy_sum.add(x * values[i]);
        xx_sum.add(x * x);
    }
    const auto n = static_cast<double>(values.size());
    const double covariance = xy_sum.total() - x_sum.total() * y_sum.total() / n;
    return covariance / (xx_sum.total() - x_sum.total() * x_sum.total() / n);
}

TEST(Deriv, HasTheBitsOfItsSumsOneByOne) {
    std::mt19937 random(1);
    const std::array special{kNaN, kInfinity, -kInfinity, 1e308, -1e308, 1e-300, -0.0};
    for (int round = 0; round < 2000; ++round) {
        std::vector<double> values(2 + random() % 40);
        for (auto& value : values) {
            const bool is_special = round % 2 == 0 && random() % 8 == 0;
            value = is_special
                        ? special[random() % special.size()]
                        : std::ldexp(static_cast<double>(random()), int(random() % 200) - 100);
        }
        const auto bits = [](double value) {
            return std::isnan(value) ? 1 : std::bit_cast<std::uint64_t>(value);
        };
        EXPECT_EQ(bits(over("deriv", values, prometheus2)), bits(slope_of<prometheus2>(values)));
        EXPECT_EQ(bits(over("deriv", values, prometheus3)), bits(slope_of<prometheus3>(values)));
    }
}

TEST(PredictLinear, LooksFromTheEvaluationTimeNotFromTheWindow) {
    const std::vector<double> hour{3600};
    EXPECT_DOUBLE_EQ(over("predict_linear", {0, 5, 10, 15}, prometheus3, {.first = hour}),
                     15 + 1800);
    EXPECT_EQ(over("predict_linear", {7, 7}, prometheus3, {.first = hour}), 7.0);
    EXPECT_TRUE(is_absent(over("predict_linear", {7}, prometheus3, {.first = hour})));

    const std::vector<Sample> samples{{0, 0}, {10'000, 10}, {20'000, 20}};
    const std::vector<double> now{0};
    const TestWindows windows(samples, {.first = 120'000, .range = 30'000, .offset = 100'000});
    EXPECT_DOUBLE_EQ(windows.evaluate("predict_linear", prometheus3, {.first = now})[0], 120);
}

TEST(PredictLinear, SlidesOverFlatAndSteepPartsAlike) {
    std::vector<Sample> samples;
    for (Timestamp time = 0; time < 40; ++time) {
        samples.push_back({time * 10'000, static_cast<double>(time / 8)});
    }
    const WindowTimes times{.first = 20'000, .step = 10'000, .steps = 38, .range = 30'000};
    const std::vector<double> ahead(times.steps, 60);
    const auto all =
        TestWindows(samples, times).evaluate("predict_linear", prometheus3, {.first = ahead});
    for (std::size_t at = 0; at < times.steps; ++at) {
        WindowTimes one = times;
        one.first += static_cast<Timestamp>(at) * times.step;
        one.steps = 1;
        const auto alone =
            TestWindows(samples, one).evaluate("predict_linear", prometheus3, {.first = ahead});
        EXPECT_TRUE(same_bits(all[at], alone[0])) << at;
    }
}

TEST(DoubleExponentialSmoothing, FollowsLevelAndTrend) {
    const std::vector<double> half{0.5};
    const WindowParameters parameters{.first = half, .second = half};
    const auto smooth = [&](const std::vector<double>& values) {
        return over("double_exponential_smoothing", values, prometheus3, parameters);
    };
    EXPECT_EQ(smooth({1, 2}), 2.0);
    // Level 2 and trend 1 after two; then trend 0.5 * (2 - 1) + 0.5 * 1, level (6 + 3) / 2.
    EXPECT_EQ(smooth({1, 2, 6}), 4.5);
    EXPECT_TRUE(is_absent(smooth({1})));
    EXPECT_EQ(over("holt_winters", {1, 2, 6}, prometheus2, parameters), 4.5);
}

TEST(DoubleExponentialSmoothing, RefusesFactorsAsPrometheusDoes) {
    EXPECT_EQ(check_smoothing(0.5, 0.5), std::nullopt);
    EXPECT_EQ(check_smoothing(1, 0.5),
              "invalid smoothing factor. Expected: 0 < sf < 1, got: 1.000000");
    EXPECT_EQ(check_smoothing(0.5, -kInfinity),
              "invalid trend factor. Expected: 0 < tf < 1, got: -Inf");
}

}  // namespace
}  // namespace inferscope::promql
