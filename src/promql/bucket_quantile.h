// SPDX-License-Identifier: Apache-2.0
// Quantiles and fractions of classic histograms: cumulative counts by upper bound.
// Source: Prometheus 3.14 and 2.42, promql/quantile.go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "promql/language.h"

namespace inferscope::promql {

/// `le` as a number, and how many observations were not above it.
struct Bucket {
    double upper_bound = 0;  ///< never NaN
    double count = 0;
};

/// What had to be mended before a histogram's counts could be read. Dialect 3 tells it as an info.
struct BucketRepair {
    bool forced_monotonic = false;  ///< a count was below that of a smaller bucket
    double lowest_bound = 0;        ///< of such buckets
    double highest_bound = 0;
    double largest_drop = 0;  ///< between neighbouring counts
};

/// histogram_quantile of one histogram at one step. At least one bucket; sorts, merges and mends
/// them in place. `repair`, if any, is written in dialect 3.
double bucket_quantile(double quantile, std::span<Bucket> buckets, Dialect dialect,
                       BucketRepair* repair = nullptr);

/// histogram_fraction, likewise: the share of observations between `lower` and `upper`.
double bucket_fraction(double lower, double upper, std::span<Bucket> buckets);

/// A repair, and where.
struct RepairedStep {
    std::size_t step = 0;
    BucketRepair repair{};
};

/// One classic histogram over all steps: its buckets' columns, told apart by upper bound. The order
/// of the bounds is found once. Absent buckets are left out at their steps, and where all are
/// absent the answer is kAbsent.
class BucketColumns {
public:
    /// `columns[i]` belongs to `upper_bounds[i]`; all of equal length; they outlive this.
    BucketColumns(std::span<const double> upper_bounds,
                  std::span<const std::span<const double>> columns);

    /// `quantiles`: one for each step. Adds what was forced to `repairs`, if any (dialect 3).
    void quantile(std::span<const double> quantiles, Dialect dialect, std::span<double> out,
                  std::vector<RepairedStep>* repairs = nullptr);
    void fraction(std::span<const double> lower, std::span<const double> upper,
                  std::span<double> out);

private:
    struct Column {
        double upper_bound;
        const double* counts;
    };

    std::span<Bucket> gather(std::size_t step);
    void find_places(std::span<const double> quantiles);
    /// The quantile of a step at which nothing is to be mended.
    [[nodiscard]] double value_at(std::size_t step) const;

    std::vector<Column> columns_;  ///< by upper bound
    std::vector<Bucket> buckets_;  ///< of one step
    bool is_proper_ = false;       ///< each bound stands once, and the last one is +Inf

    // Of proper columns, all steps at once.
    std::vector<double> ranks_;          ///< that the quantile has
    std::vector<std::uint64_t> places_;  ///< of the first bucket that reaches it
    std::vector<std::uint64_t> mends_;   ///< not 0: a look at the buckets one by one is needed
};

}  // namespace inferscope::promql
