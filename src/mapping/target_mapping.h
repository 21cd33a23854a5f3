// SPDX-License-Identifier: Apache-2.0
// One target's way through the mapping: second names for its columns, derived columns, and what is missing.
#pragma once

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
    std::string engine_family;  ///< as on the page, e.g. "vllm:kv_cache_usage_perc"
    std::string unified;        ///< what can't be given without it
    std::string renamed_in;     ///< version at which the name changed, where known
    std::string known_as;       ///< the other spelling, if the page has that one or the mapping knows it
};

/// Lives for one epoch of one target: a new mapping, identity or base labels make a new one (and a new epoch).
/// Thread: confined to the scrape that owns it.
class TargetMapping {
public:
    /// `base` labels stand on every unified series and win over the engine's (cluster_id, cluster_name, worker_id, worker_name,
    /// model_id, model_instance_id, model_instance_name, runtime ...); except that `model_name` is kept where the
    /// engine sends one.
    TargetMapping(std::shared_ptr<const Mapping> mapping, Identity identity, Labels base);
    ~TargetMapping();

    /// Fills `column.second_names` from `column.labels` and `column.family`.
    void name_column(Column& column);

    /// Derived columns (ratios, scaled values) that `columns`, which start at index `first`, make possible for the
    /// first time; the caller announces them right behind, so that their indexes are first + columns.size() + i.
    std::vector<Column> derive_columns(std::uint32_t first, std::span<const Column> columns);
    /// Fills the derived columns' slots of a row from the others. `values` has all columns.
    void derive_values(Timestamp now, std::span<double> values);

    /// After a page has been read in full: what is missing. `seen` are the sample names on the page; `had_requests` says that the
    /// engine has served something (families that appear with the first request aren't missing before).
    [[nodiscard]] std::vector<MissingFamily> missing(std::span<const std::string_view> seen, bool had_requests) const;

    [[nodiscard]] const Identity& identity() const { return identity_; }

private:
    struct State;
    std::shared_ptr<const Mapping> mapping_;
    Identity identity_;
    std::unique_ptr<State> state_;
};

}  // namespace inferscope::mapping
