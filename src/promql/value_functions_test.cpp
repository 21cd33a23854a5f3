// SPDX-License-Identifier: Apache-2.0
#include "promql/value_functions.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <string_view>
#include <vector>

#include "promql/numbers_for_test.h"
#include "promql/step_values.h"
#include "telemetry/sample.h"

namespace inferscope::promql {
namespace {

double value_of(std::string_view name, double in, const std::vector<double>& first = {},
                const std::vector<double>& second = {}) {
    std::vector<double> column{in};
    find_value_function(name, Dialect::prometheus3)(column, {first, second}, column);
    return column[0];
}

struct Case {
    std::string_view name;
    double in;
    double out;
};

/// What Prometheus 2.42 answers; the C library's last bit is another one in each.
TEST(ValueFunctions, HaveTheBitsOfGosMath) {
    constexpr Case kCases[]{
        {"exp", 2.171, 8.767046705383672},     {"exp", 16.953, 23045936.011577014},
        {"ln", 2.709, 0.9965795631029581},     {"ln", 6.067, 1.802864248960161},
        {"log2", 20.109, 4.329769434565826},   {"log2", 4.441, 2.150884571305026},
        {"log10", 31.476, 1.4979795366379782}, {"log10", 36.881, 1.5668026881026889},
        {"sin", -7.928, -0.9972618911985951},  {"sin", 1e9, 0.5458434494486994},
        {"sin", 1e22, -0.8522008497671889},    {"cos", 35.722, -0.39522751324985556},
        {"cos", -35.127, -0.8421810329661701}, {"tan", 8.924, -0.5473130599103088},
        {"tan", 37.315, -0.4041883991206588},  {"asin", 0.124, 0.12431998972196542},
        {"acos", -0.869, 2.6239740774558853},  {"atan", -7.214, -1.4330547494561643},
        {"sinh", -5.835, -171.03090531350693}, {"sinh", -0.779, -0.8602136185046966},
        {"cosh", 1.066, 1.6240622865828598},   {"tanh", 0.223, 0.2193755566097803},
        {"tanh", 0.857, 0.6947087662597711},   {"asinh", -2.991, -1.8155965606271827},
        {"acosh", 8.81, 2.8657979648742247},   {"acosh", 3.051, 1.7806082577687872},
        {"atanh", 0.703, 0.8732072709299943},
    };
    for (const auto& [name, in, out] : kCases) EXPECT_EQ(value_of(name, in), out) << name << in;
}

TEST(ValueFunctions, HaveGosSpecialValues) {
    EXPECT_EQ(value_of("exp", 710), kInfinity);
    EXPECT_EQ(value_of("exp", -kInfinity), 0.0);
    EXPECT_EQ(value_of("ln", 0), -kInfinity);
    EXPECT_TRUE(std::isnan(value_of("ln", -1)));
    EXPECT_EQ(value_of("log2", 8), 3.0);
    EXPECT_EQ(value_of("log2", kInfinity), kInfinity);
    EXPECT_TRUE(std::isnan(value_of("sin", kInfinity)));
    EXPECT_TRUE(same_bits(value_of("sin", -0.0), -0.0));
    EXPECT_TRUE(std::isnan(value_of("acosh", 0.5)));
    EXPECT_EQ(value_of("atanh", -1), -kInfinity);
    EXPECT_TRUE(std::isnan(value_of("sqrt", -1)));
    EXPECT_EQ(value_of("deg", std::numbers::pi), 180.0);
    EXPECT_EQ(value_of("rad", 180), std::numbers::pi);
}

TEST(ValueFunctions, LeaveWhatIsAbsent) {
    std::vector<double> column{1, kAbsent, -2};
    find_value_function("abs", Dialect::prometheus3)(column, {}, column);
    EXPECT_EQ(column[0], 1.0);
    EXPECT_TRUE(is_absent(column[1]));
    EXPECT_EQ(column[2], 2.0);
    EXPECT_FALSE(is_absent(value_of("abs", kNaN)));
}

TEST(Sgn, KeepsZerosAndNaN) {
    EXPECT_EQ(value_of("sgn", -7), -1.0);
    EXPECT_EQ(value_of("sgn", kInfinity), 1.0);
    EXPECT_TRUE(same_bits(value_of("sgn", -0.0), -0.0));
    EXPECT_TRUE(std::isnan(value_of("sgn", kNaN)));
}

TEST(Round, SendsTiesUp) {
    EXPECT_EQ(value_of("round", 2.5), 3.0);
    EXPECT_EQ(value_of("round", -2.5), -2.0);
    EXPECT_EQ(value_of("round", 7, {5}), 5.0);
    EXPECT_EQ(value_of("round", 0.35, {0.1}), 0.4);
    EXPECT_EQ(value_of("round", 2.3, {-1}), 2.0);
    EXPECT_TRUE(std::isnan(value_of("round", 1, {0})));
    EXPECT_TRUE(is_absent(value_of("round", kAbsent, {5})));
}

TEST(Clamp, IsEmptyIfItsBoundsAreSwapped) {
    EXPECT_EQ(value_of("clamp", 5, {0}, {3}), 3.0);
    EXPECT_EQ(value_of("clamp", -5, {0}, {3}), 0.0);
    EXPECT_TRUE(is_absent(value_of("clamp", 5, {3}, {0})));
    EXPECT_TRUE(std::isnan(value_of("clamp", 5, {kNaN}, {3})));
    EXPECT_TRUE(std::isnan(value_of("clamp", kNaN, {0}, {3})));
    EXPECT_EQ(value_of("clamp_min", kNaN, {kInfinity}), kInfinity);
    EXPECT_EQ(value_of("clamp_max", 5, {3}), 3.0);
    EXPECT_TRUE(std::isnan(value_of("clamp_max", kNaN, {3})));
}

TEST(Dates, AreThoseOfUtc) {
    constexpr double kLeapDay = 1709210096;  // 2024-02-29 12:34:56, a Thursday
    EXPECT_EQ(value_of("year", kLeapDay), 2024.0);
    EXPECT_EQ(value_of("month", kLeapDay), 2.0);
    EXPECT_EQ(value_of("day_of_month", kLeapDay), 29.0);
    EXPECT_EQ(value_of("day_of_week", kLeapDay), 4.0);
    EXPECT_EQ(value_of("day_of_year", kLeapDay), 60.0);
    EXPECT_EQ(value_of("days_in_month", kLeapDay), 29.0);
    EXPECT_EQ(value_of("hour", kLeapDay), 12.0);
    EXPECT_EQ(value_of("minute", kLeapDay), 34.0);
    EXPECT_EQ(value_of("year", -0.5), 1970.0);  // towards zero
    EXPECT_EQ(value_of("year", -1), 1969.0);
    EXPECT_EQ(value_of("day_of_year", -1), 365.0);
    EXPECT_EQ(value_of("days_in_month", -2203977600), 28.0);  // 1900-02-28
}

TEST(Dates, OfWhatIsNoTimeAreThoseOfGo) {
    for (const double no_time : {kNaN, kInfinity, -kInfinity, 1e300}) {
        EXPECT_EQ(value_of("year", no_time), 292277026596.0);
        EXPECT_EQ(value_of("month", no_time), 12.0);
        EXPECT_EQ(value_of("day_of_month", no_time), 4.0);
        EXPECT_EQ(value_of("day_of_week", no_time), 0.0);
        EXPECT_EQ(value_of("hour", no_time), 15.0);
    }
}

TEST(FindValueFunction, KnowsNoOthers) {
    EXPECT_EQ(find_value_function("rate", Dialect::prometheus3), nullptr);
    EXPECT_EQ(find_value_function("timestamp", Dialect::prometheus3), nullptr);
    EXPECT_NE(find_value_function("acosh", Dialect::prometheus2), nullptr);
}

}  // namespace
}  // namespace inferscope::promql
