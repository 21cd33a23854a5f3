// SPDX-License-Identifier: Apache-2.0
#include "engines/observing_appender.h"

namespace inferscope::engines {

ObservingAppender::ObservingAppender(Appender& next, EngineWatch& watch,
                                     std::shared_ptr<const mapping::Mapping> mapping)
    : next_(next), watch_(watch) {
    set_mapping(std::move(mapping));
}

void ObservingAppender::set_mapping(std::shared_ptr<const mapping::Mapping> mapping) {
    state_.with([&](State& state) { state.mapping = std::move(mapping); });
}

GroupId ObservingAppender::open_group(std::string_view source) {
    const GroupId group = next_.open_group(source);
    state_.with([&](State& state) { state.groups[group] = std::make_unique<Observed>(); });
    return group;
}

void ObservingAppender::start_epoch(GroupId group) {
    next_.start_epoch(group);
    if (auto* observed = find(group)) observed->reader.clear();
}

void ObservingAppender::add_columns(GroupId group, std::span<const Column> columns) {
    next_.add_columns(group, columns);
    auto* observed = find(group);
    if (observed == nullptr) return;
    const auto mapping = state_.with([](const State& state) { return state.mapping; });
    const bool was_empty = observed->reader.is_empty();
    observed->reader.add(*mapping, columns);
    if (!was_empty || observed->reader.is_empty() || columns.empty()) return;
    const Labels& labels = columns.front().labels;
    observed->key = {std::string(labels.get("job")), std::string(labels.get("instance"))};
}

Result<void> ObservingAppender::append_row(GroupId group, const Row& row) {
    const auto* observed = find(group);
    if (observed != nullptr && !observed->reader.is_empty()) {
        watch_.on_page(observed->key, observed->reader.read(row.values));
    }
    return next_.append_row(group, row);
}

void ObservingAppender::append_gap(GroupId group, Timestamp time) { next_.append_gap(group, time); }

Result<void> ObservingAppender::append_timed(GroupId group, std::span<const TimedSample> samples) {
    return next_.append_timed(group, samples);
}

void ObservingAppender::append_exemplars(GroupId group, std::span<const Exemplar> exemplars) {
    next_.append_exemplars(group, exemplars);
}

void ObservingAppender::close_group(GroupId group, Timestamp time) {
    next_.close_group(group, time);
    if (const auto* observed = find(group)) watch_.forget_page(observed->key);
    state_.with([&](State& state) { state.groups.erase(group); });
}

ObservingAppender::Observed* ObservingAppender::find(GroupId group) {
    return state_.with([&](State& state) -> Observed* {
        const auto found = state.groups.find(group);
        return found == state.groups.end() ? nullptr : found->second.get();
    });
}

}  // namespace inferscope::engines
