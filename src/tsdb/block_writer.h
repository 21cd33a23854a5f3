// SPDX-License-Identifier: Apache-2.0
// Writes a block: groups of rows, one after the other, as they come from the head or from other
// blocks. In memory are one chunk's encoded columns and the index, whatever the number of rows.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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
    static Result<BlockWriter> create(Files& files, const std::string& folder, BlockMeta meta);

    BlockWriter(BlockWriter&&) noexcept;
    BlockWriter& operator=(BlockWriter&&) = delete;
    ~BlockWriter();

    /// A group: rows at `times` (strictly rising, any number) and its columns, each under one or
    /// more names (by column; columns without a name are left out, and so are samples outside of
    /// all windows of their column, and names under which there is no sample). What is added
    /// earlier holds where a series has two samples at one time. `fill` is called column by column
    /// for up to kBlockChunkRows rows at a time. At most kMaxChunkColumns columns have a name.
    Result<void> add_rows(std::span<const Timestamp> times, std::span<const ColumnName> names,
                          FillColumn fill);

    /// The same in steps, for who has chunks already: any number of these two, by time, then
    /// end_group(). A chunk that opens, as it is.
    Result<void> add_chunk(std::string_view bytes, const ChunkPlace& place);
    /// A chunk of at most kBlockChunkRows rows; `first_row` of `fill` is 0. All columns up to
    /// `columns` are filled.
    Result<void> add_chunk(std::span<const Timestamp> times, std::size_t columns, FillColumn fill);
    /// Columns of these chunks as series; a chunk may lack the last columns. Nothing outside of all
    /// windows of its column has a sample.
    void end_group(std::span<const ColumnName> names);

    /// No sample was added: finish() would make an empty block.
    [[nodiscard]] bool empty() const { return meta_.samples == 0; }
    /// Bytes written so far.
    [[nodiscard]] std::uint64_t bytes() const { return written_; }
    [[nodiscard]] std::uint32_t number() const { return meta_.number; }
    /// Writes what is left, syncs, and gives the file its name. Fails with limit_exceeded, too, as
    /// IndexWriter does. Call it once, and last.
    Result<BlockMeta> finish();

private:
    struct Columns;

    BlockWriter(Files& files, std::string folder, BlockMeta meta);
    Result<void> append(std::string_view bytes);
    Result<void> flush();
    Result<void> append_section(std::size_t section, std::string_view bytes);
    Result<void> write_tables();
    Result<void> publish();
    Result<void> seal(std::span<const Timestamp> times, std::size_t first_row, Columns& columns,
                      FillColumn fill);
    void take_away();

    Files* files_;
    std::string folder_;
    std::unique_ptr<File> file_;  // none once it is finished
    BlockMeta meta_;
    block_format::Footer footer_;
    std::optional<Error> failed_;

    std::string buffer_;  // not yet in the file
    std::uint64_t written_ = 0;
    ChunkWriter chunk_;
    std::string chunk_bytes_;
    std::vector<double> values_;  // of one column of a chunk
    std::vector<std::uint64_t> present_;
    std::vector<ChunkPlace> chunks_;  // of the open group
    GroupsEncoder groups_;
    IndexWriter index_;
};

}  // namespace inferscope::tsdb
