// SPDX-License-Identifier: Apache-2.0
// One source, two appenders: what is shown now, and what is kept.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <cstdint>

#include "base/guarded.h"
#include "telemetry/appender.h"

namespace inferscope {

/// Hands each call to `shown`, whose answer is the caller's, and to `kept`. That a store can't take
/// a row says nothing about the target it came from: it is counted, and said in the log when it
/// begins and when it is over. Samples that `kept` judges (out of order, duplicates) it counts
/// itself. Thread: as Appender.
class TeeAppender final : public Appender {
public:
    /// Both outlive it.
    TeeAppender(Appender& shown, Appender& kept) : shown_(shown), kept_(kept) {}

    GroupId open_group(std::string_view source) override;
    void start_epoch(GroupId group) override;
    void add_columns(GroupId group, std::span<const Column> columns) override;
    Result<void> append_row(GroupId group, const Row& row) override;
    void append_gap(GroupId group, Timestamp time) override;
    Result<void> append_timed(GroupId group, std::span<const TimedSample> samples) override;
    void append_exemplars(GroupId group, std::span<const Exemplar> exemplars) override;
    void close_group(GroupId group, Timestamp time) override;

    /// Calls that `kept` couldn't take: the disk is full, or fails.
    [[nodiscard]] std::uint64_t not_kept() const { return not_kept_; }

private:
    [[nodiscard]] GroupId kept_id(GroupId group) const;
    void note(const Result<void>& kept);

    Appender& shown_;
    Appender& kept_;
    Guarded<absl::flat_hash_map<GroupId, GroupId>> kept_ids_;  // by that of `shown`
    std::atomic<std::uint64_t> not_kept_{0};
    std::atomic<bool> is_failing_{false};
};

}  // namespace inferscope
