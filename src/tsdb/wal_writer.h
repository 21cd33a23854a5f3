// SPDX-License-Identifier: Apache-2.0
// Where the log's bytes go: segments of a folder, one batch of records after the other, in files
// that were given room ahead. What it holds to:
// - a batch stands whole in its segment or not at all: after a failed write the file is cut back;
// - a failed cut or sync leaves a state that isn't known, so from then on everything is refused;
// - a *stretch* is what can be read by itself: from the start of a segment, or from a failed write,
//   to the next one. Nothing in a stretch may lean on records before it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace inferscope::tsdb {

struct WalSettings {
    enum class Fsync : std::uint8_t {
        interval,  ///< when somebody calls sync(): survives the process, not a power cut
        always,    ///< before a call is acknowledged; the caller waits for the disk
    };
    Fsync fsync = Fsync::interval;
    std::uint64_t segment_bytes = 64 << 20;  ///< one that has as many is followed by the next
    std::uint64_t allocate_bytes = 4 << 20;  ///< room taken ahead, as much at a time
    /// 0: each call is written before it is acknowledged. Else calls are gathered until there are
    /// so many bytes, or flush() is called, which acknowledges all of them.
    std::uint64_t gather_bytes = 0;
};

struct WalSegment {
    std::uint32_t number = 0;
    std::uint64_t bytes = 0;
};

/// Thread: confined to one (or a lock); a SyncTask may run elsewhere meanwhile.
class WalWriter {
public:
    /// What a sync has to do, apart from the writer. At most one at a time.
    class SyncTask {
    public:
        /// Blocks for as long as the disk takes. Touches files only, not the writer.
        Result<void> run(Files& files, const std::string& folder);

    private:
        friend class WalWriter;
        std::vector<std::unique_ptr<File>> finished_;  ///< closed when done
        File* current_ = nullptr;  ///< lives: a file that is finished meanwhile waits for the next
        bool folder_ = false;
        std::uint64_t position_ = 0;
    };

    /// Segments are numbered from `first` on. Nothing is written before the first record.
    WalWriter(Files& files, std::string folder, const WalSettings& settings, std::uint32_t first);

    /// To be called before each record, which is then appended to batch(). Starts a segment where
    /// there is none or the last one is full: the stretch may be another one afterwards.
    /// Fails with no_space when the disk is full, io_error when the log is read-only; then there is
    /// no record to append.
    Result<void> prepare();
    std::string& batch() { return batch_; }
    /// After each record; writes the batch if it is time. As flush().
    Result<void> commit();
    /// While told so, records are gathered up to a MiB at a time.
    void set_gathering(bool gathers) { gathers_ = gathers; }
    /// Writes what was gathered. When it fails, none of that is in the log, and a new stretch
    /// begins.
    Result<void> flush();
    /// The next record starts a new segment; returns its number.
    Result<std::uint32_t> roll();

    [[nodiscard]] std::uint64_t stretch() const { return stretch_; }
    /// The segment that is written to; nothing before the first record and after roll().
    [[nodiscard]] std::optional<WalSegment> current() const;
    /// Bytes that were handed to the system and to the disk since the start, headers included.
    [[nodiscard]] std::uint64_t written() const { return written_; }
    [[nodiscard]] std::uint64_t synced() const { return synced_; }
    /// Why the newest batch that is lost couldn't be written, and how many are.
    [[nodiscard]] const std::optional<Error>& last_failure() const { return last_failure_; }
    [[nodiscard]] std::uint64_t failures() const { return failures_; }
    /// Why everything is refused.
    [[nodiscard]] const std::optional<Error>& stopped() const { return stopped_; }

    SyncTask begin_sync();
    /// `done`: what run() returned. An error stops the log.
    void end_sync(const SyncTask& task, const Result<void>& done);

private:
    Result<void> start_segment();
    Result<void> write_batch();
    Result<void> take_room(std::uint64_t bytes);
    void finish_segment();
    Result<void> bound_finished();
    void stop(const Error& error);

    Files& files_;
    std::string folder_;
    WalSettings settings_;
    std::uint32_t run_;   ///< the first segment
    std::uint32_t next_;  ///< number of the next segment
    std::unique_ptr<File> file_;
    std::uint64_t size_ = 0;       ///< of file_
    std::uint64_t allocated_ = 0;  ///< room of file_
    std::string batch_;            ///< empty, or a frame and records
    std::uint64_t stretch_ = 1;    ///< 0 is none
    std::uint64_t written_ = 0;
    std::uint64_t synced_ = 0;
    std::vector<std::unique_ptr<File>> finished_;  ///< not synced yet
    bool sync_folder_ = false;
    bool gathers_ = false;
    bool syncing_ = false;  ///< a task is under way, and knows a file
    std::uint64_t failures_ = 0;
    std::optional<Error> last_failure_;
    std::optional<Error> stopped_;
};

}  // namespace inferscope::tsdb
