// SPDX-License-Identifier: Apache-2.0
// The store as a whole: log, head and blocks of one folder.
//
//   appender ──► log ──► head ──cut()──► blocks ──compact()──► blocks
//                 └──── dropped once its samples are in blocks
//
//   DIR/wal/      the log, and the lock of the folder (docs/formats/log.md)
//   DIR/blocks/   docs/formats/block.md
//
// TYPE, HELP and UNIT live in the log: they are written again when it is cut.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "telemetry/appender.h"
#include "telemetry/queryable.h"
#include "tsdb/block_set.h"
#include "tsdb/config.h"
#include "tsdb/head.h"
#include "tsdb/wal_appender.h"
#include "tsdb/wal_replay.h"

namespace inferscope::tsdb {

struct StoreConfig {
    HeadConfig head;
    BlocksConfig blocks;
    WalSettings wal;
    /// `storage.head_bytes`: with more in memory the head is cut before a block's range is over.
    std::size_t head_bytes = std::size_t{256} << 20;
    /// `storage.wal_bytes`: likewise with a longer log.
    std::uint64_t wal_bytes = std::uint64_t{512} << 20;
};

struct StoreStats {
    HeadStats head;
    BlocksStats blocks;
    std::uint64_t wal_bytes = 0;    ///< on disk
    std::uint64_t wal_written = 0;  ///< since the start
    std::uint64_t cuts = 0;         ///< of the head, since the start
    std::uint64_t compactions = 0;  ///< since the start
    std::uint64_t failures = 0;     ///< of background work, since the start
    Timestamp newest = kNever;      ///< of all samples
};

/// Thread: any, but for what is said. Background work does I/O: maintain(), flush(),
/// delete_series() and snapshot() belong on the thread "disk" and wait for each other; sync() on
/// "wal".
class Store final : public Queryable {
public:
    /// Takes the folder's lock, opens its blocks, reads the log back. Fails if another process has
    /// the folder (already_exists), or it can't be used. `files` outlives the store.
    static Result<std::unique_ptr<Store>> open(Files& files, const std::string& folder,
                                               const StoreConfig& config);
    /// To look at a folder that somebody else may own: takes no lock, changes nothing, and what
    /// comes later isn't seen. A folder without log or blocks is an empty store.
    static Result<std::unique_ptr<const Store>> open_for_reading(Files& files,
                                                                 const std::string& folder);
    ~Store() override;
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    /// Where samples go. Lives as long as the store.
    [[nodiscard]] PieceAppender& appender() { return *log_; }
    /// What was appended and removed.
    [[nodiscard]] ChangeLog& changes() { return head_.changes(); }

    [[nodiscard]] Result<Selection> read(std::span<const Matcher> matchers, Timestamp from,
                                         Timestamp to, std::size_t most_samples) const override;
    [[nodiscard]] std::vector<Labels> series(std::span<const Matcher> matchers, Timestamp from,
                                             Timestamp to) const override;
    [[nodiscard]] std::vector<std::string> label_names(std::span<const Matcher> matchers,
                                                       Timestamp from, Timestamp to,
                                                       std::size_t limit) const override;
    [[nodiscard]] std::vector<std::string> label_values(std::string_view name,
                                                        std::span<const Matcher> matchers,
                                                        Timestamp from, Timestamp to,
                                                        std::size_t limit) const override;
    [[nodiscard]] std::vector<FamilyPtr> families(std::string_view name,
                                                  std::size_t limit) const override;
    [[nodiscard]] std::vector<StoredExemplar> exemplars(std::span<const Matcher> matchers,
                                                        Timestamp from,
                                                        Timestamp to) const override;

    /// What is due: sealing; cutting the head where a block's range is over or it is too large;
    /// compaction; retention. To be called every few seconds. `now`: wall clock. What is old is
    /// told by the newest sample, and a sample beyond the clock doesn't make others old: so neither
    /// a clock that jumps, either way, nor one sender with a wrong one removes anything.
    Result<void> maintain(Timestamp now);
    /// Everything into blocks, these compacted, the log dropped.
    Result<void> flush(Timestamp now);
    /// Removes samples of matching series, inclusive.
    Result<void> delete_series(std::span<const Matcher> matchers, const TimeRange& times,
                               Timestamp now);
    /// Everything as blocks in a folder of its own, which serve() can open.
    Result<void> snapshot(const std::string& target, Timestamp now);
    /// Puts on the disk what was appended.
    Result<void> sync() { return log_->sync(); }

    /// Walks over all series: some ms for a million.
    [[nodiscard]] StoreStats stats() const;
    /// What became of samples, ever: cheap.
    [[nodiscard]] VerdictCounts sample_counts() const { return head_.sample_counts(); }
    /// Of the series in memory.
    [[nodiscard]] IndexStats index_stats(std::size_t most) const { return head_.index_stats(most); }

private:
    Store(Files& files, std::string folder, const StoreConfig& config);
    Result<void> open_parts();
    Result<void> open_parts_for_reading();
    Result<void> replay(Access access);
    /// The time of the newest sample, as far as the clock has come.
    [[nodiscard]] static Timestamp present(Timestamp newest, Timestamp now);
    [[nodiscard]] bool is_cut_due(Timestamp now);
    Result<void> cut(Timestamp now);
    Result<void> write_blocks(const HeadCut& cut, Timestamp now);
    Result<void> tidy_blocks(Timestamp now);
    Result<void> counted(Result<void> done);
    [[nodiscard]] Timestamp newest() const;

    Files& files_;
    const std::string folder_;
    const StoreConfig config_;
    Head head_;
    std::unique_ptr<LogAppender> log_;  // none for reading
    std::unique_ptr<Blocks> blocks_;
    std::mutex working_;           // held by background work
    Timestamp cut_time_ = kNever;  // present() when the head was cut
    Timestamp sealed_idle_ = 0;    // wall clock
    std::uint64_t log_began_ = 0;  // LogAppender::written() when the head was cut
    std::atomic<std::uint64_t> cuts_{0};
    std::atomic<std::uint64_t> compactions_{0};
    std::atomic<std::uint64_t> failures_{0};
};

}  // namespace inferscope::tsdb
