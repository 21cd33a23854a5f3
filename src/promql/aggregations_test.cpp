// SPDX-License-Identifier: Apache-2.0
#include "promql/aggregations.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <span>
#include <vector>

#include "promql/numbers_for_test.h"
#include "promql/step_values.h"
#include "telemetry/sample.h"

namespace inferscope::promql {
namespace {

using enum Dialect;

/// Of series that have one step.
double aggregate(Aggregation op, const std::vector<double>& values, Dialect dialect = prometheus3) {
    const auto sum = make_group_sum(op, dialect, 1);
    for (const double& value : values) sum->add({&value, 1});
    double out = 0;
    sum->finish({&out, 1});
    return out;
}

constexpr Aggregation kAll[]{Aggregation::sum,    Aggregation::avg,   Aggregation::min,
                             Aggregation::max,    Aggregation::count, Aggregation::group,
                             Aggregation::stddev, Aggregation::stdvar};

TEST(Aggregations, AreAbsentWithoutValuesAndPassOverAbsentOnes) {
    for (const Dialect dialect : {prometheus2, prometheus3}) {
        for (const Aggregation op : kAll) {
            EXPECT_TRUE(is_absent(aggregate(op, {}, dialect))) << to_string(op);
            EXPECT_TRUE(is_absent(aggregate(op, {kAbsent, kAbsent}, dialect))) << to_string(op);
            EXPECT_TRUE(same_bits(aggregate(op, {kAbsent, 3, kAbsent, 5}, dialect),
                                  aggregate(op, {3, 5}, dialect)))
                << to_string(op);
        }
    }
}

TEST(Aggregations, ComputeWhatTheirNamesSay) {
    const std::vector<double> values{2, 4, 4, 4, 5, 5, 7, 9};
    for (const Dialect dialect : {prometheus2, prometheus3}) {
        EXPECT_EQ(aggregate(Aggregation::sum, values, dialect), 40.0);
        EXPECT_EQ(aggregate(Aggregation::avg, values, dialect), 5.0);
        EXPECT_EQ(aggregate(Aggregation::min, values, dialect), 2.0);
        EXPECT_EQ(aggregate(Aggregation::max, values, dialect), 9.0);
        EXPECT_EQ(aggregate(Aggregation::count, values, dialect), 8.0);
        EXPECT_EQ(aggregate(Aggregation::group, values, dialect), 1.0);
        EXPECT_EQ(aggregate(Aggregation::stddev, values, dialect), 2.0);
        EXPECT_EQ(aggregate(Aggregation::stdvar, values, dialect), 4.0);
    }
}

TEST(Sum, KeepsWhatSmallNumbersAddInDialect3) {
    EXPECT_EQ(aggregate(Aggregation::sum, {1e100, 1, -1e100}), 1.0);
    EXPECT_EQ(aggregate(Aggregation::sum, {1e100, 1, -1e100}, prometheus2), 0.0);
    EXPECT_EQ(aggregate(Aggregation::sum, {kInfinity, 1}), kInfinity);
    EXPECT_TRUE(std::isnan(aggregate(Aggregation::sum, {kInfinity, -kInfinity})));
    EXPECT_TRUE(std::isnan(aggregate(Aggregation::sum, {kNaN, 1})));
}

TEST(Sum, OfOneNegativeZeroIsIt) {
    EXPECT_TRUE(same_bits(aggregate(Aggregation::sum, {-0.0}, prometheus2), -0.0));
    // In dialect 3 what the sum has lost, 0, is added.
    EXPECT_TRUE(same_bits(aggregate(Aggregation::sum, {-0.0}), 0.0));
}

TEST(Avg, DoesNotOverflow) {
    for (const Dialect dialect : {prometheus2, prometheus3}) {
        EXPECT_EQ(aggregate(Aggregation::avg, {1e308, 1e308, 1e308}, dialect), 1e308);
        EXPECT_EQ(aggregate(Aggregation::avg, {kInfinity, 1, kInfinity}, dialect), kInfinity);
        EXPECT_TRUE(std::isnan(aggregate(Aggregation::avg, {kInfinity, -kInfinity}, dialect)));
    }
    EXPECT_EQ(aggregate(Aggregation::avg, {1e100, 1, -1e100, 2}), 0.75);
}

TEST(Avg, OfOneStepDoesNotChangeItsNeighboursWhenItOverflows) {
    const auto sum = make_group_sum(Aggregation::avg, prometheus3, 3);
    for (const double value : {1e308, 1e308, 1e308}) {
        sum->add(std::vector<double>{0.1, value, kAbsent});
        sum->add(std::vector<double>{0.7, kAbsent, -0.0});
    }
    std::vector<double> out(3);
    sum->finish(out);
    EXPECT_EQ(out[0], aggregate(Aggregation::avg, {0.1, 0.7, 0.1, 0.7, 0.1, 0.7}));
    EXPECT_EQ(out[1], 1e308);
    EXPECT_EQ(out[2], 0.0);
}

TEST(MinMax, PassOverNaNUnlessThereIsNothingElse) {
    EXPECT_EQ(aggregate(Aggregation::min, {kNaN, 3, kNaN, 2}), 2.0);
    EXPECT_EQ(aggregate(Aggregation::max, {kNaN, -kInfinity, kNaN}), -kInfinity);
    const double max = aggregate(Aggregation::max, {kNaN, kNaN});
    EXPECT_TRUE(std::isnan(max) && is_present(max));
}

TEST(Stddev, OfALoneInfinityIsNaNInDialect3AndZeroInDialect2) {
    EXPECT_TRUE(std::isnan(aggregate(Aggregation::stddev, {kInfinity})));
    EXPECT_EQ(aggregate(Aggregation::stddev, {kInfinity}, prometheus2), 0.0);
    EXPECT_TRUE(std::isnan(aggregate(Aggregation::stdvar, {1, kNaN})));
}

TEST(Partitions, AreMergedToWhatTheWholeGroupHas) {
    std::mt19937 random(7);
    std::uniform_real_distribution<double> value(-100, 100);
    constexpr std::size_t kSteps = 3;
    for (const Dialect dialect : {prometheus2, prometheus3}) {
        for (const Aggregation op : kAll) {
            const auto whole = make_group_sum(op, dialect, kSteps);
            const auto merged = make_group_sum(op, dialect, kSteps);
            for (int part = 0; part < 4; ++part) {
                const auto partition = make_group_sum(op, dialect, kSteps);
                for (int i = 0; i < 50; ++i) {
                    // The second step has values in odd partitions only, the third has none.
                    const double drawn = value(random);
                    const std::vector<double> column{drawn, part % 2 == 1 ? drawn : kAbsent,
                                                     kAbsent};
                    whole->add(column);
                    partition->add(column);
                }
                merged->merge(*partition);
            }
            std::vector<double> expected(kSteps);
            std::vector<double> out(kSteps);
            whole->finish(expected);
            merged->finish(out);
            for (const std::size_t at : {0U, 1U}) {
                EXPECT_NEAR(out[at], expected[at], 1e-10 * std::fabs(expected[at]) + 1e-11)
                    << to_string(op);
            }
            EXPECT_TRUE(is_absent(out[2]));
        }
    }
}

TEST(Partitions, OfAnAverageMayOverflowTogether) {
    for (const Dialect dialect : {prometheus2, prometheus3}) {
        const auto first = make_group_sum(Aggregation::avg, dialect, 1);
        const auto second = make_group_sum(Aggregation::avg, dialect, 1);
        const double large = 1e308;
        first->add({&large, 1});
        second->add({&large, 1});
        second->add({&large, 1});
        first->merge(*second);
        double out = 0;
        first->finish({&out, 1});
        EXPECT_DOUBLE_EQ(out, 1e308);
    }
}

TEST(AggregateQuantile, LiesBetweenNeighboursAtEachStep) {
    std::vector<std::vector<double>> values;
    for (const double series : {3.0, 1.0, 2.0}) {
        std::vector<double> column(20, series);
        column[19] = kAbsent;
        values.push_back(column);
    }
    values[0][1] = kAbsent;
    values[0][2] = kNaN;
    const std::vector<std::span<const double>> columns(values.begin(), values.end());
    std::vector<double> quantiles(20, 0.5);
    quantiles[3] = -1;
    quantiles[4] = 2;
    quantiles[5] = kNaN;
    std::vector<double> out(20);
    aggregate_quantile(columns, quantiles, out);
    EXPECT_EQ(out[0], 2.0);
    EXPECT_EQ(out[1], 1.5);
    EXPECT_EQ(out[2], 1.0);  // NaN is the smallest
    EXPECT_EQ(out[3], -kInfinity);
    EXPECT_EQ(out[4], kInfinity);
    EXPECT_TRUE(std::isnan(out[5]));
    EXPECT_EQ(out[18], 2.0);
    EXPECT_TRUE(is_absent(out[19]));
}

}  // namespace
}  // namespace inferscope::promql
