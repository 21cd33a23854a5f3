// SPDX-License-Identifier: Apache-2.0
#include "app/turn_appender.h"

namespace inferscope::app {

void TurnAppender::begin_turn() {
    if (refused_ || in_turn_.exchange(true)) return;
    store_.begin_batch();
    at_end_of_turn_();
}

void TurnAppender::end_turn() {
    in_turn_ = false;  // first: what another thread appends from here on begins a turn of its own
    if (!store_.end_batch()) refused_ = true;
}

Result<void> TurnAppender::note(Result<void> appended) {
    if (appended) refused_ = false;
    return appended;
}

GroupId TurnAppender::open_group(std::string_view source) {
    begin_turn();
    return store_.open_group(source);
}

void TurnAppender::start_epoch(GroupId group) {
    begin_turn();
    store_.start_epoch(group);
}

void TurnAppender::add_columns(GroupId group, std::span<const Column> columns) {
    begin_turn();
    store_.add_columns(group, columns);
}

Result<void> TurnAppender::append_row(GroupId group, const Row& row) {
    begin_turn();
    return note(store_.append_row(group, row));
}

void TurnAppender::append_gap(GroupId group, Timestamp time) {
    begin_turn();
    store_.append_gap(group, time);
}

Result<void> TurnAppender::append_timed(GroupId group, std::span<const TimedSample> samples) {
    begin_turn();
    return note(store_.append_timed(group, samples));
}

void TurnAppender::append_exemplars(GroupId group, std::span<const Exemplar> exemplars) {
    begin_turn();
    store_.append_exemplars(group, exemplars);
}

void TurnAppender::close_group(GroupId group, Timestamp time) {
    begin_turn();
    store_.close_group(group, time);
}

}  // namespace inferscope::app
