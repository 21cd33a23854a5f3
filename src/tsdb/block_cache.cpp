// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_cache.h"

namespace inferscope::tsdb {

Result<std::shared_ptr<const BlockTables>> BlockTables::read(std::string_view groups,
                                                             std::string index,
                                                             std::uint64_t chunks_end,
                                                             const TimeRange& times) {
    auto table = GroupTable::read(groups, chunks_end, times);
    if (!table) return table.error();
    auto bytes = std::make_unique<const std::string>(std::move(index));
    auto opened = BlockIndex::open(*bytes);
    if (!opened) return opened.error().with("index");
    return std::shared_ptr<const BlockTables>(
        new BlockTables(std::move(bytes), *std::move(opened), *std::move(table)));
}

std::size_t BlockTables::heap_bytes() const {
    return sizeof *this + bytes_->capacity() + groups_.heap_bytes();
}

}  // namespace inferscope::tsdb
