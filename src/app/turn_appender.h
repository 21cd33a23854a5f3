// SPDX-License-Identifier: Apache-2.0
// What our own sources append within one turn of the io loop goes into the log at once: targets
// that share a slot are read one after the other, and a write(2) costs as much as twenty rows.
// Nobody waits for these rows' acknowledgement; a killed process has lost those of its last turn.
#pragma once

#include <atomic>
#include <functional>

#include "telemetry/appender.h"

namespace inferscope::app {

/// Thread: as Appender.
class TurnAppender final : public Appender {
public:
    /// `store` outlives it. `at_end_of_turn` is called from within an append, from any thread: it
    /// lets end_turn() be called soon, before the loop waits.
    TurnAppender(PieceAppender& store, std::function<void()> at_end_of_turn)
        : store_(store), at_end_of_turn_(std::move(at_end_of_turn)) {}

    /// What was appended is in the log when this returns. If the log refuses it, the next rows go
    /// there one by one, until one is taken: so their sources hear of it.
    void end_turn();

    GroupId open_group(std::string_view source) override;
    void start_epoch(GroupId group) override;
    void add_columns(GroupId group, std::span<const Column> columns) override;
    Result<void> append_row(GroupId group, const Row& row) override;
    void append_gap(GroupId group, Timestamp time) override;
    Result<void> append_timed(GroupId group, std::span<const TimedSample> samples) override;
    void append_exemplars(GroupId group, std::span<const Exemplar> exemplars) override;
    void close_group(GroupId group, Timestamp time) override;

private:
    void begin_turn();
    Result<void> note(Result<void> appended);

    PieceAppender& store_;
    std::function<void()> at_end_of_turn_;
    std::atomic<bool> in_turn_{false};
    std::atomic<bool> refused_{false};
};

}  // namespace inferscope::app
