// SPDX-License-Identifier: Apache-2.0
#include "tsdb/tile.h"

#include <algorithm>
#include <cassert>

namespace inferscope::tsdb {

void Tile::grow(std::size_t columns) {
    values_.resize(columns * kTileRows);
    present_.resize(columns);
}

std::size_t Tile::add_row(Timestamp time) {
    assert(!is_full() && (rows_ == 0 || times_[rows_ - 1] < time));
    times_[rows_] = time;
    return rows_++;
}

Tile Tile::only(std::span<const std::uint32_t> columns) const {
    Tile some;
    some.times_ = times_;
    some.rows_ = rows_;
    some.grow(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (columns[i] >= this->columns()) continue;
        some.present_[i] = present_[columns[i]];
        std::ranges::copy(values(columns[i]), &some.values_[i * kTileRows]);
    }
    return some;
}

std::size_t Tile::heap_bytes() const {
    return values_.capacity() * sizeof(double) + present_.capacity() * sizeof(std::uint32_t);
}

}  // namespace inferscope::tsdb
