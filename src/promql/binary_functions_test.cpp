// SPDX-License-Identifier: Apache-2.0
#include "promql/binary_functions.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "promql/numbers_for_test.h"
#include "promql/step_values.h"
#include "telemetry/sample.h"

namespace inferscope::promql {
namespace {

double power(double a, double b) { return binary_value(BinaryOp::pow, a, b); }

TEST(BinaryValue, CountsAsGoDoes) {
    EXPECT_EQ(binary_value(BinaryOp::add, 1, 2), 3.0);
    EXPECT_EQ(binary_value(BinaryOp::div, 1, 0), kInfinity);
    EXPECT_TRUE(std::isnan(binary_value(BinaryOp::div, 0, 0)));
    EXPECT_EQ(binary_value(BinaryOp::mod, -5, 3), -2.0);
    EXPECT_TRUE(std::isnan(binary_value(BinaryOp::mod, 5, 0)));
    EXPECT_EQ(binary_value(BinaryOp::mod, 5, kInfinity), 5.0);
    EXPECT_EQ(binary_value(BinaryOp::atan2, -0.0, -1), -std::numbers::pi);
    EXPECT_EQ(binary_value(BinaryOp::less, 1, 2), 1.0);
    EXPECT_EQ(binary_value(BinaryOp::not_equal, kNaN, kNaN), 1.0);
}

/// The numbers with digits: what Prometheus 2.42 answers, another last bit than the C library's.
TEST(BinaryValue, RaisesToPowersAsGoDoes) {
    EXPECT_EQ(power(1.86, -8.73), 0.004437639279071211);
    EXPECT_EQ(power(6.02, 20), 3907777474355393.5);
    EXPECT_EQ(power(0.8, 19), 0.014411518807585615);
    EXPECT_EQ(power(2, 10), 1024.0);
    EXPECT_EQ(power(1, kNaN), 1.0);
    EXPECT_EQ(power(kNaN, 0), 1.0);
    EXPECT_EQ(power(-1, kInfinity), 1.0);
    EXPECT_EQ(power(-1, 1e300), 1.0);
    EXPECT_EQ(power(0.5, kInfinity), 0.0);
    EXPECT_EQ(power(-0.0, -3), -kInfinity);
    EXPECT_EQ(power(0, -2), kInfinity);
    EXPECT_TRUE(same_bits(power(-kInfinity, -3), -0.0));
    EXPECT_EQ(power(-kInfinity, 2), kInfinity);
    EXPECT_TRUE(std::isnan(power(-8, 1.0 / 3)));
    EXPECT_EQ(power(10, 400), kInfinity);
    EXPECT_EQ(power(10, -400), 0.0);
}

TEST(BinaryColumns, AreAbsentWhereOneSideIs) {
    const std::vector<double> left{1, kAbsent, 3, kAbsent};
    std::vector<double> right{10, 20, kAbsent, kAbsent};
    binary_columns(BinaryOp::add, Comparison::filters, left, right, right);
    EXPECT_EQ(right[0], 11.0);
    for (const std::size_t at : {1U, 2U, 3U}) EXPECT_TRUE(is_absent(right[at])) << at;
}

TEST(BinaryColumns, FilterLeavesTheVectorsValue) {
    const std::vector<double> low{1, 5, kAbsent, kNaN};
    const std::vector<double> high{2, 2, 2, 2};
    std::vector<double> out(4);
    binary_columns(BinaryOp::less, Comparison::filters, low, high, out);
    EXPECT_EQ(out[0], 1.0);
    EXPECT_TRUE(is_absent(out[1]) && is_absent(out[2]) && is_absent(out[3]));
    binary_column_scalar(BinaryOp::not_equal, Comparison::filters, low, high, out);
    EXPECT_EQ(out[1], 5.0);
    EXPECT_TRUE(is_absent(out[2]));
    EXPECT_TRUE(std::isnan(out[3]) && is_present(out[3]));
    binary_scalar_column(BinaryOp::greater, Comparison::filters, high, low, out);  // 2 > vector
    EXPECT_EQ(out[0], 1.0);
    EXPECT_TRUE(is_absent(out[1]) && is_absent(out[2]) && is_absent(out[3]));
}

TEST(BinaryColumns, BoolGivesOneOrZero) {
    const std::vector<double> low{1, 5, kAbsent};
    const std::vector<double> high{2, 2, 2};
    std::vector<double> out(3);
    binary_column_scalar(BinaryOp::less, Comparison::gives_bool, low, high, out);
    EXPECT_EQ(out[0], 1.0);
    EXPECT_EQ(out[1], 0.0);
    EXPECT_TRUE(is_absent(out[2]));
    binary_scalars(BinaryOp::greater_or_equal, high, high, out);
    EXPECT_EQ(out[2], 1.0);
}

}  // namespace
}  // namespace inferscope::promql
