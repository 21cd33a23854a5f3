// SPDX-License-Identifier: Apache-2.0
// A row in the log, as its difference from the row before of the same group:
//
//   zigzag varint time - time before | a bit for each word of 64 columns that has a change, up to a
//   whole byte | these words, a bit for each column that changed | the changes
//
// A change is one of
//   varint 2 * zigzag(value - before)      both are whole numbers of at most 53 bits
//   byte 1 + 2 * (z + 8 * (n - 1)), n bytes    the others: bits XOR bits before, z zero bytes left
//                                          out at the low end and the rest at the high end
// A piece of a row:
//
//   zigzag varint time - time before | varint number of cells | their columns, as runs of
//   neighbours: varint 2 * gap since the run before + (1 if longer than one), varint length - 2 if
//   longer than one | a bit for each cell that changed, to a whole byte | the changes
//
// At the start of a stretch of the log time and values before are zero: such a row is a full one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "telemetry/appender.h"
#include "tsdb/bit_varint.h"

namespace inferscope::tsdb::wal {

/// The row before.
struct RowBefore {
    Timestamp time = 0;
    std::vector<double> values;  ///< one for each column
    bool is_row = false;         ///< false at the start of a stretch, and behind new columns

    void restart() {
        time = 0;
        std::ranges::fill(values, 0.0);
        is_row = false;
    }
};

/// `row` becomes the row before.
void append_row(std::string& out, const Row& row, RowBefore& before);

/// `cells` rise by column, and are columns of `before`; their values become those before.
void append_cells(std::string& out, Timestamp time, std::span<const Cell> cells, RowBefore& before);

/// False if `in` isn't a piece of a row of so many columns. The time is that of `before` then.
bool read_cells(ByteReader& in, RowBefore& before, std::vector<Cell>& cells);

/// The next row becomes the row before; `changed` says in which columns it differs, one bit each.
/// False if `in` isn't a row of so many columns; then `before` is none either.
bool read_row(ByteReader& in, RowBefore& before, std::vector<std::uint64_t>& changed);

}  // namespace inferscope::tsdb::wal
