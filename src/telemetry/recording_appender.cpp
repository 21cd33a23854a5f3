// SPDX-License-Identifier: Apache-2.0
#include "telemetry/recording_appender.h"

#include "base/check.h"
#include "base/numbers.h"

namespace inferscope {

GroupId RecordingAppender::open_group(std::string_view source) {
    groups_.push_back({});
    groups_.back().source = source;
    return static_cast<GroupId>(groups_.size() - 1);
}

void RecordingAppender::start_epoch(GroupId group) {
    at(group).columns.clear();
    ++at(group).epochs;
}

void RecordingAppender::add_columns(GroupId group, std::span<const Column> columns) {
    at(group).columns.insert(at(group).columns.end(), columns.begin(), columns.end());
}

Result<void> RecordingAppender::append_row(GroupId group, const Row& row) {
    CHECK(row.values.size() == at(group).columns.size(), "a row has one value for each column");
    at(group).rows.emplace_back(row.time, std::vector(row.values.begin(), row.values.end()));
    at(group).changed.emplace_back(row.changed.begin(), row.changed.end());
    return {};
}

void RecordingAppender::append_gap(GroupId group, Timestamp time) {
    at(group).gaps.push_back(time);
}

Result<void> RecordingAppender::append_timed(GroupId group, std::span<const TimedSample> samples) {
    at(group).timed.insert(at(group).timed.end(), samples.begin(), samples.end());
    return {};
}

void RecordingAppender::append_exemplars(GroupId group, std::span<const Exemplar> exemplars) {
    at(group).exemplars.insert(at(group).exemplars.end(), exemplars.begin(), exemplars.end());
}

void RecordingAppender::close_group(GroupId group, Timestamp time) {
    at(group).gaps.push_back(time);
    at(group).closed = true;
}

GroupId RecordingAppender::open_loose_group(std::string_view source) {
    const auto id = open_group(source);
    at(id).loose = true;
    return id;
}

Result<VerdictCounts> RecordingAppender::append_cells(GroupId group, Timestamp time,
                                                      std::span<const Cell> cells) {
    at(group).pieces.emplace_back(time, std::vector(cells.begin(), cells.end()));
    VerdictCounts counts;
    counts[Verdict::taken] = cells.size();
    return counts;
}

void RecordingAppender::add_families(std::span<const FamilyPtr> families) {
    families_.insert(families_.end(), families.begin(), families.end());
}

std::map<std::string, double> RecordingAppender::latest() const {
    std::map<std::string, double> series;
    for (const auto& group : groups_) {
        if (group.closed || group.rows.empty()) continue;
        if (!group.gaps.empty() && group.gaps.back() >= group.rows.back().first) continue;
        const auto& values = group.rows.back().second;
        for (std::size_t i = 0; i < values.size() && i < group.columns.size(); ++i) {
            if (is_stale_marker(values[i])) continue;
            series[group.columns[i].labels.to_text()] = values[i];
            for (const auto& second : group.columns[i].second_names)
                series[second.labels.to_text()] = values[i];
        }
    }
    return series;
}

}  // namespace inferscope
