// SPDX-License-Identifier: Apache-2.0
// The groups that remote write has open in the store, and when they are idle.
//
// A group is idle when fewer than a quarter of its columns got a sample in a whole period: its
// target is gone, or its series were replaced by others one by one. It is closed, and what still
// lives is announced anew when it comes. So what was sent once and never again doesn't stay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "remote/series_table.h"
#include "telemetry/appender.h"

namespace inferscope::remote {

class GroupTable {
public:
    /// `store` outlives the table.
    explicit GroupTable(PieceAppender& store) : store_(store) {}

    /// Both return the group's number.
    std::uint32_t open_cohort(std::string_view source) { return add(store_.open_group(source)); }
    std::uint32_t open_loose(std::string_view source) {
        return add(store_.open_loose_group(source));
    }
    /// Returns the place of the first one; the others follow.
    Place add_columns(std::uint32_t group, std::span<const Column> columns);

    [[nodiscard]] bool has(const Place& place) const {
        return place && groups_[place.group].is_open;
    }
    [[nodiscard]] GroupId id(std::uint32_t group) const { return groups_[group].id; }
    [[nodiscard]] std::uint32_t columns(std::uint32_t group) const {
        return groups_[group].columns;
    }
    /// The cells were appended to the group at `time`.
    void saw(std::uint32_t group, Timestamp time, std::span<const Cell> cells);

    /// Looks at `count` groups from number `from` on, closes the idle ones, and returns how many
    /// columns they had. `now`: wall clock.
    std::size_t close_idle(std::size_t from, std::size_t count, Timestamp now, Millis idle_after);
    /// Nobody remembers a place in a closed group anymore: their numbers may be given to others.
    void reuse_closed();
    /// All numbers are smaller.
    [[nodiscard]] std::size_t end() const { return groups_.size(); }
    [[nodiscard]] std::size_t open() const {
        return groups_.size() - unused_.size() - closed_.size();
    }

private:
    struct Group {
        GroupId id{};
        bool is_open = false;
        std::uint32_t columns = 0;
        std::uint32_t seen = 0;                // columns with a sample in this period
        std::vector<std::uint64_t> seen_bits;  // a bit for each column
        std::optional<Timestamp> period_start;
        Timestamp last_time = 0;  // of a sample
    };

    std::uint32_t add(GroupId id);
    static void start_period(Group& group, Timestamp now);
    void close(std::uint32_t number);

    PieceAppender& store_;
    std::vector<Group> groups_;
    std::vector<std::uint32_t> unused_;  // numbers
    std::vector<std::uint32_t> closed_;  // numbers that are still remembered
};

}  // namespace inferscope::remote
