// SPDX-License-Identifier: Apache-2.0
// Reads the log back: makes the calls that were written down, on another Appender. Batches behind
// their checksum are taken as they came; a harmed one ends its segment, since rows lean on the rows
// before. The next segment stands on its own.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "telemetry/appender.h"
#include "tsdb/bit_varint.h"
#include "tsdb/config.h"
#include "tsdb/wal_row.h"

namespace inferscope::tsdb {

/// Records -> calls. Whatever the bytes are, `into` gets calls that keep its rules. Thread:
/// confined to one.
class WalReplay {
public:
    struct Counts {
        std::uint64_t records = 0;
        std::uint64_t rows = 0;     ///< and pieces of rows
        std::uint64_t refused = 0;  ///< rows and samples that `into` didn't take
    };

    explicit WalReplay(PieceAppender& into) : into_(into) {}

    /// Before a segment's batches. Groups of another run are closed at kNever: their process is
    /// gone, which says nothing about their series.
    void begin_segment(std::uint32_t run);
    /// Makes the calls of a batch. False at the first record that isn't one; what stood before it
    /// has been done, and no more batches of this segment may follow.
    bool apply(std::string_view records);

    [[nodiscard]] const Counts& counts() const { return counts_; }
    /// Groups of `into` that nobody closed.
    [[nodiscard]] std::vector<GroupId> open_groups() const;

private:
    struct Group {
        GroupId id{};
        std::uint64_t epoch = 0;
        std::size_t announced = 0;  ///< columns that `into` has in this epoch
        bool is_loose = false;
        bool stated = false;    ///< in this segment
        bool trusted = false;   ///< `into` has taken the row before, of the same columns
        wal::RowBefore before;  ///< with the columns that were stated
    };

    bool apply_record(ByteReader& in);
    void on_group(std::uint32_t number, bool is_loose, ByteReader& in);
    void on_families(ByteReader& in);
    void on_columns(Group& group, ByteReader& in);
    void on_row(Group& group, ByteReader& in);
    void on_cells(Group& group, ByteReader& in);
    void on_timed(Group& group, ByteReader& in);
    void on_exemplars(Group& group, ByteReader& in);

    PieceAppender& into_;
    std::uint32_t run_ = 0;
    absl::flat_hash_map<std::uint32_t, Group> groups_;  ///< of this run, by their number in the log
    std::vector<std::uint64_t> changed_;
    std::vector<Cell> cells_;
    Counts counts_;
};

/// What a segment's file holds.
struct SegmentReport {
    std::uint32_t number = 0;
    std::uint64_t bytes = 0;
    std::uint64_t good_bytes = 0;      ///< less: harmed from there on
    std::uint64_t batches_behind = 0;  ///< whole ones behind the harmed one
    std::uint64_t rows = 0;            ///< of the good part, pieces of rows included
};

struct ReplayReport {
    WalReplay::Counts counts;
    std::vector<SegmentReport> segments;
    std::uint64_t bytes = 0;            ///< of good batches and headers
    std::uint64_t cut_bytes = 0;        ///< the torn end of the last segment; removed
    std::uint64_t skipped_bytes = 0;    ///< the rest of other segments from a harmed batch on; kept
    std::uint64_t skipped_batches = 0;  ///< whole ones in that, as far as lengths lead to them
    /// Of the last process: nobody will append to them or close them.
    std::vector<GroupId> open_groups;
};

/// Reads all segments of `folder`, oldest first. To be called by the holder of the folder's lock,
/// before it appends. What is lost is said in the program's log. `between` is called now and then,
/// between calls of `into`. Fails if the folder or a file can't be read, or with invalid_argument
/// if a newer program wrote it.
///
/// As a reader nothing is cut off; a folder that isn't there has no segments, and one that is
/// dropped meanwhile is passed over: its rows are in blocks by then.
Result<ReplayReport> replay_log(
    Files& files, const std::string& folder, PieceAppender& into,
    absl::FunctionRef<void()> between = [] {}, Access access = Access::owner);

}  // namespace inferscope::tsdb
