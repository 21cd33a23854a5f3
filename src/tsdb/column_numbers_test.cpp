// SPDX-License-Identifier: Apache-2.0
#include "tsdb/column_numbers.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/numbers.h"
#include "tsdb/bit_packing.h"

namespace inferscope::tsdb {
namespace {

using Kind = NumberScale::Kind;
using Values = std::vector<double>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The scale that `values` get, when all rows but the exceptions come back from it.
NumberScale scale_of(const Values& values) {
    ColumnNumbers column;
    column.assign(values, {});
    Values back(values.size());
    numbers_to_values(column.scale, column.numbers, back);
    std::size_t exception = 0;
    for (std::size_t row = 0; row < values.size(); ++row) {
        if (exception < column.exceptions.size() && column.exceptions[exception] == row) {
            ++exception;
            continue;
        }
        auto bits = std::bit_cast<std::uint64_t>(back[row]);
        if (!column.corrections.empty()) bits += column.corrections[row];
        EXPECT_EQ(bits, std::bit_cast<std::uint64_t>(values[row])) << "row " << row;
    }
    return column.scale;
}

TEST(ColumnNumbers, WholeNumbersAreIntegers) {
    EXPECT_EQ(scale_of({0, 1, -1, 1e15, -0x1p50}).kind, Kind::integer);
    EXPECT_EQ(scale_of({0.0, 0.0}).kind, Kind::integer);
}

TEST(ColumnNumbers, PagesOfMemoryLoseTheirFactor) {
    EXPECT_EQ(scale_of({4096.0 * 3, 4096.0 * 1001, -4096}),
              (NumberScale{Kind::fixed, zigzag(std::uint64_t{0} - 12)}));
    EXPECT_EQ(scale_of({0x1p60, 0x1p53, 3e17}).kind, Kind::fixed);  // integers above 2^51
}

TEST(ColumnNumbers, DecimalsAreRatios) {
    EXPECT_EQ(scale_of({0.25, 1234.01, 99.99}), (NumberScale{Kind::ratio, 100}));
    EXPECT_EQ(scale_of({1.5, -7.1, 2}), (NumberScale{Kind::ratio, 10}));
    EXPECT_EQ(scale_of({0.123456789, 5.5, 0}), (NumberScale{Kind::ratio, 1'000'000'000}));
}

TEST(ColumnNumbers, SumsOfDecimalsMayMissByALastPlace) {
    Values values;
    for (int i = 0; i < 100; ++i) values.push_back((4711 + 7 * i) / 100.0 + (811 + 2 * i) / 100.0);
    EXPECT_EQ(scale_of(values), (NumberScale{Kind::ratio, 100}));
}

TEST(ColumnNumbers, SharesOfAWholeAreFoundWithoutKnowingIt) {
    Values values;
    for (int i = 0; i < 100; ++i) values.push_back(1.0 - (27431 - i * i % 5000) / 27431.0);
    EXPECT_EQ(scale_of(values), (NumberScale{Kind::ratio, 27431}));
}

TEST(ColumnNumbers, ClockDifferencesAreFixed) {
    Values values;
    double sum = 0;
    for (int i = 0; i < 100; ++i) {
        const double begin = 1.76e9 + 15.01 * i, end = begin + 0.3 + 0.001 * i;
        values.push_back(sum += end - begin);
    }
    EXPECT_EQ(scale_of(values), (NumberScale{Kind::fixed, zigzag(22)}));
}

TEST(ColumnNumbers, WhateverElseIsBits) {
    EXPECT_EQ(scale_of({std::sqrt(2), 1e300, 1e-300}).kind, Kind::bits);
    EXPECT_EQ(scale_of({std::numeric_limits<double>::denorm_min(), 1, std::sqrt(2)}).kind,
              Kind::bits);
    EXPECT_EQ(scale_of({std::numeric_limits<double>::max(), 1}).kind, Kind::bits);
    EXPECT_EQ(scale_of({kStaleMarker, kNormalNaN}).kind, Kind::bits);
}

TEST(ColumnNumbers, WhatIsNoNumberIsAnException) {
    const Values values{1, 2, -0.0, 4, 5, 6, 7, 8, kStaleMarker, 10, 11, kInfinity, 13};
    ColumnNumbers column;
    column.assign(values, {});
    EXPECT_EQ(column.scale.kind, Kind::integer);
    EXPECT_EQ(column.exceptions, (std::vector<std::uint32_t>{2, 8, 11}));
    EXPECT_EQ(column.numbers[8], 8U);  // repeats the number before
}

TEST(ColumnNumbers, AbsentRowsRepeatTheNumberBefore) {
    const Values values{std::sqrt(3), 5, kStaleMarker, 6, std::sqrt(2)};
    const std::vector<std::uint64_t> present{0b01010};
    ColumnNumbers column;
    column.assign(values, present);
    EXPECT_EQ(column.numbers, (std::vector<std::uint64_t>{5, 5, 5, 6, 6}));
    EXPECT_TRUE(column.exceptions.empty());
    const std::vector<std::uint64_t> none{0};
    column.assign(values, none);
    EXPECT_EQ(column.numbers, std::vector<std::uint64_t>(5));
}

}  // namespace
}  // namespace inferscope::tsdb
