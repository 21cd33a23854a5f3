// SPDX-License-Identifier: Apache-2.0
#include "promql/bucket_quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/vector_clones.h"
#include "promql/step_values.h"

namespace inferscope::promql {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kLeastNormal = std::numeric_limits<double>::min();
constexpr double kNearly = 1e-9;  // far above any tolerance: what differs by more needs no division

using Buckets = std::span<Bucket>;

/// Buckets of the same bound, neighbours after sorting, become one.
Buckets merge_equal(Buckets buckets) {
    std::size_t last = 0;
    for (std::size_t i = 1; i < buckets.size(); ++i) {
        if (buckets[i].upper_bound == buckets[last].upper_bound) {
            buckets[last].count += buckets[i].count;
        } else {
            buckets[++last] = buckets[i];
        }
    }
    return buckets.first(last + 1);
}

/// True if the difference is what rounding does to sums. Source: Prometheus, util/almost.
bool are_almost_equal(double a, double b) {
    constexpr double kTolerance = 1e-12;
    if (std::isnan(a) && std::isnan(b)) return true;
    const double difference = std::fabs(a - b);
    const double sum = std::fabs(a) + std::fabs(b);
    if (a == 0 || b == 0 || sum < kLeastNormal) return difference < kTolerance * kLeastNormal;
    if (difference > kNearly * sum) return false;  // mostly so, and without a division
    return difference / std::min(sum, std::numeric_limits<double>::max()) < kTolerance;
}

void note_drop(BucketRepair& repair, double bound, double drop) {
    if (!repair.forced_monotonic) repair = {true, kInfinity, -kInfinity, 0};
    repair.lowest_bound = std::min(repair.lowest_bound, bound);
    repair.highest_bound = std::max(repair.highest_bound, bound);
    if (drop > repair.largest_drop) repair.largest_drop = drop;
}

/// No count may be below that of a smaller bucket; differences that are but rounding go silently.
void force_monotonic(Buckets buckets, BucketRepair& repair) {
    double previous = buckets.front().count;
    for (Bucket& bucket : buckets.subspan(1)) {
        const double count = bucket.count;
        if (count == previous) continue;
        if (are_almost_equal(previous, count)) {
            bucket.count = previous;
        } else if (count < previous) {
            bucket.count = previous;
            note_drop(repair, bucket.upper_bound, previous - count);
        } else {
            previous = count;
        }
    }
}

/// As 2.42 does it: without tolerance.
void raise_to_envelope(Buckets buckets) {
    double highest = buckets.front().count;
    for (Bucket& bucket : buckets.subspan(1)) {
        if (bucket.count > highest) {
            highest = bucket.count;
        } else if (bucket.count < highest) {
            bucket.count = highest;
        }
    }
}

double value_in_first(const Bucket& found, double rank) {
    if (found.upper_bound <= 0) return found.upper_bound;
    return 0 + found.upper_bound * (rank / found.count);  // never -0
}
double value_between(const Bucket& below, const Bucket& found, double rank) {
    return below.upper_bound + (found.upper_bound - below.upper_bound) *
                                   ((rank - below.count) / (found.count - below.count));
}

/// Of sorted buckets; `quantile` lies between 0 and 1.
double quantile_of_sorted(double quantile, Buckets buckets, Dialect dialect, BucketRepair& repair) {
    if (buckets.back().upper_bound != kInfinity) return kNaN;
    buckets = merge_equal(buckets);
    if (dialect == Dialect::prometheus2) {
        raise_to_envelope(buckets);
    } else {
        force_monotonic(buckets, repair);
    }
    if (buckets.size() < 2) return kNaN;
    const double observations = buckets.back().count;
    if (observations == 0) return kNaN;
    const double rank = quantile * observations;
    const Buckets finite = buckets.first(buckets.size() - 1);
    const auto found = std::ranges::partition_point(
        finite, [&](const Bucket& bucket) { return !(bucket.count >= rank); });
    if (found == finite.end()) return finite.back().upper_bound;
    if (found == finite.begin()) return value_in_first(*found, rank);
    return value_between(*(found - 1), *found, rank);
}

/// For each step: counts in `places` a bucket in which the rank doesn't lie yet if `is_finite`, and
/// notes in `mends` where it has to be mended. `below`: the next smaller bucket, or the same.
INFERSCOPE_VECTOR_CLONES
void pass_bucket(const double* below, const double* counts, const double* ranks, bool is_finite,
                 std::uint64_t* places, std::uint64_t* mends, std::size_t steps) {
    const std::uint64_t counted = is_finite ? 1 : 0;
    for (std::size_t at = 0; at < steps; ++at) {
        const double rise = counts[at] - below[at];
        const double sum = std::fabs(counts[at]) + std::fabs(below[at]);
        // As are_almost_equal() tells, for what is above zero; a NaN is neither.
        const bool is_more = rise > kNearly * sum && sum >= kLeastNormal;
        mends[at] |= static_cast<std::uint64_t>(!(rise == 0 || is_more));
        places[at] += counts[at] >= ranks[at] ? 0 : counted;
    }
}

/// Out of the range of quantiles: no bucket is looked at.
bool is_no_quantile(double quantile) { return !(quantile >= 0 && quantile <= 1); }
double no_quantile(double quantile) {
    if (std::isnan(quantile)) return kNaN;
    return quantile < 0 ? -kInfinity : kInfinity;
}

/// How many observations were not above `limit`, with the share of its bucket that lies below it;
/// all if no bucket reaches that far.
double rank_of(double limit, std::span<const Bucket> buckets) {
    double low = buckets.front().upper_bound <= 0 ? -kInfinity : 0;
    double rank = 0;
    for (const Bucket& bucket : buckets) {
        if (low >= limit) return rank;
        if (bucket.upper_bound > limit) {
            if (low == -kInfinity) return bucket.count;  // nothing to interpolate along
            return rank + (bucket.count - rank) * (limit - low) / (bucket.upper_bound - low);
        }
        rank = bucket.count;
        low = bucket.upper_bound;
    }
    return kInfinity;
}

double fraction_of_sorted(double lower, double upper, Buckets buckets) {
    if (buckets.back().upper_bound != kInfinity) return kNaN;
    buckets = merge_equal(buckets);
    const double count = buckets.back().count;
    if (count == 0 || std::isnan(lower) || std::isnan(upper)) return kNaN;
    if (lower >= upper) return 0;
    double lower_rank = rank_of(lower, buckets);
    double upper_rank = rank_of(upper, buckets);
    if (lower_rank > count) lower_rank = count;
    if (upper_rank > count) upper_rank = count;
    return (upper_rank - lower_rank) / count;
}

}  // namespace

double bucket_quantile(double quantile, Buckets buckets, Dialect dialect, BucketRepair* repair) {
    BucketRepair mended;
    double result = no_quantile(quantile);
    if (!is_no_quantile(quantile)) {
        std::ranges::sort(buckets, {}, &Bucket::upper_bound);
        result = quantile_of_sorted(quantile, buckets, dialect, mended);
    }
    if (repair != nullptr) *repair = mended;
    return result;
}

double bucket_fraction(double lower, double upper, Buckets buckets) {
    std::ranges::sort(buckets, {}, &Bucket::upper_bound);
    return fraction_of_sorted(lower, upper, buckets);
}

BucketColumns::BucketColumns(std::span<const double> upper_bounds,
                             std::span<const std::span<const double>> columns) {
    columns_.reserve(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
        columns_.push_back({upper_bounds[i], columns[i].data()});
    }
    std::ranges::sort(columns_, {}, &Column::upper_bound);
    buckets_.reserve(columns_.size());
    const auto twice = std::ranges::adjacent_find(columns_, {}, &Column::upper_bound);
    is_proper_ =
        columns_.size() >= 2 && columns_.back().upper_bound == kInfinity && twice == columns_.end();
}

std::span<Bucket> BucketColumns::gather(std::size_t step) {
    buckets_.clear();
    for (const Column& column : columns_) {
        const double count = column.counts[step];
        if (is_present(count)) buckets_.push_back({column.upper_bound, count});
    }
    return buckets_;
}

void BucketColumns::find_places(std::span<const double> quantiles) {
    const auto steps = quantiles.size();
    ranks_.resize(steps);
    places_.assign(steps, 0);
    mends_.assign(steps, 0);
    const double* const observations = columns_.back().counts;
    for (std::size_t at = 0; at < steps; ++at) {
        ranks_[at] = quantiles[at] * observations[at];
        mends_[at] = is_no_quantile(quantiles[at]) || observations[at] == 0 ? 1 : 0;
    }
    const double* below = columns_.front().counts;
    for (const Column& column : columns_) {
        pass_bucket(below, column.counts, ranks_.data(), &column != &columns_.back(),
                    places_.data(), mends_.data(), steps);
        below = column.counts;
    }
}

double BucketColumns::value_at(std::size_t step) const {
    const auto place = places_[step];
    const auto finite = columns_.size() - 1;
    if (place == finite) return columns_[finite - 1].upper_bound;
    const Bucket found{columns_[place].upper_bound, columns_[place].counts[step]};
    if (place == 0) return value_in_first(found, ranks_[step]);
    const Column& below = columns_[place - 1];
    return value_between({below.upper_bound, below.counts[step]}, found, ranks_[step]);
}

void BucketColumns::quantile(std::span<const double> quantiles, Dialect dialect,
                             std::span<double> out, std::vector<RepairedStep>* repairs) {
    if (is_proper_) find_places(quantiles);
    for (std::size_t at = 0; at < out.size(); ++at) {
        if (is_proper_ && mends_[at] == 0) {
            out[at] = value_at(at);
            continue;
        }
        const auto buckets = gather(at);
        if (buckets.empty()) {
            out[at] = kAbsent;
        } else if (is_no_quantile(quantiles[at])) {
            out[at] = no_quantile(quantiles[at]);
        } else {
            BucketRepair repair;
            out[at] = quantile_of_sorted(quantiles[at], buckets, dialect, repair);
            if (repair.forced_monotonic && repairs != nullptr) repairs->push_back({at, repair});
        }
    }
}

void BucketColumns::fraction(std::span<const double> lower, std::span<const double> upper,
                             std::span<double> out) {
    for (std::size_t at = 0; at < out.size(); ++at) {
        const auto buckets = gather(at);
        out[at] = buckets.empty() ? kAbsent : fraction_of_sorted(lower[at], upper[at], buckets);
    }
}

}  // namespace inferscope::promql
