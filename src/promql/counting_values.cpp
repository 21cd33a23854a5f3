// SPDX-License-Identifier: Apache-2.0
// count_values: each value that a group has makes a series of its own.
#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "promql/aggregate.h"
#include "promql/formats.h"

namespace inferscope::promql {
namespace {

/// Series that are counted up, step by step.
class Counts {
public:
    Counts(std::size_t steps, QueryState& query) : steps_(steps), query_(query) {}

    void count(Labels labels, std::size_t step) {
        const auto [place, is_new] =
            rows_.try_emplace(std::string(labels.bytes()), columns_.size());
        if (is_new) {
            labels_.push_back(query_.labels.keep(std::move(labels)));
            columns_.emplace_back(steps_, kAbsent);
        }
        auto& count = columns_[place->second][step];
        count = is_absent(count) ? 1 : count + 1;
    }
    [[nodiscard]] bool is_too_large() const {
        return columns_.size() * steps_ > query_.max_samples();
    }
    Outcome<VectorValue> finish() {
        return vector_of(std::move(labels_), columns_, steps_, query_);
    }

private:
    std::size_t steps_;
    QueryState& query_;
    std::vector<SeriesLabels> labels_;
    std::vector<std::vector<double>> columns_;
    absl::flat_hash_map<std::string, std::size_t> rows_;
};

/// The group's labels once the value is one of them.
Labels group_labels(const Aggregate& node, const SeriesLabels& series, std::string_view label,
                    std::string_view value) {
    LabelsBuilder builder(series.build());
    builder.set(label, value);
    const auto with_value = builder.build();
    auto grouping = node.grouping;
    if (!node.is_without) grouping.emplace_back(label);
    const auto selection = node.is_without ? LabelSelection::without_name_and(grouping)
                                           : LabelSelection(grouping, true);
    return selection.select(SeriesLabels(with_value));
}

}  // namespace

Outcome<VectorValue> count_values(const Aggregate& node, const VectorValue& vector,
                                  std::string_view label, QueryState& query) {
    if (!query.is_label_name(label)) {
        return execution_error(fmt::format("invalid label name {}", quote_for_promql(label)));
    }
    Counts counts(vector.values.steps(), query);
    for (std::size_t row = 0; row < vector.size(); ++row) {
        if (auto may_go_on = query.check(); !may_go_on) return may_go_on.error();
        const auto column = vector.values.row(row);
        for (std::size_t step = 0; step < column.size(); ++step) {
            if (is_absent(column[step])) continue;
            const auto value = format_without_exponent(column[step]);
            counts.count(group_labels(node, vector.labels[row], label, value), step);
        }
        if (counts.is_too_large()) return query.too_many_samples();
    }
    return counts.finish();
}

}  // namespace inferscope::promql
