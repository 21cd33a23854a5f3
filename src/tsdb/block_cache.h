// SPDX-License-Identifier: Apache-2.0
// Groups and indexes of blocks, kept in memory once they were needed, up to a bound over all
// blocks: what wasn't used for longest goes first.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "base/guarded.h"
#include "base/result.h"
#include "tsdb/block_groups.h"
#include "tsdb/index_block.h"

namespace inferscope::tsdb {

/// What must be known of a block to find its chunks. Immutable; any thread.
class BlockTables {
public:
    /// Checks all of it; fails with invalid_argument and what is wrong. The rest as in
    /// GroupTable::read().
    static Result<std::shared_ptr<const BlockTables>> read(std::string_view groups,
                                                           std::string index,
                                                           std::uint64_t chunks_end,
                                                           const TimeRange& times);
    BlockTables(const BlockTables&) = delete;
    BlockTables& operator=(const BlockTables&) = delete;

    [[nodiscard]] const BlockIndex& index() const { return index_; }
    [[nodiscard]] const GroupTable& groups() const { return groups_; }
    [[nodiscard]] std::size_t heap_bytes() const;

private:
    BlockTables(std::unique_ptr<const std::string> bytes, BlockIndex index, GroupTable groups)
        : bytes_(std::move(bytes)), index_(std::move(index)), groups_(std::move(groups)) {}

    std::unique_ptr<const std::string> bytes_;  // of the index, which points into them
    BlockIndex index_;
    GroupTable groups_;
};

/// Thread: any.
class BlockCache {
public:
    using Tables = std::shared_ptr<const BlockTables>;

    explicit BlockCache(std::size_t most_bytes) : most_bytes_(most_bytes) {}

    /// Nothing if the block's tables aren't there.
    [[nodiscard]] Tables find(std::uint32_t block);
    /// What was put last stays, however large it is.
    void put(std::uint32_t block, Tables tables);
    void drop(std::uint32_t block);
    [[nodiscard]] std::size_t bytes() const;

private:
    using Uses = std::list<std::pair<std::uint32_t, Tables>>;  // the newest first
    struct Kept {
        Uses uses;
        absl::flat_hash_map<std::uint32_t, Uses::iterator> by_block;
        std::size_t bytes = 0;

        void drop(std::uint32_t block);
    };

    const std::size_t most_bytes_;
    Guarded<Kept> kept_;
};

}  // namespace inferscope::tsdb
