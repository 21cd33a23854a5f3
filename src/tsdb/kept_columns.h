// SPDX-License-Identifier: Apache-2.0
// Columns of an open chunk that queries keep asking for, decoded: a dashboard reads the same ones
// every few seconds, and a query about one moment needs one row of a chunk.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "tsdb/narrow_column.h"

namespace inferscope::tsdb {

/// A column is kept from the second time on that it is asked for, as long as this lives. Thread:
/// any, but for make_room().
class KeptColumns {
public:
    KeptColumns() = default;
    KeptColumns(const KeptColumns&) = delete;
    KeptColumns& operator=(const KeptColumns&) = delete;
    ~KeptColumns();

    /// Before all else.
    void make_room(std::size_t columns) { places_ = std::vector<Place>(columns); }
    /// Null if it isn't kept.
    [[nodiscard]] const NarrowColumn* find(std::size_t column) const;
    /// Notes that it was asked for and isn't kept. True if that happened before: then keep() it.
    bool was_wanted(std::size_t column) const;
    /// If another thread was faster, that one's column stays.
    const NarrowColumn& keep(std::size_t column, NarrowColumn decoded) const;
    [[nodiscard]] std::size_t heap_bytes() const;

private:
    using Place = std::atomic<const NarrowColumn*>;
    /// What stands in the place of a column that was asked for once.
    static const NarrowColumn* wanted_once();

    mutable std::vector<Place> places_;
    mutable std::atomic<std::size_t> bytes_ = 0;
};

}  // namespace inferscope::tsdb
