// SPDX-License-Identifier: Apache-2.0
// The bytes of a chunk: a sealed run of rows of one group. Drawn in docs/formats/chunk.md.
//
//   "ISC" 1 | varint rows | varint columns | times | varint size of headers | headers | payloads |
//   word size of all | word CRC-32C of all before it
// (words are 32 bits, little-endian). Payloads stand in the order of their headers; the two words
// behind them let a reader load packed bits by the word.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/bit_varint.h"
#include "tsdb/column_numbers.h"

namespace inferscope::tsdb {

inline constexpr std::size_t kMaxChunkRows = 2048;
inline constexpr std::size_t kMaxChunkColumns = 100'000;
/// A column may be foretold from others, which are foretold in turn: so many columns' residuals
/// are read for it at most, its own included.
inline constexpr std::uint32_t kMaxDecodeSteps = 12;

inline constexpr std::string_view kChunkMagic{"ISC\x01", 4};
inline constexpr std::size_t kChunkTrailer = 8;

/// How a column's differences (row by row, of its numbers) are foretold: from those of up to two
/// columns that stand before it and have the same scale. Residuals are added.
enum class Relation : std::uint8_t { none, same, sum, difference };

constexpr std::size_t columns_in(Relation relation) {
    return relation == Relation::none ? 0 : relation == Relation::same ? 1 : 2;
}

/// What the payload's residuals are of.
enum class ColumnForm : std::uint8_t {
    zero,    ///< no bytes: the differences are as foretold
    sparse,  ///< differences
    dense,   ///< differences
    level,   ///< dense, of the numbers themselves: for gauges that jump up and down
};

/// One byte: scale's kind (2 bits, lowest first), form (2), relation (2), whether there are gaps,
/// whether the first number is not as foretold. Then what these call for: varint scale parameter |
/// varint distance to each related column, less 1 | zigzag varint first number, less the foretold
/// one | varint payload size | varint gaps size.
struct ColumnHeader {
    NumberScale scale;
    std::uint64_t first = 0;                 ///< the first row's number; 0 for `level`
    std::array<std::uint32_t, 2> related{};  ///< columns, as many as columns_in(relation)
    std::uint32_t payload_size = 0;          ///< bytes of residuals
    std::uint32_t gaps_size = 0;             ///< bytes behind them: column_gaps.h
    ColumnForm form = ColumnForm::zero;
    Relation relation = Relation::none;
};

/// Foretells a column's first number: from those of its related columns, or else from the newest
/// column with the same scale.
class FirstNumbers {
public:
    [[nodiscard]] std::uint64_t foretell(const ColumnHeader& header) const;
    void expect(std::size_t columns) { all_.reserve(columns); }
    /// Call it for each column in order.
    void remember(const ColumnHeader& header);

private:
    struct Newest {
        NumberScale scale;
        std::uint64_t first = 0;
    };
    std::array<Newest, 4> newest_;  // by kind
    std::vector<std::uint64_t> all_;
};

void append_header(std::string& out, const ColumnHeader& header, std::uint32_t column,
                   const FirstNumbers& before);
/// Not ok() if a scale, form or distance can't be. Sizes are not compared with anything.
ColumnHeader read_header(ByteReader& bytes, std::uint32_t column, const FirstNumbers& before);

}  // namespace inferscope::tsdb
