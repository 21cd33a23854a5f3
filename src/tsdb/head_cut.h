// SPDX-License-Identifier: Apache-2.0
// Everything that the head held at one moment, on its way into blocks.
#pragma once

#include <cstddef>
#include <set>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "tsdb/block_writer.h"
#include "tsdb/catalog.h"
#include "tsdb/epoch.h"

namespace inferscope::tsdb {

/// Lives as long as the call it is given to; confined to its thread.
class HeadCut {
public:
    /// One for each block that is to be written, by time: together they are all of time. They are
    /// aligned, but for a little behind the last full one that goes with it, and longer if there
    /// would be more than 64.
    [[nodiscard]] std::vector<TimeRange> ranges() const;
    /// Adds the samples of a range.
    Result<void> write(const TimeRange& range, BlockWriter& writer) const;
    /// kNever if there is no sample.
    [[nodiscard]] Timestamp newest() const { return newest_; }

private:
    friend class Head;
    struct Group {
        SharedEpoch epoch;
        FrozenRows rows;
        std::vector<Catalog::Name> names;  // by column
    };

    HeadCut(const Guarded<Catalog>& catalog, Millis range)
        : catalog_(catalog), range_(range.count()) {}

    void add_times(const FrozenRows& rows);
    void add_times(std::span<const Sample> samples);
    void add_time(Timestamp time);
    [[nodiscard]] Timestamp range_of(Timestamp time) const;
    Result<void> write_singles(const TimeRange& range, BlockWriter& writer) const;
    Result<void> write_group(const Group& group, const TimeRange& range, BlockWriter& writer) const;
    [[nodiscard]] std::vector<ColumnName> names_of(const Group& group) const;

    const Guarded<Catalog>& catalog_;
    Timestamp range_;
    std::vector<Group> groups_;        // in the order in which they began
    SeriesId series_end_ = 0;          // greater than all ids when it began
    std::set<Timestamp> ranges_used_;  // numbers of the ranges that have a sample
    Timestamp newest_ = kNever;
};

}  // namespace inferscope::tsdb
