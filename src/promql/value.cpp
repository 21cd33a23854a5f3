// SPDX-License-Identifier: Apache-2.0
#include "promql/value.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>

namespace inferscope::promql {
namespace {

/// Keeps the rows for which `keeps` is true.
void keep_rows(VectorValue& vector, const std::vector<bool>& keeps) {
    std::size_t kept = 0;
    for (std::size_t row = 0; row < vector.size(); ++row) {
        if (!keeps[row]) continue;
        if (kept != row) {
            vector.labels[kept] = vector.labels[row];
            std::ranges::copy(vector.values.row(row), vector.values.row(kept).begin());
        }
        ++kept;
    }
    vector.labels.resize(kept);
}

}  // namespace

QueryError same_labels_error() {
    return execution_error("vector cannot contain metrics with the same labelset");
}

bool is_empty_column(std::span<const double> column) {
    return std::ranges::all_of(column, [](double value) { return is_absent(value); });
}

bool add_column(std::span<double> to, std::span<const double> from) {
    for (std::size_t step = 0; step < to.size(); ++step) {
        if (is_absent(from[step])) continue;
        if (is_present(to[step])) return false;
        to[step] = from[step];
    }
    return true;
}

Outcome<VectorValue> vector_of(std::vector<SeriesLabels> labels,
                               std::span<const std::vector<double>> columns, std::size_t steps,
                               QueryState& query) {
    auto values = query.make_matrix(columns.size(), steps);
    if (!values) return values.error();
    for (std::size_t row = 0; row < columns.size(); ++row)
        std::ranges::copy(columns[row], values->row(row).begin());
    VectorValue result;
    result.labels = std::move(labels);
    result.values = *std::move(values);
    return result;
}

Outcome<VectorValue> take_rows(const VectorValue& vector, std::span<const std::size_t> order,
                               QueryState& query) {
    auto values = query.make_matrix(order.size(), vector.values.steps());
    if (!values) return values.error();
    VectorValue result;
    for (std::size_t row = 0; row < order.size(); ++row) {
        result.labels.push_back(vector.labels[order[row]]);
        std::ranges::copy(vector.values.row(order[row]), values->row(row).begin());
    }
    result.values = *std::move(values);
    result.is_ordered = true;
    result.differ_without_name = vector.differ_without_name;
    return result;
}

Outcome<void> drop_names(VectorValue& vector, QueryState& query) {
    for (auto& labels : vector.labels) labels.drop_name(query.delays_name_removal());
    if (query.delays_name_removal() || vector.differ_without_name) return {};
    return merge_same_labels(vector);
}

Outcome<void> merge_same_labels(VectorValue& vector) {
    absl::flat_hash_map<std::string, std::size_t> rows;
    std::vector<bool> keeps(vector.size(), true);
    std::string key;
    for (std::size_t row = 0; row < vector.size(); ++row) {
        key.clear();
        vector.labels[row].append_key(key);
        const auto [first, is_new] = rows.try_emplace(key, row);
        if (is_new) continue;
        if (!add_column(vector.values.row(first->second), vector.values.row(row)))
            return same_labels_error();
        keeps[row] = false;
    }
    if (rows.size() < vector.size()) keep_rows(vector, keeps);
    return {};
}

Outcome<void> refuse_same_labels(const VectorValue& vector) {
    absl::flat_hash_map<std::string, std::size_t> rows;
    std::string key;
    for (std::size_t row = 0; row < vector.size(); ++row) {
        key.clear();
        vector.labels[row].append_key(key);
        const auto [first, is_new] = rows.try_emplace(key, row);
        if (is_new || is_empty_column(vector.values.row(row))) continue;
        if (!is_empty_column(vector.values.row(first->second))) return same_labels_error();
        first->second = row;
    }
    return {};
}

}  // namespace inferscope::promql
