// SPDX-License-Identifier: Apache-2.0
// Whole chunks: written, opened, decoded, compared bit for bit; damaged; made of rubbish.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <ranges>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/numbers.h"
#include "tsdb/bit_packing.h"
#include "tsdb/chunk_view.h"
#include "tsdb/chunk_writer.h"
#include "tsdb/column_reader.h"

namespace inferscope::tsdb {
namespace {

using Values = std::vector<double>;
using Bits = std::vector<std::uint64_t>;

struct Column {
    Values values;
    Bits present;  ///< empty: all
};

struct Rows {
    std::vector<Timestamp> times;
    std::vector<Column> columns;
};

std::vector<Timestamp> steady_times(std::size_t rows) {
    std::vector<Timestamp> times;
    for (std::size_t i = 0; i < rows; ++i)
        times.push_back(1'760'000'000'000 + static_cast<Timestamp>(i) * 15'000);
    return times;
}

std::string seal(const Rows& rows) {
    ChunkWriter writer;
    writer.begin(rows.times);
    for (const auto& column : rows.columns) writer.add_column(column.values, column.present);
    std::string bytes = "what stood there before";
    const auto before = bytes.size();
    writer.finish(bytes);
    return bytes.substr(before);
}

void expect_column(const ChunkView& view, ColumnDecoder& decoder, std::size_t index,
                   const Column& column) {
    Values values(view.rows());
    Bits present((view.rows() + 63) / 64);
    const auto presence = decoder.decode(index, values, present);
    ASSERT_TRUE(presence) << presence.error().text;
    for (std::size_t row = 0; row < view.rows(); ++row) {
        const bool there = *presence == Presence::all || is_present(present, row);
        ASSERT_EQ(there, is_present(column.present, row)) << "column " << index << " row " << row;
        if (!there) continue;
        ASSERT_EQ(std::bit_cast<std::uint64_t>(values[row]),
                  std::bit_cast<std::uint64_t>(column.values[row]))
            << "column " << index << " row " << row;
    }
}

/// Every value's bits, and what is said of all of them, from row `begin` on.
void expect_read(const ReadColumn& read, std::span<const double> values, std::size_t begin,
                 const Column& column) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto row = begin + i;
        ASSERT_EQ(is_present(read.present, row), is_present(column.present, row)) << row;
        ASSERT_TRUE(is_present(column.present, row) || !read.facts.is_plain) << row;
        if (!is_present(column.present, row)) continue;
        const auto bits = std::bit_cast<std::uint64_t>(values[i]);
        ASSERT_EQ(bits, std::bit_cast<std::uint64_t>(column.values[row])) << row;
        ASSERT_TRUE(bits != kStaleMarkerBits || !read.facts.is_plain) << row;
        ASSERT_TRUE(i == 0 || values[i - 1] <= values[i] || !read.facts.never_falls) << row;
    }
}

/// Decodes, then decodes and keeps, then reads what was kept: of some columns all rows, of others
/// some.
void expect_same_again_and_again(const ChunkView& view, const Rows& rows) {
    KeptColumns kept;
    kept.make_room(view.columns());
    ColumnReader reader;
    std::size_t at_first = 0;
    for (int round = 0; round < 3; ++round) {
        reader.use(view, kept);
        for (std::size_t i = 0; i < rows.columns.size(); ++i) {
            const auto begin =
                i % 3 == 0 ? 0 : (i * 7 + static_cast<std::size_t>(round)) % view.rows();
            const auto end = i % 4 == 0 ? view.rows() : begin + (view.rows() - begin + 1) / 2;
            Values values(end - begin);
            const auto read = reader.read(i, begin, values);
            ASSERT_TRUE(read) << read.error().text;
            SCOPED_TRACE(fmt::format("column {}, round {}", i, round));
            expect_read(*read, values, begin, rows.columns[i]);
            EXPECT_EQ(kept.find(i) != nullptr, round > 0 && !view.constant(i));
            EXPECT_TRUE(reader.read(i, begin, {}));
        }
        if (round == 0) at_first = kept.heap_bytes();
    }
    const auto is_kept = [&](std::size_t i) { return kept.find(i) != nullptr; };
    const auto all = std::views::iota(std::size_t{0}, view.columns());
    EXPECT_EQ(kept.heap_bytes() > at_first, std::ranges::any_of(all, is_kept));
}

/// Seals, opens, decodes in rising and in falling order.
std::string round_trip(const Rows& rows) {
    auto bytes = seal(rows);
    const auto view = ChunkView::open(bytes);
    EXPECT_TRUE(view) << view.error().text;
    if (!view) return bytes;
    EXPECT_THAT(view->times(), testing::ElementsAreArray(rows.times));
    EXPECT_EQ(view->columns(), rows.columns.size());
    ColumnDecoder rising(*view), falling(*view);
    for (std::size_t i = 0; i < rows.columns.size(); ++i) {
        expect_column(*view, rising, i, rows.columns[i]);
        const auto other = rows.columns.size() - 1 - i;
        expect_column(*view, falling, other, rows.columns[other]);
    }
    expect_same_again_and_again(*view, rows);
    return bytes;
}

ColumnHeader header_of(const std::string& chunk, std::size_t column) {
    return ChunkView::open(chunk)->column(column).header;
}

/// A column of one of many characters.
Values make_values(std::mt19937_64& random, std::size_t rows) {
    static const std::array kOdd{0.0,
                                 -0.0,
                                 kStaleMarker,
                                 kNormalNaN,
                                 std::bit_cast<double>(std::uint64_t{0xfff4000000000123}),
                                 std::numeric_limits<double>::infinity(),
                                 -std::numeric_limits<double>::infinity(),
                                 std::numeric_limits<double>::denorm_min(),
                                 -std::numeric_limits<double>::max(),
                                 0x1p53 + 2,
                                 -0x1p63,
                                 1e300};
    const auto character = random() % 12;
    const double scale = std::ldexp(1.0, static_cast<int>(random() % 40));
    Values values(rows);
    double sum = static_cast<double>(random() % 1000) * scale;
    for (auto& value : values) {
        const double part = static_cast<double>(random() % 1'000'000) / 1'000'000;
        const double up = std::floor(part * part * scale);
        sum += character % 2 == 0 ? up : part * scale;
        switch (character) {
            case 0:
                value = sum;
                break;
            case 1:
                value = sum;
                break;
            case 2:
                value = -sum;
                break;
            case 3:
                value = std::bit_cast<double>(random());
                break;
            case 4:
                value = up;
                break;
            case 5:
                value = 1 - part;
                break;
            case 6:
                value = std::floor(sum) / 100;
                break;
            case 7:
                value = kOdd[random() % kOdd.size()];
                break;
            case 8:
                value = random() % 20 == 0 ? kOdd[random() % kOdd.size()] : sum;
                break;
            case 9:
                value = random() % 50 == 0 ? sum = 0 : sum;
                break;
            case 10:
                value = scale;
                break;
            default:
                value = random() % 30 == 0 ? 1 : 0;
        }
    }
    return values;
}

Bits make_presence(std::mt19937_64& random, std::size_t rows) {
    Bits bits((rows + 63) / 64);
    switch (random() % 6) {
        case 0:
            return bits;  // none
        case 1:
            for (auto& word : bits) word = 0x5555555555555555;
            return bits;  // every other
        case 2:
            for (auto& word : bits) word = random();
            return bits;
        case 3:
            bits.back() = ~std::uint64_t{0};
            return bits;  // from some time on
        default:
            return {};
    }
}

Rows make_rows(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    Rows made;
    const std::size_t rows = std::array{1U, 2U, 3U, 64U, 65U, 240U, 1000U}[seed % 7];
    Timestamp time = static_cast<Timestamp>(random() % 2'000'000'000'000) - 1'000'000'000'000;
    for (std::size_t i = 0; i < rows; ++i)
        made.times.push_back(time += 1 + static_cast<Timestamp>(random() % (1 + seed * 1000)));
    const std::size_t columns = 1 + random() % 30;
    for (std::size_t i = 0; i < columns; ++i) {
        if (i > 1 && random() % 2 == 0) {  // related to others, not always exactly
            const auto& a = made.columns[random() % i].values;
            const auto& b = made.columns[random() % i].values;
            Values values(rows);
            const auto how = random() % 4;
            for (std::size_t row = 0; row < rows; ++row)
                values[row] = how == 0   ? a[row]
                              : how == 1 ? a[row] + b[row]
                              : how == 2 ? a[row] - b[row]
                                         : a[row] + static_cast<double>(random() % 3);
            made.columns.push_back({values, make_presence(random, rows)});
        } else {
            made.columns.push_back({make_values(random, rows), make_presence(random, rows)});
        }
    }
    return made;
}

TEST(Chunk, AnyColumnsComeBackBitForBit) {
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
        SCOPED_TRACE(seed);
        round_trip(make_rows(seed));
        if (HasFatalFailure()) return;
    }
}

TEST(Chunk, MayHaveNoColumnAndOneRow) {
    round_trip({.times = {-5}, .columns = {}});
    round_trip(
        {.times = {std::numeric_limits<Timestamp>::max()}, .columns = {{{kStaleMarker}, {}}}});
    round_trip({.times = {0}, .columns = {{{1.5}, {0}}}});
}

TEST(Chunk, TimesMayBeAnywhere) {
    constexpr auto kMin = std::numeric_limits<Timestamp>::min();
    constexpr auto kMax = std::numeric_limits<Timestamp>::max();
    round_trip({.times = {kMin, -1, 0, 1, kMax}, .columns = {}});
}

TEST(Chunk, SteadyTimesTakeAFewBytes) {
    Rows rows{.times = steady_times(240), .columns = {}};
    EXPECT_LE(round_trip(rows).size(), 32U);
    for (std::size_t i = 0; i < rows.times.size(); i += 16) rows.times[i] += 2;
    EXPECT_LE(round_trip(rows).size(), 90U);
}

TEST(Chunk, AConstantColumnTakesTwoBytesOrFewer) {
    Rows rows{.times = steady_times(240), .columns = {}};
    const auto empty = round_trip(rows).size();
    for (int i = 0; i < 100; ++i) rows.columns.push_back({Values(240, 7.0), {}});
    EXPECT_LE(round_trip(rows).size(), empty + 102);
}

/// Cumulative buckets of one histogram, +Inf last, then its count; then the same count elsewhere.
Rows histogram(std::size_t rows, std::size_t buckets) {
    std::mt19937_64 random(5);
    Rows made{.times = steady_times(rows), .columns = {}};
    made.columns.resize(buckets + 2, {Values(rows), {}});
    std::vector<double> counts(buckets);
    for (std::size_t row = 0; row < rows; ++row) {
        double sum = 0;
        for (std::size_t i = 0; i < buckets; ++i) {
            counts[i] += static_cast<double>(random() % 50);
            made.columns[i].values[row] = sum += counts[i];
        }
        made.columns[buckets].values[row] = sum;
        made.columns[buckets + 1].values[row] = sum + 12345;
    }
    return made;
}

TEST(Chunk, ACountIsForetoldFromItsInfBucket) {
    const auto chunk = round_trip(histogram(240, 5));
    for (const std::size_t count : {5U, 6U}) {
        EXPECT_EQ(header_of(chunk, count).relation, Relation::same);
        EXPECT_EQ(header_of(chunk, count).form, ColumnForm::zero);
        EXPECT_EQ(header_of(chunk, count).related[0], 4U);
    }
    EXPECT_EQ(header_of(chunk, 3).relation, Relation::same);
    EXPECT_EQ(header_of(chunk, 3).related[0], 2U);
}

TEST(Chunk, ChainsOfBucketsEndAtTheBound) {
    const auto chunk = round_trip(histogram(240, 60));
    const auto view = *ChunkView::open(chunk);
    std::uint32_t longest = 0;
    for (std::size_t i = 0; i < view.columns(); ++i)
        longest = std::max<std::uint32_t>(longest, view.column(i).steps);
    EXPECT_EQ(longest, kMaxDecodeSteps);
}

TEST(Chunk, SumsAndDifferencesOfColumnsTakeNoPayload) {
    Rows rows = histogram(240, 2);
    const auto& a = rows.columns[0].values;
    const auto& b = rows.columns[1].values;
    Values sum(240), rest(240);
    for (std::size_t row = 0; row < 240; ++row) {
        sum[row] = a[row] + b[row];
        rest[row] = sum[row] - 2 * a[row];
    }
    rows.columns.push_back({sum, {}});
    rows.columns.push_back({rest, {}});
    const auto chunk = round_trip(rows);
    EXPECT_EQ(header_of(chunk, 4).relation, Relation::sum);
    EXPECT_EQ(header_of(chunk, 4).payload_size, 0U);
    EXPECT_EQ(header_of(chunk, 5).relation, Relation::difference);
    EXPECT_EQ(header_of(chunk, 5).payload_size, 0U);
}

TEST(Chunk, AGaugeThatJumpsIsStoredAsLevels) {
    std::mt19937_64 random(6);
    Values values(240);
    for (auto& value : values) value = static_cast<double>(random() % 64);
    const auto chunk =
        round_trip({.times = steady_times(240), .columns = {{values, {}}, {values, {}}}});
    EXPECT_EQ(header_of(chunk, 0).form, ColumnForm::level);
    EXPECT_EQ(header_of(chunk, 1).form, ColumnForm::zero);  // the same once more
}

TEST(Chunk, StaleMarkersAndAbsenceAreDifferentThings) {
    Values values(240);
    for (std::size_t row = 0; row < 240; ++row) values[row] = static_cast<double>(row * 3);
    values[100] = kStaleMarker;
    Bits present(4, ~std::uint64_t{0});
    present[2] = 0;
    Rows rows{.times = steady_times(240), .columns = {{values, present}, {values, {}}}};
    round_trip(rows);
}

TEST(Chunk, HoldsAHundredThousandColumns) {
    Rows rows{.times = steady_times(3), .columns = {}};
    for (std::size_t i = 0; i < kMaxChunkColumns; ++i) {
        const auto v = static_cast<double>(i);
        rows.columns.push_back({{v, v + static_cast<double>(i % 3), v * 1.5}, {}});
    }
    round_trip(rows);
}

TEST(Chunk, HoldsTheMostRows) {
    Rows rows = histogram(kMaxChunkRows, 3);
    round_trip(rows);
}

TEST(Chunk, EveryDamagedByteAndEveryCutIsAnError) {
    const auto chunk = seal(make_rows(12));
    ASSERT_TRUE(ChunkView::open(chunk));
    for (std::size_t i = 0; i < chunk.size(); ++i) {
        EXPECT_FALSE(ChunkView::open(std::string_view(chunk).substr(0, i)));
        for (const int flip : {1, 0x80, 0xff}) {
            auto damaged = chunk;
            damaged[i] = static_cast<char>(damaged[i] ^ flip);
            EXPECT_FALSE(ChunkView::open(damaged));
        }
    }
    EXPECT_FALSE(ChunkView::open(chunk + '\0'));
}

/// Opens without the checksum and decodes all; whatever comes out is fine.
void read_rubbish(const std::string& bytes) {
    const std::vector<char> exact(bytes.begin(),
                                  bytes.end());  // so that the sanitizer sees its end
    const auto view = ChunkView::open_unchecked({exact.data(), exact.size()});
    if (!view) return;
    Values values(view->rows());
    Bits present((view->rows() + 63) / 64);
    ColumnDecoder decoder(*view);
    for (std::size_t i = 0; i < view->columns(); ++i)
        if (!decoder.decode(i, values, present)) continue;
}

TEST(Chunk, WithoutChecksumDamageIsNeverReadOutOfBounds) {
    for (const std::uint64_t seed : {5U, 12U, 17U, 33U}) {
        const auto chunk = seal(make_rows(seed));
        std::mt19937_64 random(seed);
        for (std::size_t i = 0; i < chunk.size(); ++i) {
            auto damaged = chunk;
            damaged[i] = static_cast<char>(damaged[i] ^ (1 + static_cast<int>(random() % 255)));
            read_rubbish(damaged);
            damaged.resize(i);
            read_rubbish(damaged);
        }
    }
}

TEST(Chunk, RefusesHeadersThatCannotBe) {
    const auto with_columns = [](std::string_view headers, std::size_t count) {
        std::string bytes(kChunkMagic);
        append_varint(bytes, 1);
        append_varint(bytes, count);
        append_varint(bytes, 0);  // the time
        bytes += '\0';
        append_varint(bytes, 0);
        append_varint(bytes, headers.size());
        bytes += headers;
        bytes.append(kChunkTrailer, '\0');
        return ChunkView::open_unchecked(bytes).has_value();
    };
    using namespace std::string_view_literals;
    EXPECT_TRUE(with_columns("\x00"sv, 1));
    EXPECT_FALSE(with_columns("\x00"sv, 2));          // fewer headers than columns
    EXPECT_FALSE(with_columns("\x00\x00"sv, 1));      // more
    EXPECT_FALSE(with_columns("\x00"sv, 100'001));    // too many
    EXPECT_FALSE(with_columns("\x10\x00"sv, 1));      // related to itself
    EXPECT_TRUE(with_columns("\x00\x10\x00"sv, 2));   // related to the one before
    EXPECT_FALSE(with_columns("\x00\x13\x00"sv, 2));  // of another scale
    EXPECT_FALSE(with_columns("\x01\x01"sv, 1));      // a divisor of 1
    EXPECT_FALSE(with_columns("\x04\x05"sv, 1));      // a payload that isn't there
    EXPECT_FALSE(with_columns("\x40\x05"sv, 1));      // gaps that aren't there
    std::string doubling("\x00", 1);
    for (int i = 0; i < 40; ++i) doubling += "\x20\x00\x00"sv;  // 1, 3, 7, ... steps
    EXPECT_FALSE(with_columns(doubling, 41));
}

TEST(KeptColumns, ManyThreadsFindTheSameColumn) {
    Rows rows{steady_times(100), {{Values(100), {}}}};
    for (std::size_t row = 0; row < 100; ++row)
        rows.columns[0].values[row] = static_cast<double>(row * row);
    const auto bytes = seal(rows);
    const auto view = ChunkView::open(bytes);
    ASSERT_TRUE(view);
    KeptColumns kept;
    kept.make_room(1);
    std::array<const NarrowColumn*, 4> found{};
    {
        std::vector<std::jthread> threads;
        for (auto& mine : found) {
            threads.emplace_back([&] {
                ColumnReader reader;
                reader.use(*view, kept);
                for (int round = 0; round < 3; ++round) {
                    Values values(100);
                    ASSERT_TRUE(reader.read(0, 0, values));
                    ASSERT_EQ(values, rows.columns[0].values);
                }
                mine = kept.find(0);
            });
        }
    }
    EXPECT_THAT(found, testing::Each(testing::AllOf(testing::NotNull(), testing::Eq(found[0]))));
}

}  // namespace
}  // namespace inferscope::tsdb
