// SPDX-License-Identifier: Apache-2.0
// Groups and indexes of blocks, kept in memory once they were needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/lru_cache.h"
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

/// By the block's number.
using BlockCache = LruCache<std::uint32_t, BlockTables>;

}  // namespace inferscope::tsdb
