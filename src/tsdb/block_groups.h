// SPDX-License-Identifier: Apache-2.0
// A block's table of groups: where the chunks of each group lie, and between which times its
// columns are the series that the index places there. Drawn in docs/formats/block.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tsdb/block_format.h"
#include "tsdb/chunk_format.h"
#include "tsdb/index_series.h"

namespace inferscope::tsdb {

/// Of rows in the order of time.
struct RowRange {
    std::size_t begin = 0;
    std::size_t end = 0;  ///< not inside
    [[nodiscard]] std::size_t size() const { return end - begin; }
};
/// Those whose times lie in `range`; `times` rise.
RowRange rows_between(std::span<const Timestamp> times, const TimeRange& range);

/// A chunk in the file, and what it holds.
struct ChunkPlace {
    std::uint64_t offset = 0;
    std::uint32_t size = 0;
    std::uint32_t rows = 0;
    std::uint64_t samples = 0;  ///< in all of its columns
    TimeRange times;            ///< first and last row

    [[nodiscard]] std::uint64_t end() const { return offset + size; }
    bool operator==(const ChunkPlace&) const = default;
};

/// The chunks, which are by time, that have rows in `range`.
std::span<const ChunkPlace> overlapping(std::span<const ChunkPlace> chunks, const TimeRange& range);

/// Makes the table, entry after entry; they are numbered from 0.
class GroupsEncoder {
public:
    /// An entry of chunks by time, at least one; returns its number.
    std::uint64_t add(const TimeRange& window, std::span<const ChunkPlace> chunks);
    /// A further entry of the same chunks.
    std::uint64_t add(const TimeRange& window);
    [[nodiscard]] std::uint64_t entries() const { return entries_; }
    /// Call it once, and last.
    std::string take();

private:
    std::uint64_t append_control(std::uint64_t chunks, const TimeRange& window);

    std::string bytes_;
    std::uint64_t entries_ = 0;
    std::uint64_t end_ = 0;  // of the chunk before
    Timestamp last_ = 0;     // row of it
};

/// The table in memory. Immutable; any thread.
class GroupTable {
public:
    GroupTable() = default;
    /// Fails with invalid_argument unless each chunk lies behind the file's header and before
    /// `chunks_end`, and its rows in `times`; each entry's chunks are by time; nothing is left
    /// over.
    static Result<GroupTable> read(std::string_view bytes, std::uint64_t chunks_end,
                                   const TimeRange& times);

    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    /// Whether there may be a column of this number.
    [[nodiscard]] bool has(const ColumnPlace& place) const {
        return place.group < entries_.size() && place.column < kMaxChunkColumns;
    }
    /// Between these times a column of the entry is the series that is placed there.
    [[nodiscard]] const TimeRange& window(std::size_t entry) const {
        return entries_[entry].window;
    }
    /// By time.
    [[nodiscard]] std::span<const ChunkPlace> chunks(std::size_t entry) const {
        return std::span(chunks_).subspan(entries_[entry].first, entries_[entry].count);
    }
    /// The first entry with the same chunks: what an entry shares times with.
    [[nodiscard]] std::size_t group(std::size_t entry) const { return entries_[entry].group; }
    [[nodiscard]] std::size_t heap_bytes() const;

private:
    class Reader;
    struct Entry {
        TimeRange window;
        std::uint32_t first = 0;  // of chunks_
        std::uint32_t count = 0;
        std::uint32_t group = 0;
    };
    std::vector<Entry> entries_;
    std::vector<ChunkPlace> chunks_;
};

/// When a place's column is the series, as far as it is asked for; nothing if there are no rows.
std::optional<TimeRange> part_of(const GroupTable& groups, const ColumnPlace& place,
                                 const TimeRange& asked);

}  // namespace inferscope::tsdb
