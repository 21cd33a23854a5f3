// SPDX-License-Identifier: Apache-2.0
// First, which groups become one: chains, in the order in which they will be written. That order
// is one of priority, so of groups that have a series in common none may overtake another of its
// own block. Then, chain by chain, the chunks.
#include "tsdb/block_merge.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace inferscope::tsdb {
namespace {

/// Sources whose time ranges are apart, by time.
bool are_apart(std::span<const MergeSource> by_time) {
    for (std::size_t i = 1; i < by_time.size(); ++i) {
        if (by_time[i].block->meta().times.from <= by_time[i - 1].block->meta().times.to)
            return false;
    }
    return true;
}

struct Member {
    std::size_t source = 0;
    const BlockLayout::Group* group = nullptr;
};
using Chain = std::vector<Member>;

class Chains {
public:
    explicit Chains(std::span<const BlockLayout> layouts) : layouts_(layouts) {}

    /// The groups of a source, after those of earlier ones; `join`: to chains that are there.
    void add(std::size_t source, bool join) {
        std::size_t last_shared = 0;
        for (const auto& group : layouts_[source].groups()) {
            const auto known = join && group.is_plain ? find({source, &group}) : std::nullopt;
            const bool keeps_order = known && (!group.is_shared || *known >= last_shared);
            const std::size_t chain = keeps_order ? *known : chains_.size();
            if (chain == chains_.size()) chains_.emplace_back();
            chains_[chain].push_back({source, &group});
            if (group.is_shared) last_shared = chain;
        }
        list_plain();
    }

    [[nodiscard]] std::span<const Chain> all() const { return chains_; }

private:
    struct Key {
        std::uint64_t labels = 0;  // of the first column
        std::size_t chain = 0;
    };

    [[nodiscard]] std::span<const BlockLayout::Place> places(const Member& member) const {
        return layouts_[member.source].places(*member.group);
    }
    [[nodiscard]] std::uint64_t key(const Member& member) const {
        return places(member)[0].labels.low;
    }

    /// The chain that the group continues: at least half of the columns are the same.
    [[nodiscard]] std::optional<std::size_t> find(const Member& member) const {
        const auto range = std::ranges::equal_range(keys_, key(member), {}, &Key::labels);
        for (const auto& candidate : range) {
            const auto& chain = chains_[candidate.chain];
            const auto fits = [&](const Member& other) {
                return other.source != member.source && are_alike(places(other), places(member));
            };
            if (std::ranges::all_of(chain, fits)) return candidate.chain;
        }
        return std::nullopt;
    }

    void list_plain() {
        for (; listed_ < chains_.size(); ++listed_) {
            const auto& first = chains_[listed_].front();
            if (first.group->is_plain) keys_.push_back({key(first), listed_});
        }
        std::ranges::sort(keys_, {},
                          [](const Key& key) { return std::pair(key.labels, key.chain); });
    }

    std::span<const BlockLayout> layouts_;
    std::vector<Chain> chains_;
    std::vector<Key> keys_;   // sorted
    std::size_t listed_ = 0;  // chains
};

/// Chunks that follow each other, open, up to as many rows as one chunk has.
class Run {
public:
    struct Chunk {
        std::string bytes;
        ChunkPlace place;
        std::optional<ChunkView> view;
        std::unique_ptr<ColumnDecoder> decoder;
    };

    [[nodiscard]] bool fits(const Chunk& chunk) const {
        return times_.size() + chunk.place.rows <= kBlockChunkRows;
    }
    [[nodiscard]] bool empty() const { return chunks_.empty(); }
    void add(std::unique_ptr<Chunk> chunk) {
        const auto times = chunk->view->times();
        times_.insert(times_.end(), times.begin(), times.end());
        chunk->decoder = std::make_unique<ColumnDecoder>(*chunk->view);
        chunks_.push_back(std::move(chunk));
    }

    /// Appends the rows to the open group of `out`, and is empty then.
    Result<void> write(bool seal_anew, BlockWriter& out) {
        Result<void> written;
        if (chunks_.size() == 1 && !seal_anew) {
            written = out.add_chunk(chunks_[0]->bytes, chunks_[0]->place);
        } else {
            written = out.add_rows(
                times_, [&](std::size_t column, std::size_t first_row, std::span<double> values,
                            std::span<std::uint64_t> present) {
                    fill(column, first_row, values, present);
                });
        }
        chunks_.clear();
        times_.clear();
        return error_ ? *error_ : written;
    }

private:
    void fill(std::size_t column, std::size_t first_row, std::span<double> values,
              std::span<std::uint64_t> present) {
        std::size_t begin = 0;  // of the chunk, in the run
        for (const auto& chunk : chunks_) {
            const std::size_t end = begin + chunk->place.rows;
            const std::size_t from = std::max(begin, first_row);
            const std::size_t to = std::min(end, first_row + values.size());
            if (from < to && column < chunk->view->columns() && decode(*chunk, column)) {
                for (std::size_t row = from; row < to; ++row) {
                    const auto in_chunk = row - begin;
                    const auto bit = present_[in_chunk / 64] >> in_chunk % 64 & 1;
                    values[row - first_row] = values_[in_chunk];
                    present[(row - first_row) / 64] |= bit << (row - first_row) % 64;
                }
            }
            begin = end;
        }
    }

    bool decode(Chunk& chunk, std::size_t column) {
        values_.resize(chunk.place.rows);
        present_.assign((chunk.place.rows + 63) / 64, 0);
        const auto decoded = chunk.decoder->decode(column, values_, present_);
        if (!decoded) error_ = decoded.error();
        if (decoded && *decoded == Presence::all) std::ranges::fill(present_, ~std::uint64_t{0});
        return decoded.has_value();
    }

    std::vector<std::unique_ptr<Chunk>> chunks_;
    std::vector<Timestamp> times_;
    std::optional<Error> error_;
    std::vector<double> values_;  // of a chunk's column
    std::vector<std::uint64_t> present_;
};

class Merger {
public:
    Merger(std::span<const MergeSource> sources, std::span<const BlockLayout> layouts,
           BlockWriter& out)
        : sources_(sources), layouts_(layouts), out_(out) {}

    Result<void> write(const Chain& chain) {
        const auto names = names_of(chain);
        if (names.empty()) return {};
        const bool is_cut = chain.front().group->is_cut;
        out_.start_group(names, is_cut ? Numbering::close_gaps : Numbering::kept);
        for (const auto& member : chain) {
            for (const auto& place : layouts_[member.source].chunks(*member.group)) {
                if (auto added = add(member.source, place, is_cut); !added) return added;
            }
        }
        if (auto written = run_.write(is_cut, out_); !written) return written;
        out_.end_group();
        return {};
    }

    [[nodiscard]] BlockList harmed() const {
        BlockList blocks;
        for (const auto source : harmed_) blocks.push_back(sources_[source].block);
        return blocks;
    }

private:
    /// Of all members; where several have a column it is the same series in each.
    [[nodiscard]] std::vector<ColumnName> names_of(const Chain& chain) const {
        auto names = layouts_[chain[0].source].names(*chain[0].group);
        for (const auto& member : std::span(chain).subspan(1)) {
            const auto known = names.size();
            for (auto& name : layouts_[member.source].names(*member.group)) {
                const auto begin = names.begin();
                const auto end = begin + static_cast<std::ptrdiff_t>(known);
                const auto at =
                    std::ranges::lower_bound(begin, end, name.column, {}, &ColumnName::column);
                if (at == end || at->column != name.column) names.push_back(std::move(name));
            }
            std::ranges::sort(names, {}, &ColumnName::column);
        }
        return names;
    }

    Result<void> add(std::size_t source, const ChunkPlace& place, bool is_cut) {
        auto chunk = std::make_unique<Run::Chunk>();
        auto opened = sources_[source].block->open_chunk(place, chunk->bytes);
        if (!opened) {
            if (opened.error().code != Errc::invalid_argument) return opened.error();
            harmed_.insert(source);
            return {};
        }
        chunk->place = place;
        chunk->view = *std::move(opened);
        if (!run_.empty() && !run_.fits(*chunk)) {
            if (auto written = run_.write(is_cut, out_); !written) return written;
        }
        run_.add(std::move(chunk));
        return {};
    }

    std::span<const MergeSource> sources_;
    std::span<const BlockLayout> layouts_;
    BlockWriter& out_;
    Run run_;
    absl::flat_hash_set<std::size_t> harmed_;
};

}  // namespace

Result<BlockList> merge(std::span<const MergeSource> sources, BlockWriter& out) {
    std::vector<MergeSource> ordered(sources.begin(), sources.end());
    std::ranges::sort(ordered, {},
                      [](const MergeSource& source) { return source.block->meta().times.from; });
    const bool join = are_apart(ordered);
    if (!join) ordered.assign(sources.begin(), sources.end());
    std::vector<BlockLayout> layouts;
    layouts.reserve(ordered.size());
    for (const auto& source : ordered) layouts.emplace_back(*source.tables, source.cut);
    Chains chains(layouts);
    for (std::size_t i = 0; i < ordered.size(); ++i) chains.add(i, join);
    Merger merger(ordered, layouts, out);
    for (const auto& chain : chains.all()) {
        if (auto written = merger.write(chain); !written) return written.error();
    }
    return merger.harmed();
}

}  // namespace inferscope::tsdb
