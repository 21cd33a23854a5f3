// SPDX-License-Identifier: Apache-2.0
// What happens to blocks in the background: merging, retention, deletion, snapshots.
#include <algorithm>
#include <numeric>
#include <utility>

#include "base/log.h"
#include "tsdb/block_plan.h"
#include "tsdb/block_set.h"

namespace inferscope::tsdb {
namespace {

constexpr std::size_t kCopyBytes = 1 << 20;

Result<void> copy_file(Files& files, const std::string& from, const std::string& to) {
    const auto source = files.open(from, OpenMode::existing);
    if (!source) return source.error();
    const auto target = files.open(to, OpenMode::fresh);
    if (!target) return target.error();
    std::string bytes(kCopyBytes, '\0');
    for (std::uint64_t offset = 0;; offset += kCopyBytes) {
        const auto read = (*source)->read(offset, bytes);
        if (!read) return read.error();
        auto appended = (*target)->append(std::string_view(bytes).substr(0, *read));
        if (!appended) return appended;
        if (*read < kCopyBytes) return (*target)->sync();
    }
}

/// Of which nothing is cut; nothing if the block is harmed and was set aside: it is no longer one
/// of the set.
Result<std::optional<MergeSource>> source_of(const BlockPtr& block) {
    const auto tables = block->tables();
    if (tables) return MergeSource{block, *tables, {}};
    if (tables.error().code == Errc::invalid_argument) return std::nullopt;
    return tables.error();
}

}  // namespace

Result<bool> Blocks::compact(Timestamp now) {
    const std::scoped_lock lock(working_);
    const auto blocks = mergeable();
    std::vector<BlockMeta> metas;
    for (const auto& block : blocks) metas.push_back(block->meta());
    auto plan = plan_merge(metas, config_.range, longest_range(config_.range, config_.retention));
    if (plan.empty()) return false;
    std::ranges::sort(plan);  // by priority, as the list
    std::vector<MergeSource> sources;
    std::uint32_t level = 0;
    for (const auto number : plan) {
        auto source = source_of(blocks[number]);
        if (!source) return source.error();
        if (!*source) return true;  // other blocks, another plan
        level = std::max(level, metas[number].level);
        sources.push_back(**std::move(source));
    }
    auto merged = rewrite(sources, level + 1, now);
    if (merged) return true;
    const auto code = merged.error().code;
    if (code == Errc::invalid_argument || code == Errc::limit_exceeded)
        for (const auto number : plan) unmergeable_.insert(metas[number].number);
    return merged.error();
}

/// All but those with which it failed before, in a way that would come again.
BlockList Blocks::mergeable() const {
    auto blocks = *list();
    std::erase_if(blocks,
                  [&](const auto& block) { return unmergeable_.contains(block->meta().number); });
    return blocks;
}

/// Puts what is left of the sources in their place. Those with harmed chunks are set aside, so that
/// nothing is lost that somebody might mend.
Result<void> Blocks::rewrite(std::span<const MergeSource> sources, std::uint32_t level,
                             Timestamp now) {
    BlockMeta meta{
        .number = take_number(), .level = level, .created = now, .times = {}, .replaces = {}};
    meta.origin = meta.number;
    BlockList blocks;
    for (const auto& source : sources) {
        meta.origin = std::min(meta.origin, source.block->meta().origin);
        meta.replaces.push_back(source.block->meta().number);
        blocks.push_back(source.block);
    }
    auto writer = BlockWriter::create(folder_.files, folder_.path, std::move(meta));
    if (!writer) return writer.error();
    const auto harmed = merge(sources, **writer);
    if (!harmed) return harmed.error();
    if ((*writer)->empty()) {
        writer->reset();
        exchange(nullptr, blocks);
    } else if (auto added = finish(*std::move(writer), blocks); !added) {
        return added;
    }
    for (const auto& block : *harmed) {
        folder_.set_aside(block->meta().number,
                          {Errc::invalid_argument, "it has harmed chunks; the rest was rewritten"});
        std::erase(blocks, block);
    }
    return remove_files(blocks);
}

Result<void> Blocks::apply_retention(Timestamp newest, Timestamp now) {
    const std::scoped_lock lock(working_);
    BlockList gone;
    BlockList thinned;
    for (const auto& block : *list()) {
        const bool is_old = config_.retention.count() != 0 &&
                            block->meta().times.to < newest - config_.retention.count();
        if (is_old) (still_kept(block->meta(), newest).empty() ? gone : thinned).push_back(block);
    }
    if (auto removed = remove(gone); !removed) return removed;
    for (const auto& block : thinned) {
        auto kept = keep_only(block, still_kept(block->meta(), newest), now);
        if (!kept) return kept;
    }
    return apply_size_bound();
}

std::vector<const KeepLonger*> Blocks::still_kept(const BlockMeta& meta, Timestamp newest) const {
    std::vector<const KeepLonger*> rules;
    for (const auto& rule : config_.keep_longer)
        if (meta.times.to >= newest - rule.keep.count()) rules.push_back(&rule);
    return rules;
}

/// Series that one of the rules keeps.
Result<void> Blocks::keep_only(const BlockPtr& block, std::span<const KeepLonger* const> rules,
                               Timestamp now) {
    auto found = source_of(block);
    if (!found) return found.error();
    if (!*found) return {};
    auto& source = **found;
    const auto& index = source.tables->index();
    source.cut.series = index.select({});
    for (const auto* rule : rules) subtract(source.cut.series, index.select(rule->matchers));
    if (source.cut.series.empty()) return {};
    return rewrite({&source, 1}, block->meta().level, now);
}

Result<void> Blocks::apply_size_bound() {
    if (config_.retention_bytes == 0) return {};
    auto blocks = *list();
    std::ranges::sort(blocks, {}, [](const auto& block) { return block->meta().times.to; });
    auto bytes = std::accumulate(
        blocks.begin(), blocks.end(), std::uint64_t{0},
        [](std::uint64_t sum, const auto& block) { return sum + block->meta().bytes; });
    BlockList gone;
    for (const auto& block : blocks) {
        if (bytes <= config_.retention_bytes) break;
        bytes -= block->meta().bytes;
        gone.push_back(block);
    }
    return remove(gone);
}

Result<void> Blocks::delete_series(std::span<const Matcher> matchers, const TimeRange& times,
                                   Timestamp now) {
    const std::scoped_lock lock(working_);
    for (const auto& block : *list()) {
        if (!block->meta().times.overlaps(times)) continue;
        auto found = source_of(block);
        if (!found) return found.error();
        if (!*found) continue;
        auto& source = **found;
        source.cut = {source.tables->index().select(matchers), times};
        if (!BlockLayout(*source.tables, source.cut).is_cut()) continue;
        auto rewritten = rewrite({&source, 1}, block->meta().level, now);
        if (!rewritten) return rewritten;
    }
    return {};
}

Result<void> Blocks::snapshot(const std::string& target) {
    const std::scoped_lock lock(working_);
    if (auto made = folder_.files.make_folder(target); !made) return made;
    for (const auto& block : *list()) {
        const auto to = target + '/' + block_format::file_name(block->meta().number);
        if (folder_.files.link(block->path(), to)) continue;
        if (auto copied = copy_file(folder_.files, block->path(), to); !copied) return copied;
    }
    return folder_.files.sync_folder(target);
}

}  // namespace inferscope::tsdb
