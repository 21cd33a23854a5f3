// SPDX-License-Identifier: Apache-2.0
// An Appender that writes down what it is given: for tests of sources.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "telemetry/appender.h"

namespace inferscope {

class RecordingAppender final : public PieceAppender {
public:
    struct Group {
        std::string source;
        std::vector<Column> columns;
        std::vector<std::pair<Timestamp, std::vector<double>>> rows;
        std::vector<std::vector<std::uint64_t>> changed;
        std::vector<Timestamp> gaps;
        std::vector<TimedSample> timed;
        std::vector<std::pair<Timestamp, std::vector<Cell>>> pieces;
        std::vector<Exemplar> exemplars;
        int epochs = 1;
        bool loose = false;
        bool closed = false;
    };

    GroupId open_group(std::string_view source) override;
    void start_epoch(GroupId group) override;
    void add_columns(GroupId group, std::span<const Column> columns) override;
    Result<void> append_row(GroupId group, const Row& row) override;
    void append_gap(GroupId group, Timestamp time) override;
    Result<void> append_timed(GroupId group, std::span<const TimedSample> samples) override;
    void append_exemplars(GroupId group, std::span<const Exemplar> exemplars) override;
    void close_group(GroupId group, Timestamp time) override;
    GroupId open_loose_group(std::string_view source) override;
    Result<VerdictCounts> append_cells(GroupId group, Timestamp time,
                                       std::span<const Cell> cells) override;
    void add_families(std::span<const FamilyPtr> families) override;
    void begin_batch() override {}
    Result<void> end_batch() override { return {}; }

    [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }
    [[nodiscard]] const std::vector<FamilyPtr>& families() const { return families_; }
    /// The newest row of every open group: series text (`name{...}`, second names too) -> value,
    /// stale ones left out.
    [[nodiscard]] std::map<std::string, double> latest() const;

private:
    Group& at(GroupId group) { return groups_.at(static_cast<std::size_t>(group)); }
    std::vector<Group> groups_;
    std::vector<FamilyPtr> families_;
};

}  // namespace inferscope
