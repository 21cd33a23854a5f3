// SPDX-License-Identifier: Apache-2.0
// The aggregations that make one column of a group's columns: sum, avg, min, max, count, group,
// stddev, stdvar, quantile.
// Source: Prometheus 3.14 and 2.42, promql/engine.go (aggregation).
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "promql/ast.h"
#include "promql/language.h"

namespace inferscope::promql {

/// Groups are cut into partitions of so many series, in the order of their labels. Each is added up
/// alone and then merged in order: the answer depends on the data, never on the number of threads.
inline constexpr std::size_t kAggregationPartition = 1024;

/// One partition of a group while its columns are added up, all steps at once. Not synchronized:
/// each thread has partitions of its own, and one merges them.
class GroupSum {
public:
    virtual ~GroupSum() = default;

    /// As new.
    virtual void clear() = 0;

    /// The next series, in the order of labels; one value for each step, absent ones are passed
    /// over.
    virtual void add(std::span<const double> column) = 0;
    /// The next partition of the same group, made by the same arguments.
    virtual void merge(const GroupSum& next) = 0;
    /// Absent where no series had a value.
    virtual void finish(std::span<double> out) const = 0;
};

/// `op` is one of sum, avg, min, max, count, group, stddev, stdvar.
std::unique_ptr<GroupSum> make_group_sum(Aggregation op, Dialect dialect, std::size_t steps);

/// The φ-quantile over a group's columns, `quantiles` one for each step; NaN, below 0 and above 1
/// give NaN, -Inf, +Inf. Absent where no series has a value.
void aggregate_quantile(std::span<const std::span<const double>> columns,
                        std::span<const double> quantiles, std::span<double> out);

}  // namespace inferscope::promql
