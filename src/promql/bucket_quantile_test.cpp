// SPDX-License-Identifier: Apache-2.0
#include "promql/bucket_quantile.h"

#include <gtest/gtest.h>

#include <algorithm>
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

double quantile(double q, std::vector<Bucket> buckets, Dialect dialect = prometheus3,
                BucketRepair* repair = nullptr) {
    return bucket_quantile(q, buckets, dialect, repair);
}

double fraction(double lower, double upper, std::vector<Bucket> buckets) {
    return bucket_fraction(lower, upper, buckets);
}

const std::vector<Bucket> kUsual{{0.1, 10}, {0.5, 30}, {1, 60}, {kInfinity, 80}};

TEST(BucketQuantile, InterpolatesWithinABucket) {
    EXPECT_EQ(quantile(0.25, kUsual), 0.1 + (0.5 - 0.1) * (10.0 / 20));
    EXPECT_EQ(quantile(0.0625, kUsual), 0.1 * (5.0 / 10));  // from 0 in the first
    EXPECT_EQ(quantile(0.9, kUsual), 1.0);                  // beyond the last bound
    EXPECT_EQ(quantile(0, kUsual), 0.0);
    EXPECT_EQ(quantile(1, kUsual), 1.0);
}

TEST(BucketQuantile, TakesAnyOrderAndAddsEqualBounds) {
    EXPECT_EQ(quantile(0.25, {{kInfinity, 80}, {1, 60}, {0.1, 4}, {0.5, 30}, {0.1, 6}}),
              quantile(0.25, kUsual));
}

TEST(BucketQuantile, HasNoNumberWithoutObservationsOrBounds) {
    EXPECT_TRUE(std::isnan(quantile(0.5, {{1, 0}, {kInfinity, 0}})));
    EXPECT_TRUE(std::isnan(quantile(0.5, {{kInfinity, 5}})));
    EXPECT_TRUE(std::isnan(quantile(0.5, {{1, 3}, {2, 5}})));
    EXPECT_TRUE(std::isnan(quantile(kNaN, kUsual)));
    EXPECT_EQ(quantile(-0.1, kUsual), -kInfinity);
    EXPECT_EQ(quantile(1.1, kUsual), kInfinity);
}

TEST(BucketQuantile, GivesTheLowestBoundIfItIsNotPositive) {
    EXPECT_EQ(quantile(0.1, {{-1, 10}, {1, 20}, {kInfinity, 20}}), -1.0);
    EXPECT_EQ(quantile(0.75, {{-1, 10}, {1, 20}, {kInfinity, 20}}), -1 + 2 * (5.0 / 10));
}

TEST(BucketQuantile, ForcesCountsToRiseAndTellsIt) {
    BucketRepair repair;
    const std::vector<Bucket> broken{{1, 10}, {2, 7}, {3, 9}, {4, 20}, {5, 19}, {kInfinity, 20}};
    EXPECT_EQ(quantile(0.5, broken, prometheus3, &repair), 1.0);
    EXPECT_TRUE(repair.forced_monotonic);
    EXPECT_EQ(repair.lowest_bound, 2.0);
    EXPECT_EQ(repair.highest_bound, 5.0);
    EXPECT_EQ(repair.largest_drop, 3.0);
    EXPECT_EQ(quantile(0.5, broken, prometheus2), 1.0);
    EXPECT_EQ(quantile(0.5, kUsual, prometheus3, &repair), 0.5 + 0.5 * (10.0 / 30));
    EXPECT_FALSE(repair.forced_monotonic);
}

TEST(BucketQuantile, PassesOverRoundingInDialect3Only) {
    // One part in 10^13 too much in the last bucket moves the maximum there, in dialect 2.
    const double count = 1000;
    const std::vector<Bucket> rounded{
        {1, count}, {2, count + 1e-10}, {3, count}, {kInfinity, count + 1e-10}};
    BucketRepair repair;
    EXPECT_EQ(quantile(1, rounded, prometheus3, &repair), 1.0);
    EXPECT_FALSE(repair.forced_monotonic);
    EXPECT_EQ(quantile(1, rounded, prometheus2), 2.0);
}

TEST(BucketFraction, InterpolatesAtBothLimits) {
    EXPECT_EQ(fraction(0.1, 0.5, kUsual), (30.0 - 10) / 80);
    EXPECT_EQ(fraction(-kInfinity, 0.05, kUsual), (10 * 0.05 / 0.1) / 80);
    EXPECT_EQ(fraction(-kInfinity, kInfinity, kUsual), 1.0);
    EXPECT_EQ(fraction(1, kInfinity, kUsual), 20.0 / 80);
    EXPECT_EQ(fraction(-kInfinity, 5, kUsual), 60.0 / 80);  // the last bucket has no width
    EXPECT_EQ(fraction(0.5, 0.5, kUsual), 0.0);
    EXPECT_TRUE(std::isnan(fraction(kNaN, 1, kUsual)));
    EXPECT_TRUE(std::isnan(fraction(0, 1, {{1, 0}, {kInfinity, 0}})));
    EXPECT_TRUE(std::isnan(fraction(0, 1, {{1, 5}})));
}

TEST(BucketFraction, CountsAllOfALowestBucketBelowZero) {
    EXPECT_EQ(fraction(-5, 0, {{-1, 10}, {1, 20}, {kInfinity, 20}}), (15.0 - 10) / 20);
}

TEST(BucketColumns, LeaveOutAbsentBucketsAtTheirSteps) {
    const std::vector<double> bounds{kInfinity, 0.1, 1, 0.5};
    const std::vector<double> all{80, 80, kAbsent, kAbsent};
    const std::vector<double> low{10, kAbsent, 10, kAbsent};
    const std::vector<double> high{60, 60, 60, kAbsent};
    const std::vector<double> middle{30, 30, 30, kAbsent};
    const std::vector<std::span<const double>> columns{all, low, high, middle};
    BucketColumns histogram(bounds, columns);
    std::vector<double> out(4);
    histogram.quantile(std::vector<double>(4, 0.25), prometheus3, out);
    EXPECT_EQ(out[0], quantile(0.25, kUsual));
    EXPECT_EQ(out[1], 0.5 * (20.0 / 30));
    EXPECT_TRUE(std::isnan(out[2]) && is_present(out[2]));
    EXPECT_TRUE(is_absent(out[3]));
    histogram.quantile(std::vector<double>{-1, 2, kNaN, 2}, prometheus3, out);
    EXPECT_EQ(out[0], -kInfinity);
    EXPECT_EQ(out[1], kInfinity);
    EXPECT_TRUE(is_absent(out[3]));
    histogram.fraction(std::vector<double>(4, 0.1), std::vector<double>(4, 0.5), out);
    EXPECT_EQ(out[0], 20.0 / 80);
    EXPECT_TRUE(is_absent(out[3]));
}

TEST(BucketColumns, GiveTheBitsOfEachStepAlone) {
    std::mt19937_64 random(3);
    const auto below = [&](std::uint64_t end) { return random() % end; };
    for (int round = 0; round < 3000; ++round) {
        const std::size_t steps = 1 + below(20);
        std::vector<double> bounds;
        for (std::size_t i = 1 + below(8); i > 0; --i)
            bounds.push_back(static_cast<double>(below(12)) / 4 - 0.5);
        if (below(8) != 0) bounds.push_back(kInfinity);
        std::ranges::sort(bounds);
        if (below(2) == 0) bounds.erase(std::ranges::unique(bounds).begin(), bounds.end());
        std::vector<std::vector<double>> counts(bounds.size(), std::vector<double>(steps));
        for (std::size_t step = 0; step < steps; ++step) {
            double count = below(4) == 0 ? 0 : static_cast<double>(below(100)) / 7;
            const auto trouble = below(40);
            for (auto& column : counts) {
                if (below(3) != 0) count += static_cast<double>(below(100)) / 7;
                column[step] = count;
                if (below(bounds.size()) != 0) continue;
                if (trouble == 0) column[step] = kAbsent;
                if (trouble == 1) column[step] = kNaN;
                if (trouble == 2) column[step] = kInfinity;
                if (trouble == 3) column[step] = count * (1 + 1e-13);
                if (trouble == 4) column[step] = count - 1;
                if (trouble == 5) column[step] = count * 1e-310;
            }
        }
        std::vector<double> quantiles(steps);
        for (auto& one : quantiles)
            one = below(9) == 0 ? -0.5 + static_cast<double>(below(3))
                                : static_cast<double>(below(101)) / 100;
        const std::vector<std::span<const double>> columns(counts.begin(), counts.end());
        for (const auto dialect : {prometheus2, prometheus3}) {
            std::vector<double> out(steps);
            std::vector<RepairedStep> repairs;
            BucketColumns(bounds, columns).quantile(quantiles, dialect, out, &repairs);
            std::size_t repaired = 0;
            for (std::size_t step = 0; step < steps; ++step) {
                std::vector<Bucket> buckets;
                for (std::size_t i = 0; i < bounds.size(); ++i) {
                    if (is_present(counts[i][step]))
                        buckets.push_back({bounds[i], counts[i][step]});
                }
                BucketRepair repair;
                const double alone =
                    buckets.empty() ? kAbsent
                                    : bucket_quantile(quantiles[step], buckets, dialect, &repair);
                ASSERT_TRUE(same_bits(out[step], alone) ||
                            (std::isnan(out[step]) && std::isnan(alone) &&
                             is_absent(out[step]) == is_absent(alone)))
                    << out[step] << ' ' << alone;
                repaired += repair.forced_monotonic ? 1 : 0;
            }
            ASSERT_EQ(repairs.size(), dialect == prometheus3 ? repaired : 0);
        }
    }
}

TEST(BucketColumns, TellWhichStepsTheyMended) {
    const std::vector<double> bounds{1, 2, kInfinity};
    const std::vector<double> first{5, 9};
    const std::vector<double> rest{8, 8};
    const std::vector<std::span<const double>> columns{first, rest, rest};
    std::vector<double> out(2);
    std::vector<RepairedStep> repairs;
    BucketColumns(bounds, columns)
        .quantile(std::vector<double>(2, 0.5), prometheus3, out, &repairs);
    ASSERT_EQ(repairs.size(), 1U);
    EXPECT_EQ(repairs[0].step, 1U);
    EXPECT_EQ(repairs[0].repair.lowest_bound, 2.0);
    EXPECT_EQ(repairs[0].repair.highest_bound, kInfinity);
}

}  // namespace
}  // namespace inferscope::promql
