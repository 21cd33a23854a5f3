// SPDX-License-Identifier: Apache-2.0
// Aggregations: series fall into groups by labels once, then each group becomes one series (sum,
// quantile, ...), keeps some of its own (topk, limitk, ...), or is counted by values.
// Source: Prometheus 3.14 and 2.42, promql/engine.go (aggregation, aggregationK,
// aggregationCountValues).
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "promql/ast.h"
#include "promql/query_state.h"
#include "promql/value.h"

namespace inferscope::promql {

/// Which series stand together.
struct Groups {
    std::vector<SeriesLabels> labels;            ///< of each group
    std::vector<std::vector<std::size_t>> rows;  ///< of each group, in the vector's order
    std::vector<std::size_t> group_of;           ///< of each row
};

/// In the order of their first series.
Groups group_series(const Aggregate& node, const VectorValue& vector, QueryState& query);

/// sum, avg, count, min, max, group, stddev, stdvar; quantile with one `parameter` for each step.
[[nodiscard]] Outcome<VectorValue> aggregate_groups(const Aggregate& node,
                                                    const VectorValue& vector,
                                                    std::span<const double> parameters,
                                                    QueryState& query);

/// topk, bottomk, limitk, limit_ratio. `place`: of the parameter.
[[nodiscard]] Outcome<VectorValue> rank_groups(const Aggregate& node, VectorValue vector,
                                               std::span<const double> parameters,
                                               QueryState& query);

/// count_values: `label` gets the value.
[[nodiscard]] Outcome<VectorValue> count_values(const Aggregate& node, const VectorValue& vector,
                                                std::string_view label, QueryState& query);

}  // namespace inferscope::promql
