// SPDX-License-Identifier: Apache-2.0
// The write-ahead log as an Appender: each call is written down, then handed to the next Appender
// (the head). Reading the log makes the same calls again (wal_replay.h).
//
// What is acknowledged has been handed to the system (write(2)), so it survives the process; with
// Fsync::always it is on the disk. Rows and samples that the log refuses aren't handed on; what
// can't be refused (groups, columns, gaps, exemplars) is. Layouts are stated again when the log
// takes records again, gaps and exemplars are then missing in it.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/guarded.h"
#include "telemetry/appender.h"
#include "tsdb/wal_layout.h"
#include "tsdb/wal_row.h"
#include "tsdb/wal_writer.h"

namespace inferscope::tsdb {

/// Thread: as Appender says; everything else from any. The writer and what it knows of the groups
/// are behind one lock, held for encoding and write(2), not while sync() waits for the disk.
class LogAppender final : public PieceAppender {
public:
    /// Takes the folder's lock; already_exists says who has it. Nothing is written yet, segments
    /// that are there stay: replay them before the first call. `files` and `next` outlive it.
    static Result<std::unique_ptr<LogAppender>> open(Files& files, std::string folder,
                                                     const WalSettings& settings,
                                                     PieceAppender& next);
    ~LogAppender() override;
    LogAppender(const LogAppender&) = delete;
    LogAppender& operator=(const LogAppender&) = delete;

    GroupId open_group(std::string_view source) override;
    void start_epoch(GroupId group) override;
    void add_columns(GroupId group, std::span<const Column> columns) override;
    /// Fails with no_space or io_error if the log can't take it.
    Result<void> append_row(GroupId group, const Row& row) override;
    void append_gap(GroupId group, Timestamp time) override;
    Result<void> append_timed(GroupId group, std::span<const TimedSample> samples) override;
    void append_exemplars(GroupId group, std::span<const Exemplar> exemplars) override;
    void close_group(GroupId group, Timestamp time) override;

    GroupId open_loose_group(std::string_view source) override;
    Result<VerdictCounts> append_cells(GroupId group, Timestamp time,
                                       std::span<const Cell> cells) override;
    void add_families(std::span<const FamilyPtr> families) override;
    void begin_batch() override;
    Result<void> end_batch() override;

    /// Acknowledges what was gathered (WalSettings::gather_bytes).
    Result<void> flush();
    /// Puts on the disk what was written before the call; blocks for as long as that takes. An
    /// error makes the log refuse everything until the next start.
    Result<void> sync();
    /// Bytes written and synced since the start: what was written() when an append returned is safe
    /// from a power cut once synced() has reached it.
    [[nodiscard]] std::uint64_t written() const;
    [[nodiscard]] std::uint64_t synced() const;

    /// What is on the disk, by rising number.
    [[nodiscard]] Result<std::vector<WalSegment>> segments() const;
    /// Starts a new segment with the next record. Everything in segments below the number that is
    /// returned has reached the next appender, and nothing after it needs them.
    Result<std::uint32_t> roll();
    /// Removes the segments below `segment`, oldest first; that which is written to stays.
    Result<void> drop_before(std::uint32_t segment);

private:
    struct Group {
        std::uint64_t stretch = 0;  ///< in which `layout` was written last
        std::uint64_t epoch = 0;
        bool is_loose = false;
        std::string source;
        wal::Layout layout;
        wal::RowBefore before;
    };
    struct Log {
        explicit Log(WalWriter made) : writer(std::move(made)) {}
        WalWriter writer;
        absl::flat_hash_map<std::uint32_t, Group> groups;
        std::uint32_t batches = 0;   ///< begun and not ended
        std::uint64_t failures = 0;  ///< before the first of them

        void restate(Group& group);
    };

    LogAppender(Files& files, std::string folder, const WalSettings& settings, PieceAppender& next,
                std::unique_ptr<FileLock> lock, WalWriter writer);
    void open(GroupId id, bool is_loose, std::string_view source);
    /// Writes the record that `encode` appends, behind the group's layout if the stretch lacks it.
    Result<void> write(GroupId id, absl::FunctionRef<void(Group&, std::string&)> encode);
    /// Writes the record that `change` returns, which is part of the group's layout from then on.
    void state(GroupId id, absl::FunctionRef<std::string(Group&)> change);
    Result<void> acknowledge();

    Files& files_;
    const std::string folder_;
    const WalSettings settings_;
    PieceAppender& next_;
    std::unique_ptr<FileLock> lock_;
    Guarded<Log> log_;
    /// Shared by calls between their record and the next appender: roll() waits for these.
    std::shared_mutex handing_on_;
    std::mutex one_sync_;
};

}  // namespace inferscope::tsdb
