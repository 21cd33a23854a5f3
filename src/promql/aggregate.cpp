// SPDX-License-Identifier: Apache-2.0
#include "promql/aggregate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "promql/aggregations.h"
#include "promql/plan.h"

namespace inferscope::promql {
namespace {

LabelSelection grouping_of(const Aggregate& node) {
    return node.is_without ? LabelSelection::without_name_and(node.grouping)
                           : LabelSelection(node.grouping, true);
}

/// Rows [begin, end) of a group.
struct Partition {
    std::size_t group = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
};

std::vector<Partition> partitions_of(const Groups& groups) {
    std::vector<Partition> all;
    for (std::size_t group = 0; group < groups.size(); ++group) {
        const auto size = groups.rows(group).size();
        for (std::size_t begin = 0; begin < size; begin += kAggregationPartition)
            all.push_back({group, begin, std::min(begin + kAggregationPartition, size)});
    }
    return all;
}

/// Where in `partitions` the work of one thread at a time begins, and their end: few large ones, or
/// many small ones.
std::vector<std::size_t> jobs_of(std::span<const Partition> partitions) {
    std::vector<std::size_t> begins;
    std::size_t rows = 0;
    for (std::size_t at = 0; at < partitions.size(); ++at) {
        if (rows == 0) begins.push_back(at);
        rows += partitions[at].end - partitions[at].begin;
        if (rows >= kAggregationPartition / 4) rows = 0;
    }
    begins.push_back(partitions.size());
    return begins;
}

Outcome<VectorValue> result_for(const Groups& groups, std::size_t steps, QueryState& query) {
    auto values = query.make_matrix(groups.size(), steps);
    if (!values) return values.error();
    VectorValue result;
    result.labels = groups.labels();
    result.values = *std::move(values);
    return result;
}

void warn_of_quantiles(std::span<const double> quantiles, ByteRange place,
                       Annotations& annotations) {
    // As Prometheus: any NaN, then the greatest and the least, which a NaN hides.
    double least = std::numeric_limits<double>::max();
    double greatest = std::numeric_limits<double>::lowest();
    bool has_nan = false;
    for (const double quantile : quantiles) {
        has_nan = has_nan || std::isnan(quantile);
        least = std::min(least, quantile);
        greatest = std::max(greatest, quantile);
    }
    if (has_nan) return annotations.warn_of_quantile(std::nan(""), place);
    if (greatest > 1) annotations.warn_of_quantile(greatest, place);
    if (least < 0) annotations.warn_of_quantile(least, place);
}

Outcome<void> take_quantiles(const VectorValue& vector, const Groups& groups,
                             std::span<const double> quantiles, VectorValue& result,
                             const QueryState& query) {
    const auto cost = vector.size() * quantiles.size();
    return query.for_each_part(groups.size(), cost, [&](std::size_t group) {
        std::vector<std::span<const double>> columns;
        columns.reserve(groups.rows(group).size());
        for (const auto row : groups.rows(group)) columns.push_back(vector.values.row(row));
        aggregate_quantile(columns, quantiles, result.values.row(group));
    });
}

Outcome<void> add_up(Aggregation op, const VectorValue& vector, const Groups& groups,
                     VectorValue& result, const QueryState& query) {
    const auto steps = vector.values.steps();
    const auto partitions = partitions_of(groups);
    std::vector<std::unique_ptr<GroupSum>> sums(partitions.size());
    const auto is_whole = [&](const Partition& partition) {
        return partition.begin == 0 && partition.end == groups.rows(partition.group).size();
    };
    const auto jobs = jobs_of(partitions);
    const auto add_partitions = [&](std::size_t job) {
        std::unique_ptr<GroupSum> of_whole;  // one group after the other
        for (auto at = jobs[job]; at < jobs[job + 1]; ++at) {
            const auto& partition = partitions[at];
            auto& sum = is_whole(partition) ? of_whole : sums[at];
            if (sum) {
                sum->clear();
            } else {
                sum = make_group_sum(op, query.dialect(), steps);
            }
            for (auto i = partition.begin; i < partition.end; ++i)
                sum->add(vector.values.row(groups.rows(partition.group)[i]));
            if (is_whole(partition)) sum->finish(result.values.row(partition.group));
        }
    };
    auto done = query.for_each_part(jobs.size() - 1, vector.size() * steps, add_partitions);
    if (!done) return done;
    for (std::size_t at = 0; at < partitions.size();) {
        const auto first = at++;
        if (!sums[first]) continue;
        while (at < partitions.size() && partitions[at].group == partitions[first].group)
            sums[first]->merge(*sums[at++]);
        sums[first]->finish(result.values.row(partitions[first].group));
    }
    return {};
}

}  // namespace

Groups::Groups(const Aggregate& node, const VectorValue& vector, QueryState& query)
    : rows_(vector.size()) {
    LabelGroups found(grouping_of(node));
    std::vector<std::size_t> group_of(vector.size());
    std::vector<std::size_t> sizes;
    for (std::size_t row = 0; row < vector.size(); ++row) {
        const auto group = group_of[row] = found.add(vector.labels[row]);
        if (group == labels_.size()) {
            labels_.push_back(query.labels.keep(found.all()[group]));
            sizes.push_back(0);
        }
        auto& labels = labels_[group];
        labels.set_drops_name(labels.drops_name() || vector.labels[row].drops_name());
        ++sizes[group];
    }
    begins_.resize(size() + 1);
    std::partial_sum(sizes.begin(), sizes.end(), begins_.begin() + 1);
    auto next = begins_;
    for (std::size_t row = 0; row < vector.size(); ++row) rows_[next[group_of[row]]++] = row;
}

Outcome<VectorValue> aggregate_groups(const Aggregate& node, const VectorValue& vector,
                                      std::span<const double> parameters, QueryState& query) {
    const Groups groups(node, vector, query);
    if (node.op == Aggregation::quantile)
        warn_of_quantiles(parameters, without_parens(*node.parameter).range, query.annotations);
    auto result = result_for(groups, vector.values.steps(), query);
    if (!result) return result;
    result->differ_without_name =
        node.is_without || std::ranges::find(node.grouping, kMetricName) == node.grouping.end();
    auto done = node.op == Aggregation::quantile
                    ? take_quantiles(vector, groups, parameters, *result, query)
                    : add_up(node.op, vector, groups, *result, query);
    if (!done) return done.error();
    return result;
}

}  // namespace inferscope::promql
