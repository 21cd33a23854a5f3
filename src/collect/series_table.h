// SPDX-License-Identifier: Apache-2.0
// Series of named things (interfaces, disks, CPUs, GPUs): their refs, found again by name.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/row_writer.h"

namespace inferscope::collect {

/// `Series`: how many for each thing. Thread: confined to one.
template <std::size_t Series>
class SeriesTable {
public:
    using Refs = std::array<SeriesRef, Series>;

    /// The refs of `key`, made if new. `position`: its place among its siblings, where it is looked
    /// for first. Valid until the next call.
    Refs& at(std::size_t position, std::string_view key) {
        if (position < entries_.size() && entries_[position].first == key) {
            return entries_[position].second;
        }
        auto known = std::ranges::find(entries_, key, &Entry::first);
        if (known == entries_.end()) {
            if (entries_.size() >= kMaxEntries) entries_.clear();
            entries_.emplace_back(key, Refs{});
            known = std::prev(entries_.end());
        }
        if (position >= entries_.size()) return known->second;
        std::swap(*known, entries_[position]);
        return entries_[position].second;
    }

private:
    using Entry = std::pair<std::string, Refs>;
    static constexpr std::size_t kMaxEntries =
        1024;  // names come and go: the refs of old ones are let go

    std::vector<Entry> entries_;
};

}  // namespace inferscope::collect
