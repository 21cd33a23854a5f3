// SPDX-License-Identifier: Apache-2.0
// A block seen from its groups: which series each column is. The index tells it the other way
// round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "telemetry/fingerprint.h"
#include "tsdb/block.h"
#include "tsdb/block_writer.h"
#include "tsdb/postings.h"

namespace inferscope::tsdb {

/// What a block shall lose: the samples of some series between two times.
struct BlockCut {
    Ids series;
    TimeRange times;
};

/// Holds 40 bytes for each place of a series. Confined to one thread.
class BlockLayout {
public:
    /// `tables` are those of the block, and outlive the layout as `cut` does.
    BlockLayout(const BlockTables& tables, const BlockCut& cut);

    /// A series that a column is.
    struct Place {
        std::uint32_t group = 0;  ///< its first entry
        std::uint32_t entry = 0;
        std::uint32_t column = 0;
        SeriesId series = 0;
        Fingerprint labels;
        bool is_shared = false;  ///< the series has further places
        bool is_cut = false;     ///< it loses something here
    };
    struct Group {
        std::size_t first = 0;   ///< of its places
        std::size_t count = 0;   ///< at least 1
        bool is_plain = true;    ///< its columns are their series at all times, and lose nothing
        bool is_cut = false;     ///< a series loses something
        bool is_shared = false;  ///< a series of it has places elsewhere, too
    };
    /// In the order of the block.
    [[nodiscard]] std::span<const Group> groups() const { return groups_; }
    /// By column, then label set.
    [[nodiscard]] std::span<const Place> places(const Group& group) const {
        return std::span(places_).subspan(group.first, group.count);
    }
    [[nodiscard]] std::span<const ChunkPlace> chunks(const Group& group) const {
        return tables_.groups().chunks(places_[group.first].group);
    }
    /// What is left of the group's series, by column.
    [[nodiscard]] std::vector<ColumnName> names(const Group& group) const;
    /// Whether any sample may be lost.
    [[nodiscard]] bool is_cut() const;

private:
    void list_places();
    void list_groups();
    [[nodiscard]] bool touches(const ColumnPlace& place) const;

    const BlockTables& tables_;
    const BlockCut& cut_;
    std::vector<Place> places_;
    std::vector<Group> groups_;
};

/// Whether at least half of the columns of each are the same series in both, and none is one
/// series here and another there.
bool are_alike(std::span<const BlockLayout::Place> a, std::span<const BlockLayout::Place> b);

}  // namespace inferscope::tsdb
