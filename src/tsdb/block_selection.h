// SPDX-License-Identifier: Apache-2.0
// A selection of blocks. First their indexes tell which columns of which groups are wanted; then
// each group's chunks are decoded, the times once and the wanted columns behind each other. What
// another block continues, as columns of one group again, is continued in the same rows.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "telemetry/matcher.h"
#include "telemetry/selection.h"
#include "tsdb/block.h"

namespace inferscope::tsdb {

/// For one use: add() each block, then read(). Confined to one thread.
class BlockSelection {
public:
    BlockSelection(const TimeRange& asked, std::size_t most_samples)
        : asked_(asked), most_samples_(most_samples) {}
    BlockSelection(const BlockSelection&) = delete;
    BlockSelection& operator=(const BlockSelection&) = delete;

    /// Looks up what is wanted of the block, which stays where it is until read() is over. Blocks
    /// come in the order of their priority.
    void add(const Block& block, std::span<const Matcher> matchers);
    /// As Block::read().
    Result<Selection> read();

private:
    /// Series by their label sets.
    class ByLabels {
    public:
        using is_transparent = void;
        explicit ByLabels(const std::vector<SelectedSeries>& series) : series_(&series) {}
        std::size_t operator()(const Labels& labels) const { return absl::HashOf(labels); }
        std::size_t operator()(std::uint32_t series) const { return (*this)(labels(series)); }
        bool operator()(std::uint32_t a, std::uint32_t b) const { return a == b; }
        bool operator()(std::uint32_t series, const Labels& other) const {
            return labels(series) == other;
        }

    private:
        [[nodiscard]] const Labels& labels(std::uint32_t series) const {
            return (*series_)[series].labels;
        }
        const std::vector<SelectedSeries>* series_;
    };

    class Search;
    class Decoder;

    /// Chunks of a group that rows are read from.
    struct Source {
        const Block* block = nullptr;
        BlockCache::Shared tables;
        std::span<const ChunkPlace> chunks;
        std::vector<std::uint32_t> columns;  // of the group: one for each column of the rows

        [[nodiscard]] TimeRange times() const {
            return {chunks.front().times.from, chunks.back().times.to};
        }
    };
    struct Rows {
        std::vector<Source> sources;        // by time, apart
        std::vector<std::uint32_t> series;  // of each column, if it is that only; else empty
    };
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

    std::uint32_t place_of(const Labels& labels);

    const TimeRange asked_;
    const std::size_t most_samples_;
    Selection selection_;
    std::vector<Rows> rows_;
    std::vector<std::size_t> newest_rows_;  // that each series is a column of; or kNone
    absl::flat_hash_set<std::uint32_t, ByLabels, ByLabels> known_{0, ByLabels(selection_.series),
                                                                  ByLabels(selection_.series)};
    std::size_t listed_ = 0;  // series in known_
    std::size_t next_ = 0;    // the series that is likely to come
    std::size_t blocks_ = 0;  // added
};

}  // namespace inferscope::tsdb
