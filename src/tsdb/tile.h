// SPDX-License-Identifier: Apache-2.0
// The newest rows of a group, column by column: 16 slots for each column stand together, so that
// reading and sealing go along memory, and a new column is appended at the end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"

namespace inferscope::tsdb {

inline constexpr std::size_t kTileRows = 16;

/// Filled by its owner, then immutable. A slot without sample holds any number.
class Tile {
public:
    [[nodiscard]] std::size_t rows() const { return rows_; }
    [[nodiscard]] std::size_t columns() const { return present_.size(); }
    [[nodiscard]] bool is_full() const { return rows_ == kTileRows; }
    /// Strictly rising.
    [[nodiscard]] std::span<const Timestamp> times() const { return {times_.data(), rows_}; }
    [[nodiscard]] std::span<const double> values(std::size_t column) const {
        return {&values_[column * kTileRows], rows_};
    }
    /// A bit for each row, lowest first.
    [[nodiscard]] std::uint32_t present(std::size_t column) const { return present_[column]; }

    /// More columns, without sample in the rows before.
    void grow(std::size_t columns);
    /// Opens the next row and returns its number. The tile isn't full.
    std::size_t add_row(Timestamp time);
    /// The slot of (column, row) stands at column * kTileRows + row.
    [[nodiscard]] std::span<double> slots() { return values_; }
    [[nodiscard]] std::span<std::uint32_t> presence() { return present_; }

    /// A tile of these columns only, in this order; columns that it doesn't have are empty.
    [[nodiscard]] Tile only(std::span<const std::uint32_t> columns) const;
    [[nodiscard]] std::size_t heap_bytes() const;

private:
    std::array<Timestamp, kTileRows> times_{};
    std::size_t rows_ = 0;
    std::vector<double> values_;
    std::vector<std::uint32_t> present_;
};

}  // namespace inferscope::tsdb
