// SPDX-License-Identifier: Apache-2.0
#include "remote/group_table.h"

#include <algorithm>

namespace inferscope::remote {

std::uint32_t GroupTable::add(GroupId id) {
    if (unused_.empty()) {
        unused_.push_back(static_cast<std::uint32_t>(groups_.size()));
        groups_.emplace_back();
    }
    const auto number = unused_.back();
    unused_.pop_back();
    groups_[number].id = id;
    groups_[number].is_open = true;
    return number;
}

Place GroupTable::add_columns(std::uint32_t number, std::span<const Column> columns) {
    auto& group = groups_[number];
    store_.add_columns(group.id, columns);
    const Place first{number, group.columns};
    group.columns += static_cast<std::uint32_t>(columns.size());
    group.seen_bits.resize((group.columns + 63) / 64);
    return first;
}

void GroupTable::saw(std::uint32_t number, Timestamp time, std::span<const Cell> cells) {
    auto& group = groups_[number];
    group.last_time = std::max(group.last_time, time);
    if (group.seen == group.columns) return;
    for (const auto& cell : cells) {
        auto& word = group.seen_bits[cell.column / 64];
        const auto bit = std::uint64_t{1} << (cell.column % 64);
        group.seen += (word & bit) == 0 ? 1 : 0;
        word |= bit;
    }
}

std::size_t GroupTable::close_idle(std::size_t from, std::size_t count, Timestamp now,
                                   Millis idle_after) {
    std::size_t closed = 0;
    const auto end = std::min(groups_.size(), from + count);
    for (auto number = from; number < end; ++number) {
        auto& group = groups_[number];
        if (!group.is_open) continue;
        if (!group.period_start) group.period_start = now;
        // A clock that was set back doesn't make the period longer than it was.
        group.period_start = std::min(*group.period_start, now);
        if (now - *group.period_start < idle_after.count()) continue;
        if (4 * std::size_t{group.seen} >= group.columns) {
            start_period(group, now);
        } else {
            closed += group.columns;
            close(static_cast<std::uint32_t>(number));
        }
    }
    return closed;
}

void GroupTable::start_period(Group& group, Timestamp now) {
    group.seen = 0;
    std::ranges::fill(group.seen_bits, 0);
    group.period_start = now;
}

void GroupTable::close(std::uint32_t number) {
    auto& group = groups_[number];
    store_.close_group(group.id, group.last_time);
    group = {};
    closed_.push_back(number);
}

void GroupTable::reuse_closed() {
    unused_.insert(unused_.end(), closed_.begin(), closed_.end());
    closed_.clear();
}

}  // namespace inferscope::remote
