// SPDX-License-Identifier: Apache-2.0
// Looks at the rows that pass: an Appender before another one, so that scrape needn't know that
// engines are watched.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>

#include "base/guarded.h"
#include "engines/engine_watch.h"
#include "engines/signal_reader.h"
#include "mapping/mapping.h"
#include "telemetry/appender.h"

namespace inferscope::engines {

/// Passes every call on unchanged. From groups with signal columns it takes the page's state for
/// `watch`, by the labels `job` and `instance` of the first of them; other groups cost a look-up in
/// a hash table for each row. Thread: as `next`: each group one thread at a time.
class ObservingAppender final : public Appender {
public:
    /// `next` and `watch` outlive it.
    ObservingAppender(Appender& next, EngineWatch& watch,
                      std::shared_ptr<const mapping::Mapping> mapping);

    /// For columns announced from now on; rows of running epochs go on as they were read.
    void set_mapping(std::shared_ptr<const mapping::Mapping> mapping);

    GroupId open_group(std::string_view source) override;
    void start_epoch(GroupId group) override;
    void add_columns(GroupId group, std::span<const Column> columns) override;
    Result<void> append_row(GroupId group, const Row& row) override;
    void append_gap(GroupId group, Timestamp time) override;
    Result<void> append_timed(GroupId group, std::span<const TimedSample> samples) override;
    void append_exemplars(GroupId group, std::span<const Exemplar> exemplars) override;
    void close_group(GroupId group, Timestamp time) override;

private:
    struct Observed {
        EngineKey key;
        SignalReader reader;
    };
    struct State {
        std::shared_ptr<const mapping::Mapping> mapping;
        /// The pointee belongs to the group's thread; the table is what threads share.
        absl::flat_hash_map<GroupId, std::unique_ptr<Observed>> groups;
    };
    Observed* find(GroupId group);

    Appender& next_;
    EngineWatch& watch_;
    Guarded<State> state_;
};

}  // namespace inferscope::engines
