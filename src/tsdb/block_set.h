// SPDX-License-Identifier: Apache-2.0
// The blocks of a folder: which there are, and all that happens to them: merging, retention,
// deletion, snapshots. Files never change: a block is replaced by another or removed.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/guarded.h"
#include "base/result.h"
#include "base/time.h"
#include "telemetry/matcher.h"
#include "tsdb/block.h"
#include "tsdb/block_merge.h"
#include "tsdb/block_writer.h"
#include "tsdb/config.h"

namespace inferscope::tsdb {

struct BlocksStats {
    std::size_t blocks = 0;
    std::uint64_t bytes = 0;
    std::uint64_t samples = 0;
    std::uint64_t set_aside = 0;      ///< harmed blocks in the folder
    std::uint64_t harmed_chunks = 0;  ///< found since the start
    std::size_t tables_bytes = 0;     ///< groups and indexes in memory
};

/// It outlives the blocks that it gave out. The folder has no other writer (a lock is the store's
/// business). What writes may fail with no_space or io_error: then the set is as before. Thread:
/// any; compact(), apply_retention(), delete_series() and snapshot() wait for each other, and do
/// I/O: on the thread "disk".
class Blocks {
public:
    /// Makes the folder, opens all of its blocks, removes what a crash left behind: unfinished
    /// files, and blocks that others stand in for. A harmed block is set aside. As a reader: passes
    /// over all of these, and a folder that isn't there has no blocks; only what is const may be
    /// called then.
    static Result<std::unique_ptr<Blocks>> open(Files& files, const std::string& folder,
                                                BlocksConfig config, Access access = Access::owner);
    Blocks(const Blocks&) = delete;
    Blocks& operator=(const Blocks&) = delete;

    /// In order of priority: what was written first holds where a series has two samples at one
    /// time. Unless old data came late that is the order of time, too.
    [[nodiscard]] std::shared_ptr<const BlockList> list() const;
    [[nodiscard]] BlocksStats stats() const;

    /// Starts a block of rows that come from outside of the set. `now`: wall clock.
    Result<std::unique_ptr<BlockWriter>> start_block(Timestamp now);
    /// Finishes the block and adds it to the set; one without samples leaves no trace.
    Result<void> add(std::unique_ptr<BlockWriter> block);

    /// One step: merges the blocks that should be one, if there are any. False if there was nothing
    /// to do. Call it until then.
    Result<bool> compact(Timestamp now);
    /// Removes what is older than the retention, counted back from `newest` (of all samples stored
    /// anywhere), then the oldest until the rest is small enough.
    Result<void> apply_retention(Timestamp newest, Timestamp now);
    /// Removes the samples of matching series between two times, inclusive, block by block. A
    /// column that is also published under a name that doesn't match stays, under this name.
    Result<void> delete_series(std::span<const Matcher> matchers, const TimeRange& times,
                               Timestamp now);
    /// Puts all blocks into another folder, which is made: by hard links, or copies where these
    /// aren't to be had.
    Result<void> snapshot(const std::string& target);

private:
    struct State {
        std::shared_ptr<const BlockList> list = std::make_shared<const BlockList>();
        std::uint32_t next_number = 1;
    };

    Blocks(Files& files, const std::string& folder, BlocksConfig config, Access access);
    Result<void> open_folder();
    Result<void> open_block(std::uint32_t number, BlockList& found);
    Result<void> remove_replaced();

    [[nodiscard]] std::uint32_t take_number();
    Result<void> finish(std::unique_ptr<BlockWriter> writer, std::span<const BlockPtr> others);
    void exchange(BlockPtr fresh, std::span<const BlockPtr> others);
    Result<void> remove_files(std::span<const BlockPtr> blocks);
    Result<void> remove(std::span<const BlockPtr> blocks);

    [[nodiscard]] BlockList mergeable() const;
    Result<void> rewrite(std::span<const MergeSource> sources, std::uint32_t level, Timestamp now);
    [[nodiscard]] std::vector<const KeepLonger*> still_kept(const BlockMeta& meta,
                                                            Timestamp newest) const;
    Result<void> keep_only(const BlockPtr& block, std::span<const KeepLonger* const> rules,
                           Timestamp now);
    Result<void> apply_size_bound();

    mutable BlockFolder folder_;
    const BlocksConfig config_;
    std::mutex working_;                              // held by what changes or needs the files
    absl::flat_hash_set<std::uint32_t> unmergeable_;  // likewise; numbers of blocks
    mutable Guarded<State> state_;
};

}  // namespace inferscope::tsdb
