// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_set.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/log.h"

namespace inferscope::tsdb {
namespace {

/// A reader's look at a folder that its owner is changing: blocks may go between list and open.
constexpr int kMostTries = 20;

bool is_outdated(const Result<void>& opened) {
    return !opened && opened.error().code == Errc::not_found;
}

auto priority(const BlockPtr& block) {
    return std::tuple(block->meta().origin, block->meta().number);
}

}  // namespace

Blocks::Blocks(Files& files, const std::string& folder, BlocksConfig config, Access access)
    : folder_(files, folder, config, access), config_(std::move(config)) {}

Result<std::unique_ptr<Blocks>> Blocks::open(Files& files, const std::string& folder,
                                             BlocksConfig config, Access access) {
    if (access == Access::owner) {
        if (auto made = files.make_folder(folder); !made) return made.error();
    }
    std::unique_ptr<Blocks> blocks(new Blocks(files, folder, std::move(config), access));
    auto opened = blocks->open_folder();
    for (int tries = 1; is_outdated(opened) && tries < kMostTries; ++tries)
        opened = blocks->open_folder();
    if (!opened) return opened.error();
    if (auto removed = blocks->remove_replaced(); !removed) return removed.error();
    return blocks;
}

Result<void> Blocks::open_folder() {
    const bool is_ours = folder_.access == Access::owner;
    const auto names = folder_.files.list(folder_.path);
    if (!names && !is_ours && names.error().code == Errc::not_found) return {};
    if (!names) return names.error();
    BlockList found;
    std::uint32_t last = 0;
    folder_.harmed_blocks = 0;
    for (const auto& name : *names) {
        const auto number = block_format::number_from_name(name);
        if (!number) continue;
        last = std::max(last, *number);
        if (name == block_format::harmed_name(*number)) ++folder_.harmed_blocks;
        if (is_ours && name == block_format::temporary_name(*number)) {
            if (auto gone = folder_.files.remove(folder_.file(name)); !gone) return gone;
        }
        if (name == block_format::file_name(*number)) {
            if (auto opened = open_block(*number, found); !opened) return opened;
        }
    }
    for (const auto& block : found)
        for (const auto number : block->meta().replaces) last = std::max(last, number);
    std::ranges::sort(found, {}, priority);
    state_.with([&](State& state) {
        state.list = std::make_shared<const BlockList>(std::move(found));
        state.next_number = last + 1;
    });
    return {};
}

/// Puts it in `found`; one that can't be read doesn't keep the others from serving. Fails with
/// not_found if the folder's owner has removed it meanwhile.
Result<void> Blocks::open_block(std::uint32_t number, BlockList& found) {
    auto block = Block::open(folder_, number);
    if (block) {
        found.push_back(*std::move(block));
    } else if (block.error().code == Errc::invalid_argument) {
        folder_.set_aside(number, block.error());
    } else if (folder_.access == Access::reader && block.error().code == Errc::not_found) {
        return block.error();
    } else {
        log::error("left out: {}", block.error().text);
    }
    return {};
}

/// A crash came between the writing of a block and the removal of those that it stands for. Only
/// one that is good can stand for them.
Result<void> Blocks::remove_replaced() {
    auto blocks = *list();
    std::ranges::sort(blocks, std::greater(),
                      [](const auto& block) { return block->meta().number; });
    absl::flat_hash_set<std::uint32_t> replaced;
    BlockList leftovers;
    for (const auto& block : blocks) {
        const auto& meta = block->meta();
        const bool is_replaced = replaced.contains(meta.number);
        if (is_replaced) leftovers.push_back(block);
        const auto is_there = [&](std::uint32_t number) {
            return std::ranges::any_of(
                blocks, [&](const auto& other) { return other->meta().number == number; });
        };
        if (std::ranges::none_of(meta.replaces, is_there)) continue;
        if (is_replaced || block->tables())
            replaced.insert(meta.replaces.begin(), meta.replaces.end());
    }
    if (folder_.access == Access::owner) return remove(leftovers);
    exchange(nullptr, leftovers);
    return {};
}

std::shared_ptr<const BlockList> Blocks::list() const {
    return state_.with([](State& state) {
        const auto is_harmed = [](const BlockPtr& block) { return block->is_harmed(); };
        if (std::ranges::any_of(*state.list, is_harmed)) {
            auto rest = *state.list;
            std::erase_if(rest, is_harmed);
            state.list = std::make_shared<const BlockList>(std::move(rest));
        }
        return state.list;
    });
}

BlocksStats Blocks::stats() const {
    BlocksStats stats;
    for (const auto& block : *list()) {
        ++stats.blocks;
        stats.bytes += block->meta().bytes;
        stats.samples += block->meta().samples;
    }
    stats.set_aside = folder_.harmed_blocks.load(std::memory_order_relaxed);
    stats.harmed_chunks = folder_.harmed_chunks.load(std::memory_order_relaxed);
    stats.tables_bytes = folder_.cache.bytes();
    return stats;
}

Result<std::unique_ptr<BlockWriter>> Blocks::start_block(Timestamp now) {
    const auto number = take_number();
    return BlockWriter::create(
        folder_.files, folder_.path,
        {.number = number, .origin = number, .created = now, .times = {}, .replaces = {}});
}

std::uint32_t Blocks::take_number() {
    return state_.with([](State& state) { return state.next_number++; });
}

Result<void> Blocks::add(std::unique_ptr<BlockWriter> block) {
    if (block->empty()) return {};
    return finish(std::move(block), {});
}

/// Finishes a block and puts it in the place of others, whose files stay.
Result<void> Blocks::finish(std::unique_ptr<BlockWriter> writer, std::span<const BlockPtr> others) {
    if (auto finished = writer->finish(); !finished) return finished.error();
    auto block = Block::open(folder_, writer->number());
    if (!block) return block.error();
    exchange(*std::move(block), others);
    return {};
}

/// In the list.
void Blocks::exchange(BlockPtr fresh, std::span<const BlockPtr> others) {
    state_.with([&](State& state) {
        auto list = *state.list;
        std::erase_if(
            list, [&](const auto& one) { return std::ranges::find(others, one) != others.end(); });
        if (fresh) list.push_back(std::move(fresh));
        std::ranges::sort(list, {}, priority);
        state.list = std::make_shared<const BlockList>(std::move(list));
    });
}

Result<void> Blocks::remove(std::span<const BlockPtr> blocks) {
    exchange(nullptr, blocks);
    return remove_files(blocks);
}

Result<void> Blocks::remove_files(std::span<const BlockPtr> blocks) {
    if (blocks.empty()) return {};
    for (const auto& block : blocks) {
        folder_.cache.drop(block->meta().number);
        if (auto gone = folder_.files.remove(block->path()); !gone) return gone;
    }
    return folder_.files.sync_folder(folder_.path);
}

}  // namespace inferscope::tsdb
