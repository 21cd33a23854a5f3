// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_row.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "base/numbers.h"

namespace inferscope::tsdb::wal {
namespace {

using Limits = std::numeric_limits<double>;

std::vector<std::uint64_t> bits(std::span<const double> values) {
    std::vector<std::uint64_t> all;
    for (const double value : values) all.push_back(std::bit_cast<std::uint64_t>(value));
    return all;
}

/// Writes and reads rows; returns the bytes of the last one.
std::size_t expect_round_trip(const std::vector<std::vector<double>>& rows) {
    RowBefore written;
    RowBefore read;
    written.values.resize(rows[0].size());
    read.values.resize(rows[0].size());
    std::size_t size = 0;
    Timestamp time = -5;
    for (const auto& values : rows) {
        std::string bytes = "x";
        append_row(bytes, {.time = time, .values = values, .changed = {}}, written);
        ByteReader in(std::string_view(bytes).substr(1));
        std::vector<std::uint64_t> changed;
        EXPECT_TRUE(read_row(in, read, changed));
        EXPECT_TRUE(in.rest().empty());
        EXPECT_EQ(read.time, time);
        EXPECT_EQ(bits(read.values), bits(values));
        size = bytes.size() - 1;
        time += 15'000;
    }
    return size;
}

TEST(WalRow, EveryPairOfOddValuesComesBackBitForBit) {
    const std::array values{0.0,
                            -0.0,
                            1.0,
                            -1.0,
                            0.5,
                            0x1p53,
                            -0x1p53,
                            0x1p53 + 2,
                            0x1p60,
                            Limits::max(),
                            Limits::lowest(),
                            Limits::denorm_min(),
                            Limits::infinity(),
                            -Limits::infinity(),
                            Limits::quiet_NaN(),
                            -Limits::quiet_NaN(),
                            std::bit_cast<double>(kStaleMarkerBits),
                            1732254918.123};
    std::vector<std::vector<double>> rows(2);
    for (const double first : values) {
        for (const double second : values) {
            rows[0].push_back(first);
            rows[1].push_back(second);
        }
    }
    expect_round_trip(rows);
}

TEST(WalRow, AnyNumberOfColumnsComesBack) {
    std::mt19937_64 random(1);
    for (const auto columns : {0UL, 1UL, 7UL, 63UL, 64UL, 65UL, 511UL, 512UL, 513UL, 1000UL}) {
        std::vector<std::vector<double>> rows(5, std::vector<double>(columns));
        for (auto& row : rows)
            for (double& value : row) value = static_cast<double>(random() % 3);
        expect_round_trip(rows);
    }
}

TEST(WalRow, SmallStepTakesOneByteAndNoStepNone) {
    std::vector<double> row(64, 1e9);
    auto next = row;
    EXPECT_EQ(expect_round_trip({row, next}), 3 + 1);  // time, empty map
    next[5] += 31;
    next[6] -= 32;
    EXPECT_EQ(expect_round_trip({row, next}), 3 + 1 + 8 + 2);
}

TEST(WalRow, OnlyToldColumnsAreLookedAtExceptInTheFirstRow) {
    RowBefore before;
    before.values.resize(2);
    const std::array first{1.0, 2.0};
    const std::array<std::uint64_t, 1> second_only{2};
    std::string bytes;
    append_row(bytes, {.time = 0, .values = first, .changed = second_only}, before);
    EXPECT_EQ(before.values, (std::vector{1.0, 2.0}));
    const std::array next{1.0, 3.0};
    append_row(bytes, {.time = 1, .values = next, .changed = second_only}, before);
    EXPECT_EQ(before.values, (std::vector{1.0, 3.0}));
}

TEST(WalRow, RefusesBytesThatAreNoRow) {
    const auto refused = [](std::string_view bytes, std::size_t columns) {
        RowBefore before;
        before.values.resize(columns);
        ByteReader in(bytes);
        std::vector<std::uint64_t> changed;
        return !read_row(in, before, changed);
    };
    using namespace std::string_view_literals;
    EXPECT_FALSE(refused("\0\1\1\0\0\0\0\0\0\0\2"sv, 1));
    EXPECT_TRUE(refused(""sv, 1));
    EXPECT_TRUE(refused("\0"sv, 1));
    EXPECT_TRUE(refused("\0\2\1\0\0\0\0\0\0\0\2"sv, 1));        // a second word of columns
    EXPECT_TRUE(refused("\0\1\2\0\0\0\0\0\0\0\2"sv, 1));        // a second column
    EXPECT_TRUE(refused("\0\1\1\0\0\0\0\0\0\0"sv, 1));          // no change
    EXPECT_TRUE(refused("\0\1\1\0\0\0\0\0\0\0\x1f\1\1"sv, 1));  // bytes above the value
    EXPECT_TRUE(refused("\0\1\1\0\0\0\0\0\0\0\x80"sv, 1));
}

TEST(WalCells, RandomPiecesComeBackBitForBit) {
    std::mt19937 random(5);
    for (int round = 0; round < 2000; ++round) {
        const std::size_t columns = 1 + random() % 200;
        RowBefore written;
        RowBefore read;
        written.values.resize(columns);
        read.values.resize(columns);
        for (int piece = 0; piece < 5; ++piece) {
            std::vector<Cell> cells;
            const unsigned rare = 1 + random() % 8;
            for (std::uint32_t column = 0; column < columns; ++column) {
                if (random() % rare != 0) continue;
                const auto bits = std::uint64_t{random()} << 32 | random();
                const double odd = std::bit_cast<double>(bits);
                cells.push_back(
                    {column, random() % 2 == 0 ? odd : static_cast<double>(random() % 1000)});
            }
            if (cells.empty()) continue;
            const auto time = static_cast<Timestamp>(random()) - 77;
            std::string bytes;
            append_cells(bytes, time, cells, written);
            ByteReader in(bytes);
            std::vector<Cell> back;
            ASSERT_TRUE(read_cells(in, read, back));
            EXPECT_TRUE(in.rest().empty());
            EXPECT_EQ(read.time, time);
            ASSERT_EQ(back.size(), cells.size());
            for (std::size_t i = 0; i < cells.size(); ++i) {
                ASSERT_EQ(back[i].column, cells[i].column);
                ASSERT_EQ(std::bit_cast<std::uint64_t>(back[i].value),
                          std::bit_cast<std::uint64_t>(cells[i].value));
            }
            for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
                ByteReader torn(std::string_view(bytes).substr(0, cut));
                RowBefore before;
                before.values.resize(columns);
                EXPECT_FALSE(read_cells(torn, before, back));
            }
        }
    }
}

TEST(WalCells, APieceOfNeighboursTakesAByteForEachColumnThatChanged) {
    RowBefore before;
    before.values.resize(440);
    std::vector<Cell> cells;
    for (std::uint32_t column = 0; column < 440; ++column) cells.push_back({column, 1});
    std::string bytes;
    append_cells(bytes, 15'000, cells, before);
    bytes.clear();
    for (std::uint32_t column = 0; column < 440; column += 2) cells[column].value = 2;
    append_cells(bytes, 30'000, cells, before);
    EXPECT_LE(bytes.size(), 3 + 2 + 1 + 2 + 55 + 220);
}

}  // namespace
}  // namespace inferscope::tsdb::wal
