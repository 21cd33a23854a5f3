// SPDX-License-Identifier: Apache-2.0
// The newest rows of a group, column by column. Most columns stand still for a while, so a column
// is one value until it has another one; then it gets a slot for each row:
//
//   column ─► values_[column]                        the value of all rows that have a sample, or
//          └► slots_[(slot_of_[column] - 1) * kTileRows + row]
//
// A million series as engines show them take 40 bytes each so, and 100 with slots for all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "telemetry/sample.h"

namespace inferscope::tsdb {

inline constexpr std::size_t kTileRows = 12;

/// Filled by its owner; once it is shared, immutable.
class Tile {
public:
    [[nodiscard]] std::size_t rows() const { return rows_; }
    [[nodiscard]] std::size_t columns() const { return present_.size(); }
    [[nodiscard]] bool is_full() const { return rows_ == kTileRows; }
    /// Strictly rising.
    [[nodiscard]] std::span<const Timestamp> times() const { return {times_.data(), rows_}; }
    /// Any number if there is no sample.
    [[nodiscard]] double value(std::size_t column, std::size_t row) const {
        const auto slot = slot_of_[column];
        return slot == 0 ? values_[column] : slots_[(slot - 1) * kTileRows + row];
    }
    /// Of the first rows, as many as `out` has.
    void copy(std::size_t column, std::span<double> out) const;
    /// A bit for each row, lowest first.
    [[nodiscard]] std::uint32_t present(std::size_t column) const { return present_[column]; }

    /// More columns, without sample in the rows before.
    void grow(std::size_t columns);
    /// Opens the next row and returns its number. The tile isn't full.
    std::size_t add_row(Timestamp time);
    /// The row has no sample there yet.
    void set(std::size_t column, std::size_t row, double value);
    void clear(std::size_t column, std::size_t row) {
        present_[column] &= static_cast<Rows>(~(1U << row));
    }
    /// Takes the first rows out; keeps the memory.
    void drop_rows(std::size_t count);

    /// A tile of the first rows.
    [[nodiscard]] Tile first(std::size_t rows) const;
    /// A tile of these columns only, in this order; columns that it doesn't have are empty.
    [[nodiscard]] Tile only(std::span<const std::uint32_t> columns) const;
    [[nodiscard]] std::size_t heap_bytes() const;

private:
    using Rows = std::uint16_t;  // a bit for each
    static_assert(kTileRows <= 16);

    void make_slots(std::size_t column);
    void drop_rows(std::size_t column, std::size_t count, std::vector<double>& left);

    std::array<Timestamp, kTileRows> times_{};
    std::size_t rows_ = 0;
    std::vector<double> values_;
    std::vector<Rows> present_;
    std::vector<std::uint32_t> slot_of_;  // from 1; 0 = the column has one value
    std::vector<double> slots_;
};

inline void Tile::set(std::size_t column, std::size_t row, double value) {
    if (slot_of_[column] == 0) {
        if (present_[column] == 0) values_[column] = value;
        if (!same_bits(values_[column], value)) make_slots(column);
    }
    present_[column] |= static_cast<Rows>(1U << row);
    if (const auto slot = slot_of_[column]; slot != 0) slots_[(slot - 1) * kTileRows + row] = value;
}

}  // namespace inferscope::tsdb
