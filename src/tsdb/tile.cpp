// SPDX-License-Identifier: Apache-2.0
#include "tsdb/tile.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace inferscope::tsdb {

void Tile::copy(std::size_t column, std::span<double> out) const {
    const auto slot = slot_of_[column];
    if (slot == 0) {
        std::ranges::fill(out, values_[column]);
    } else {
        std::copy_n(&slots_[(slot - 1) * kTileRows], out.size(), out.begin());
    }
}

void Tile::grow(std::size_t columns) {
    values_.resize(columns);
    present_.resize(columns);
    slot_of_.resize(columns);
}

std::size_t Tile::add_row(Timestamp time) {
    assert(!is_full() && (rows_ == 0 || times_[rows_ - 1] < time));
    times_[rows_] = time;
    return rows_++;
}

void Tile::make_slots(std::size_t column) {
    const auto end = slots_.size();
    if (end + kTileRows > slots_.capacity()) slots_.reserve(end + std::max(end / 4, 4 * kTileRows));
    slots_.resize(end + kTileRows, values_[column]);
    slot_of_[column] = static_cast<std::uint32_t>(end / kTileRows + 1);
}

void Tile::drop_rows(std::size_t count) {
    std::copy(times_.begin() + static_cast<std::ptrdiff_t>(count), times_.end(), times_.begin());
    rows_ -= count;
    std::vector<double> left;
    for (std::size_t column = 0; column < columns(); ++column) drop_rows(column, count, left);
    slots_.clear();
    for (std::size_t at = 0; at < left.size(); at += rows_) {
        slots_.insert(slots_.end(), &left[at], &left[at] + rows_);
        slots_.resize(slots_.size() + kTileRows - rows_);
    }
}

/// Puts the other rows' values behind `left` if they aren't all the same.
void Tile::drop_rows(std::size_t column, std::size_t count, std::vector<double>& left) {
    auto& rows = present_[column];
    rows = static_cast<Rows>(rows >> count);
    const auto slot = slot_of_[column];
    if (slot == 0) return;
    const double* const values = &slots_[(slot - 1) * kTileRows + count];
    slot_of_[column] = 0;
    if (rows == 0) return;
    values_[column] = values[std::countr_zero(rows)];
    for (auto others = rows; others != 0; others &= static_cast<Rows>(others - 1)) {
        if (same_bits(values[std::countr_zero(others)], values_[column])) continue;
        left.insert(left.end(), values, values + rows_);
        slot_of_[column] = static_cast<std::uint32_t>(left.size() / rows_);
        return;
    }
}

Tile Tile::first(std::size_t rows) const {
    Tile some = *this;
    some.rows_ = rows;
    for (auto& present : some.present_) present &= static_cast<Rows>((1U << rows) - 1);
    return some;
}

Tile Tile::only(std::span<const std::uint32_t> columns) const {
    Tile some;
    some.times_ = times_;
    some.rows_ = rows_;
    some.grow(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (columns[i] >= this->columns()) continue;
        some.present_[i] = present_[columns[i]];
        some.values_[i] = values_[columns[i]];
        if (slot_of_[columns[i]] == 0) continue;
        some.make_slots(i);
        copy(columns[i], std::span(some.slots_).last(kTileRows));
    }
    return some;
}

std::size_t Tile::heap_bytes() const {
    return (values_.capacity() + slots_.capacity()) * sizeof(double) +
           present_.capacity() * sizeof(Rows) + slot_of_.capacity() * sizeof(std::uint32_t);
}

}  // namespace inferscope::tsdb
