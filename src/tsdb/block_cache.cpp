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

BlockCache::Tables BlockCache::find(std::uint32_t block) {
    return kept_.with([&](Kept& kept) -> Tables {
        const auto found = kept.by_block.find(block);
        if (found == kept.by_block.end()) return nullptr;
        kept.uses.splice(kept.uses.begin(), kept.uses, found->second);
        return found->second->second;
    });
}

void BlockCache::put(std::uint32_t block, Tables tables) {
    kept_.with([&](Kept& kept) {
        kept.drop(block);
        kept.bytes += tables->heap_bytes();
        kept.uses.emplace_front(block, std::move(tables));
        kept.by_block[block] = kept.uses.begin();
        while (kept.bytes > most_bytes_ && kept.uses.size() > 1) kept.drop(kept.uses.back().first);
    });
}

void BlockCache::drop(std::uint32_t block) {
    kept_.with([&](Kept& kept) { kept.drop(block); });
}

std::size_t BlockCache::bytes() const {
    return kept_.with([](const Kept& kept) { return kept.bytes; });
}

void BlockCache::Kept::drop(std::uint32_t block) {
    const auto found = by_block.find(block);
    if (found == by_block.end()) return;
    bytes -= found->second->second->heap_bytes();
    uses.erase(found->second);
    by_block.erase(found);
}

}  // namespace inferscope::tsdb
