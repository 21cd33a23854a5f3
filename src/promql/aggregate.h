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
class Groups {
public:
    /// In the order of their first series.
    Groups(const Aggregate& node, const VectorValue& vector, QueryState& query);

    [[nodiscard]] std::size_t size() const { return labels_.size(); }
    [[nodiscard]] const std::vector<SeriesLabels>& labels() const { return labels_; }
    /// In the vector's order.
    [[nodiscard]] std::span<const std::size_t> rows(std::size_t group) const {
        return std::span(rows_).subspan(begins_[group], begins_[group + 1] - begins_[group]);
    }

private:
    std::vector<SeriesLabels> labels_;  // of each group
    std::vector<std::size_t> begins_;   // of each group's rows in rows_, and their end
    std::vector<std::size_t> rows_;
};

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
