// SPDX-License-Identifier: Apache-2.0
// A block on disk: rows that never change again, in one file. Opening reads its last bytes only;
// groups, index and chunks are read and checked when a query needs them, and kept in caches.
#pragma once

#include <absl/container/flat_hash_set.h>

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
#include "base/guarded.h"
#include "base/result.h"
#include "base/time.h"
#include "telemetry/labels.h"
#include "telemetry/matcher.h"
#include "telemetry/selection.h"
#include "tsdb/block_cache.h"
#include "tsdb/block_format.h"
#include "tsdb/block_groups.h"
#include "tsdb/block_series.h"
#include "tsdb/chunk_cache.h"
#include "tsdb/chunk_view.h"
#include "tsdb/config.h"

namespace inferscope::tsdb {

/// What the blocks of one folder share. Thread: any.
struct BlockFolder {
    BlockFolder(Files& its_files, std::string its_path, const BlocksConfig& config,
                Access its_access = Access::owner)
        : files(its_files),
          path(std::move(its_path)),
          access(its_access),
          cache(config.cache_bytes),
          chunks(config.chunk_cache_bytes),
          series(config.series_cache_bytes) {}

    Files& files;
    const std::string path;
    const Access access;
    BlockCache cache;
    StoredChunks chunks;
    BlockSeriesCache series;
    std::atomic<std::uint64_t> harmed_blocks{0};  ///< set aside since the start
    std::atomic<std::uint64_t> harmed_chunks{0};  ///< found since the start

    [[nodiscard]] std::string file(std::string_view name) const {
        return path + '/' + std::string(name);
    }
    /// Renames the block's file to "NNNNNNNN.harmed" (unless we are only reading), says so in the
    /// log, and counts it.
    void set_aside(std::uint32_t block, const Error& reason);
};

/// Immutable but for what it learns about its own file. Stays readable after its file was removed.
/// Times are inclusive. Thread: any.
class Block {
public:
    /// `folder` outlives the block. Fails with invalid_argument if header, footer or metadata
    /// aren't what BlockWriter writes, else as Files::open() does.
    static Result<std::shared_ptr<const Block>> open(BlockFolder& folder, std::uint32_t number);

    [[nodiscard]] const BlockMeta& meta() const { return meta_; }
    [[nodiscard]] std::string path() const;
    /// Its groups or index were found harmed: its file was set aside, and it is as if empty.
    [[nodiscard]] bool is_harmed() const { return harmed_.load(std::memory_order_relaxed); }

    /// The only error is limit_exceeded: if there were more than `most_samples` values to hold (a
    /// row in which a column has no sample counts, a sample under two names counts once). What
    /// can't be read is left out, with a warning and a line in the log.
    [[nodiscard]] Result<Selection> read(std::span<const Matcher> matchers, Timestamp from,
                                         Timestamp to, std::size_t most_samples) const;
    /// Series that may have samples then, sorted, each once. These three give nothing if the index
    /// can't be read; the log tells why.
    [[nodiscard]] std::vector<Labels> series(std::span<const Matcher> matchers, Timestamp from,
                                             Timestamp to) const;
    /// Of such series at any time, sorted; values: the first `limit` unless it is 0.
    [[nodiscard]] std::vector<std::string> label_names(std::span<const Matcher> matchers) const;
    [[nodiscard]] std::vector<std::string> label_values(std::string_view name,
                                                        std::span<const Matcher> matchers,
                                                        std::size_t limit = 0) const;

    /// Groups and index, checked. Fails with invalid_argument if they are harmed, which sets the
    /// block aside; with io_error if the disk fails, which is no verdict.
    [[nodiscard]] Result<BlockCache::Shared> tables() const;
    /// The series that matchers select, kept for the next query. `tables` are its own.
    [[nodiscard]] BlockSeriesCache::Shared select(const BlockTables& tables,
                                                  std::span<const Matcher> matchers) const;
    /// The chunk, checked that it is what `place` says; it is kept for the next query. Fails with
    /// invalid_argument or io_error, says so in the log and counts it, once.
    [[nodiscard]] Result<StoredChunks::Shared> chunk(const ChunkPlace& place) const;
    /// To be called when more of its columns are kept.
    void measure_chunk(const ChunkPlace& place) const;
    /// The same for who reads all chunks: it isn't kept, its bytes are put in `bytes`.
    [[nodiscard]] Result<ChunkView> open_chunk(const ChunkPlace& place, std::string& bytes) const;
    /// Says in the log that a chunk is harmed and counts it, if that is news. Returns what to tell.
    std::string report(const ChunkPlace& place, const Error& reason) const;

private:
    Block(BlockFolder& folder, std::unique_ptr<File> file, const block_format::Footer& footer,
          BlockMeta meta);
    [[nodiscard]] Result<BlockCache::Shared> load_tables() const;
    [[nodiscard]] Result<ChunkView> read_chunk(const ChunkPlace& place, std::string& bytes) const;

    BlockFolder& folder_;
    std::unique_ptr<const File> file_;
    const block_format::Footer footer_;
    const BlockMeta meta_;
    mutable std::mutex loading_;  // so that groups and index are read once
    mutable std::atomic<bool> harmed_{false};
    mutable Guarded<absl::flat_hash_set<std::uint64_t>> harmed_chunks_;  // offsets
};

using BlockPtr = std::shared_ptr<const Block>;
using BlockList = std::vector<BlockPtr>;

}  // namespace inferscope::tsdb
