// SPDX-License-Identifier: Apache-2.0
// Writes a block: groups of rows, one after the other, as they come from the head or from other
// blocks. In memory are one chunk's encoded columns and the index, whatever the number of rows.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "base/time.h"
#include "telemetry/labels.h"
#include "tsdb/block_format.h"
#include "tsdb/block_groups.h"
#include "tsdb/chunk_writer.h"
#include "tsdb/index_writer.h"

namespace inferscope::tsdb {

/// A series that a column of a group is, between two times.
struct ColumnName {
    std::size_t column = 0;
    Labels labels;
    TimeRange window;
};

/// Groups of two blocks become one where the same columns have the same numbers.
enum class Numbering : std::uint8_t {
    kept,       ///< columns without a name take some bytes in each chunk
    close_gaps  ///< kept, unless most columns below the last one have no name
};

/// Rows are sealed by so many.
inline constexpr std::size_t kBlockChunkRows = 512;

/// Fails with no_space or io_error as File does; from then on every call fails so. A writer that
/// goes without finish() takes its file along. Thread: confined to one.
class BlockWriter {
public:
    /// Puts `values` and `present` (a bit for each, lowest first, all clear when called) of the
    /// rows of `column` from `first_row` on. Where a bit stays clear the value isn't looked at.
    using FillColumn =
        absl::FunctionRef<void(std::size_t column, std::size_t first_row, std::span<double> values,
                               std::span<std::uint64_t> present)>;

    /// Starts a file in `folder`, which is there. Of `meta` number, origin, level, created and
    /// replaces are told; the rest follows from what is added. `files` outlives the writer.
    static Result<std::unique_ptr<BlockWriter>> create(Files& files, const std::string& folder,
                                                       BlockMeta meta);

    BlockWriter(const BlockWriter&) = delete;
    BlockWriter& operator=(const BlockWriter&) = delete;
    ~BlockWriter();

    /// A group: rows at `times` (strictly rising, any number) and its columns, each under one or
    /// more names (by column). Samples outside of all windows of their column are left out, and so
    /// are names that no sample is under. What is added earlier holds where a series has two
    /// samples at one time. `fill` is called for columns that have a name, one after the other, for
    /// up to kBlockChunkRows rows at a time. Columns' numbers are below kMaxChunkColumns.
    Result<void> add_rows(std::span<const Timestamp> times, std::span<const ColumnName> names,
                          FillColumn fill);

    /// The same in steps, for who has not all rows at once, or has chunks: start_group(), any
    /// number of the two between, by time, end_group(). `names` stay where they are until then.
    void start_group(std::span<const ColumnName> names, Numbering numbering);
    /// `first_row` of `fill` counts from the start of these `times`.
    Result<void> add_rows(std::span<const Timestamp> times, FillColumn fill);
    /// Puts a chunk that opens into the file as it is; of `place` all but the offset is told. It
    /// may lack columns; a column that has no name has no samples in it, others have none outside
    /// of all their windows.
    Result<void> add_chunk(std::string_view bytes, ChunkPlace place);
    void end_group();

    /// No sample was added, so there is nothing to finish.
    [[nodiscard]] bool empty() const { return meta_.samples == 0; }
    /// Bytes written so far.
    [[nodiscard]] std::uint64_t bytes() const { return written_; }
    [[nodiscard]] std::uint32_t number() const { return meta_.number; }
    /// Writes what is left, syncs, and gives the file its name. Fails with limit_exceeded, too, as
    /// IndexWriter does. Call it once, and last.
    Result<BlockMeta> finish();

private:
    class Group;
    using Entries = absl::flat_hash_map<std::pair<Timestamp, Timestamp>, std::uint64_t>;

    BlockWriter(Files& files, std::string folder, std::unique_ptr<File> file, BlockMeta meta);
    Result<void> append(std::string_view bytes);
    Result<void> flush();
    Result<void> fail(const Error& error);
    Result<void> append_section(std::size_t section, std::string_view bytes);
    Result<void> append_tables();
    Result<void> publish();
    Result<void> seal(std::span<const Timestamp> times, RowRange piece, FillColumn fill);
    void clear_column(std::size_t rows);
    void add_column();
    Result<void> finish_chunk(std::span<const Timestamp> times);
    Result<void> append_chunk(std::string_view bytes, ChunkPlace place);
    void add_name(const Labels& labels, std::size_t column, const TimeRange& window);

    Files& files_;
    const std::string folder_;
    std::unique_ptr<File> file_;  // none once it is finished
    BlockMeta meta_;
    block_format::Footer footer_;
    std::optional<Error> failed_;

    std::string buffer_;     // not yet in the file
    std::uint64_t written_;  // with what stands in buffer_
    ChunkWriter chunk_;
    std::string chunk_bytes_;
    std::vector<double> values_;  // of one column of a chunk
    std::vector<std::uint64_t> present_;
    std::uint64_t chunk_samples_ = 0;  // of the chunk in the making
    std::unique_ptr<Group> group_;     // of the open group
    std::vector<ChunkPlace> chunks_;   // likewise
    Entries entries_;                  // likewise, by window
    GroupsEncoder groups_;
    IndexWriter index_;
};

}  // namespace inferscope::tsdb
