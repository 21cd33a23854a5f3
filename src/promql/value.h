// SPDX-License-Identifier: Apache-2.0
// What an expression is worth at all steps.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "promql/query_state.h"
#include "promql/series_labels.h"
#include "promql/step_values.h"

namespace inferscope::promql {

/// An instant vector: series by rows, kAbsent where a series has no sample.
struct VectorValue {
    std::vector<SeriesLabels> labels;  ///< one for each row
    Matrix values;                     ///< for each of the labels a row; more rows mean nothing
    /// Rows stand in an order that the query asked for.
    bool is_ordered = false;
    /// No two series are equal but for the metric's name. False: not known.
    bool differ_without_name = false;

    [[nodiscard]] std::size_t size() const { return labels.size(); }
};

/// One number for each step.
struct ScalarValue {
    Matrix values;  ///< one row

    [[nodiscard]] std::span<const double> column() const { return values.row(0); }
    [[nodiscard]] std::span<double> column() { return values.row(0); }
};

struct StringValue {
    std::string text;
};

using Value = std::variant<VectorValue, ScalarValue, StringValue>;

/// Columns that were made one by one, with a value for each step.
[[nodiscard]] Outcome<VectorValue> vector_of(std::vector<SeriesLabels> labels,
                                             std::span<const std::vector<double>> columns,
                                             std::size_t steps, QueryState& query);
/// Only these rows, in this order, which the query asked for.
[[nodiscard]] Outcome<VectorValue> take_rows(const VectorValue& vector,
                                             std::span<const std::size_t> order, QueryState& query);

[[nodiscard]] bool is_empty_column(std::span<const double> column);

/// Adds the samples of `from` to `to`; false if both have one at the same step.
[[nodiscard]] bool add_column(std::span<double> to, std::span<const double> from);

/// Drops the name of all series, then makes one of those that are equal without it.
Outcome<void> drop_names(VectorValue& vector, QueryState& query);
/// Makes one series of equal ones. Fails if two of them have a sample at the same step.
Outcome<void> merge_same_labels(VectorValue& vector);
/// Fails if two series are equal that have a sample each, at whatever steps.
Outcome<void> refuse_same_labels(const VectorValue& vector);

QueryError same_labels_error();

}  // namespace inferscope::promql
