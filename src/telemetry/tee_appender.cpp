// SPDX-License-Identifier: Apache-2.0
#include "telemetry/tee_appender.h"

#include "base/check.h"
#include "base/log.h"

namespace inferscope {

GroupId TeeAppender::kept_id(GroupId group) const {
    return kept_ids_.with([&](const auto& ids) {
        const auto found = ids.find(group);
        CHECK(found != ids.end(), "the group is open");
        return found->second;
    });
}

void TeeAppender::note(const Result<void>& kept) {
    const bool fails =
        !kept && (kept.error().code == Errc::no_space || kept.error().code == Errc::io_error);
    if (fails) ++not_kept_;
    if (fails == is_failing_.exchange(fails)) return;
    if (fails) {
        log::error("samples aren't kept: {}", kept.error().text);
    } else {
        log::info("samples are kept again");
    }
}

GroupId TeeAppender::open_group(std::string_view source) {
    const auto id = shown_.open_group(source);
    const auto kept = kept_.open_group(source);
    kept_ids_.with([&](auto& ids) { ids.emplace(id, kept); });
    return id;
}

void TeeAppender::start_epoch(GroupId group) {
    shown_.start_epoch(group);
    kept_.start_epoch(kept_id(group));
}

void TeeAppender::add_columns(GroupId group, std::span<const Column> columns) {
    shown_.add_columns(group, columns);
    kept_.add_columns(kept_id(group), columns);
}

Result<void> TeeAppender::append_row(GroupId group, const Row& row) {
    note(kept_.append_row(kept_id(group), row));
    return shown_.append_row(group, row);
}

void TeeAppender::append_gap(GroupId group, Timestamp time) {
    shown_.append_gap(group, time);
    kept_.append_gap(kept_id(group), time);
}

Result<void> TeeAppender::append_timed(GroupId group, std::span<const TimedSample> samples) {
    note(kept_.append_timed(kept_id(group), samples));
    return shown_.append_timed(group, samples);
}

void TeeAppender::append_exemplars(GroupId group, std::span<const Exemplar> exemplars) {
    shown_.append_exemplars(group, exemplars);
    kept_.append_exemplars(kept_id(group), exemplars);
}

void TeeAppender::close_group(GroupId group, Timestamp time) {
    shown_.close_group(group, time);
    kept_.close_group(kept_id(group), time);
    kept_ids_.with([&](auto& ids) { ids.erase(group); });
}

}  // namespace inferscope
