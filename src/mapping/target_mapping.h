// SPDX-License-Identifier: Apache-2.0
// One target's way through the mapping: second names for its columns, derived columns, and what is
// missing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mapping/mapping.h"
#include "telemetry/appender.h"

namespace inferscope::mapping {

/// A family that this engine and version should have, and that the page lacks.
struct MissingFamily {
    std::string engine_family;  ///< as the mapping spells it, e.g. "vllm:kv_cache_usage_perc"
    std::string unified;        ///< what can't be given without it; empty: nothing unified
    std::string renamed_in;     ///< version at which the name changed, where known
    std::string known_as;  ///< the other spelling, if the page has that one or the mapping knows it
};

/// Indexes of the columns that tell the engine's state (`Signals` says what they mean), found once,
/// read in every row.
struct SignalColumns {
    std::vector<std::uint32_t> running, waiting, kv_usage, progress, sleeping;
};

/// Lives for one epoch of one target: a new mapping, identity or base labels make a new one (and a
/// new epoch). For every page that brings new series:
///     names.name_columns(fresh);                            // all new columns of the page at once
///     auto derived = names.derive_columns(first, fresh);    // to be announced right behind
///     `fresh`
/// and for every row, with all columns' values: names.derive_values(now, values);
/// Thread: confined to the scrape that owns it.
class TargetMapping {
public:
    /// `base` labels stand on every unified series and win over the engine's (cluster_id,
    /// cluster_name, worker_id, worker_name, model_id, model_instance_id, model_instance_name,
    /// runtime ...); except that `model_name`, `job` and `instance` are kept where the series has
    /// them. `runtime` is added if `base` lacks it.
    TargetMapping(std::shared_ptr<const Mapping> mapping, Identity identity, Labels base);
    ~TargetMapping();

    /// Fills `second_names` from `labels` and `family`; an exporter's column may be moved to
    /// ShownOn::metrics. Whether an old or a new name wins is decided among the columns of one
    /// call: so all new columns of a page go into one.
    void name_columns(std::span<Column> columns);
    void name_column(Column& column) { name_columns({&column, 1}); }

    /// Derived columns (ratios, scaled values, sums) that `columns`, which start at index `first`,
    /// make possible for the first time; the caller announces them right behind, so that their
    /// indexes are first + columns.size() + i. `columns` are those named since the last call, in
    /// the same order.
    std::vector<Column> derive_columns(std::uint32_t first, std::span<const Column> columns);
    /// Fills the derived columns' slots of a row from the others, and puts the stale marker over
    /// values that stand for "no value" (an exporter's blanks). `values` has all columns. Index
    /// arithmetic only.
    void derive_values(Timestamp now, std::span<double> values);

    /// After a page has been read in full: what is missing. `seen` are the sample names on the
    /// page; `had_requests` says that a request has finished (families that appear with the first
    /// one aren't missing before).
    [[nodiscard]] std::vector<MissingFamily> missing(std::span<const std::string_view> seen,
                                                     bool had_requests) const;

    [[nodiscard]] const SignalColumns& signal_columns() const;
    [[nodiscard]] const Identity& identity() const { return identity_; }

private:
    struct State;
    std::shared_ptr<const Mapping> mapping_;
    Identity identity_;
    std::unique_ptr<State> state_;  ///< null where nothing is unified (routers, unknown runtimes)
};

}  // namespace inferscope::mapping
