// SPDX-License-Identifier: Apache-2.0
// Columns are added one after the other, all steps of each at once: what is kept are columns too.
#include "promql/aggregations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "base/check.h"
#include "promql/kahan.h"
#include "promql/quantile.h"
#include "promql/step_values.h"

namespace inferscope::promql {
namespace {

using Column = std::span<const double>;
using Numbers = std::vector<double>;

/// Does what all share: keeps one state for each step, and asks it what to do with values.
/// A State has add(value) for present values, merge(state) of one that has values, result(), and
/// `count`, which says how many values it has.
template <typename State>
class SumOfStates final : public GroupSum {
public:
    explicit SumOfStates(std::size_t steps) : states_(steps) {}

    void clear() override { std::ranges::fill(states_, State()); }
    void add(Column column) override {
        for (std::size_t at = 0; at < states_.size(); ++at) {
            if (is_present(column[at])) states_[at].add(column[at]);
        }
    }
    void merge(const GroupSum& next) override {
        const auto& states = dynamic_cast<const SumOfStates&>(next).states_;
        for (std::size_t at = 0; at < states_.size(); ++at) {
            if (states[at].count == 0) continue;
            if (states_[at].count == 0) {
                states_[at] = states[at];
            } else {
                states_[at].merge(states[at]);
            }
        }
    }
    void finish(std::span<double> out) const override {
        for (std::size_t at = 0; at < states_.size(); ++at) {
            out[at] = states_[at].count == 0 ? kAbsent : states_[at].result();
        }
    }

private:
    std::vector<State> states_;
};

/// -0 is the sum of nothing: adding to it leaves each value as it is, zeros' signs included.
constexpr double kNothing = -0.0;

/// Nothing but straight loops over columns, which the compiler turns into vector instructions.
template <Dialect kDialect>
class Sum final : public GroupSum {
public:
    explicit Sum(std::size_t steps) : sums_(steps, kNothing), lost_(steps), seen_(steps) {}

    void clear() override {
        std::ranges::fill(sums_, kNothing);
        std::ranges::fill(lost_, 0);
        std::ranges::fill(seen_, 0);
    }
    void add(Column column) override {
        for (std::size_t at = 0; at < sums_.size(); ++at) {
            const bool has_value = is_present(column[at]);
            seen_[at] |= has_value ? 1U : 0U;
            add(at, has_value ? column[at] : kNothing);
        }
    }
    void merge(const GroupSum& next) override {
        const auto& other = dynamic_cast<const Sum&>(next);
        for (std::size_t at = 0; at < sums_.size(); ++at) {
            seen_[at] |= other.seen_[at];
            add(at, other.sums_[at]);
            lost_[at] += other.lost_[at];
        }
    }
    void finish(std::span<double> out) const override {
        for (std::size_t at = 0; at < sums_.size(); ++at) {
            const double sum = kIsPlain ? sums_[at] : sums_[at] + lost_[at];
            out[at] = seen_[at] == 0 ? kAbsent : sum;
        }
    }

private:
    static constexpr bool kIsPlain = kDialect == Dialect::prometheus2;  // 2.42 keeps no lost bits

    void add(std::size_t at, double value) {
        if constexpr (kIsPlain) {
            sums_[at] += value;
        } else {
            KahanSum<kDialect> sum{sums_[at], lost_[at]};
            sum.add(value);
            sums_[at] = sum.sum;
            lost_[at] = sum.lost;
        }
    }

    Numbers sums_;
    Numbers lost_;
    std::vector<std::uint64_t> seen_;  ///< not 0 where there was a value
};

/// The sum divided by the count; from where the sum would overflow, a mean that is moved.
template <Dialect kDialect>
struct Average {
    KahanSum<kDialect> kahan;  ///< the sum, or the mean
    double count = 0;
    bool is_mean = false;

    void add(double value) {
        ++count;
        if (count == 1) {
            kahan.sum = value;
            return;
        }
        if (!is_mean) {
            auto sum = kahan;
            sum.add(value);
            if (!is_infinite(sum.sum)) {
                kahan = sum;
                return;
            }
            divide(count - 1);
        }
        const double share = (count - 1) / count;
        kahan = {share * kahan.sum, share * kahan.lost};
        kahan.add(value / count);
    }
    void merge(Average next) {
        const double all = count + next.count;
        if (!is_mean && !next.is_mean) {
            auto sum = kahan;
            sum.add(next.kahan.sum);
            if (!is_infinite(sum.sum)) {
                kahan = sum;
                kahan.lost += next.kahan.lost;
                count = all;
                return;
            }
        }
        if (!is_mean) divide(count);
        if (!next.is_mean) next.divide(next.count);
        const double share = count / all;
        const double next_share = next.count / all;
        kahan = {share * kahan.sum, share * kahan.lost};
        kahan.add(next_share * next.kahan.sum);
        kahan.lost += next_share * next.kahan.lost;
        count = all;
    }
    [[nodiscard]] double result() const {
        return is_mean ? kahan.total() : kahan.sum / count + kahan.lost / count;
    }

private:
    void divide(double by) {
        is_mean = true;
        kahan.sum /= by;
        kahan.lost /= by;
    }
};

/// 2.42: a mean that is moved. An infinite one stays unless an opposite one or a NaN comes.
template <>
struct Average<Dialect::prometheus2> {
    double mean = 0;
    double count = 0;

    void add(double value) {
        ++count;
        if (count == 1) {
            mean = value;
            return;
        }
        if (is_infinite(mean)) {
            const bool is_same = is_infinite(value) && (mean > 0) == (value > 0);
            const bool is_finite = !is_infinite(value) && !std::isnan(value);
            if (is_same || is_finite) return;
        }
        mean += value / count - mean / count;
    }
    void merge(const Average& next) {
        const double all = count + next.count;
        mean = mean * (count / all) + next.mean * (next.count / all);
        count = all;
    }
    [[nodiscard]] double result() const { return mean; }
};

/// Welford's method; partitions are put together by Chan's.
template <Dialect kDialect>
struct Variance {
    double mean = 0;
    double squares = 0;
    double count = 0;

    void add(double value) {
        ++count;
        if (count == 1) {
            mean = value;
            // 2.42 takes a lone infinity or NaN for a value without variance.
            if (kDialect == Dialect::prometheus3 && !std::isfinite(value)) {
                squares = std::numeric_limits<double>::quiet_NaN();
            }
            return;
        }
        const double difference = value - mean;
        mean += difference / count;
        squares += difference * (value - mean);
    }
    void merge(const Variance& next) {
        const double all = count + next.count;
        const double difference = next.mean - mean;
        mean += difference * (next.count / all);
        squares += next.squares + difference * difference * (count * next.count / all);
        count = all;
    }
    [[nodiscard]] double result() const { return squares / count; }
};

template <Dialect kDialect>
struct Deviation : Variance<kDialect> {
    void merge(const Deviation& next) { Variance<kDialect>::merge(next); }
    [[nodiscard]] double result() const { return std::sqrt(Variance<kDialect>::result()); }
};

/// Keeps one value for each step: kAbsent, which is a NaN, gives way to the first that comes, and
/// so does any NaN.
template <typename IsBetter>
class Best final : public GroupSum {
public:
    explicit Best(std::size_t steps) : best_(steps, kAbsent) {}

    void clear() override { std::ranges::fill(best_, kAbsent); }
    void add(Column column) override {
        for (std::size_t at = 0; at < best_.size(); ++at) {
            const double value = column[at];
            const double best = best_[at];
            const bool is_taken =
                is_present(value) && (IsBetter{}(value, best) || std::isnan(best));
            best_[at] = is_taken ? value : best;
        }
    }
    void merge(const GroupSum& next) override { add(dynamic_cast<const Best&>(next).best_); }
    void finish(std::span<double> out) const override { std::ranges::copy(best_, out.begin()); }

private:
    Numbers best_;
};

/// How many there are; for `group` whether there are any.
template <bool kIsGroup>
class Count final : public GroupSum {
public:
    explicit Count(std::size_t steps) : counts_(steps) {}

    void clear() override { std::ranges::fill(counts_, 0); }
    void add(Column column) override {
        for (std::size_t at = 0; at < counts_.size(); ++at) {
            counts_[at] += is_present(column[at]) ? 1.0 : 0.0;
        }
    }
    void merge(const GroupSum& next) override {
        const auto& counts = dynamic_cast<const Count&>(next).counts_;
        for (std::size_t at = 0; at < counts_.size(); ++at) counts_[at] += counts[at];
    }
    void finish(std::span<double> out) const override {
        for (std::size_t at = 0; at < counts_.size(); ++at) {
            const double present = kIsGroup ? 1 : counts_[at];
            out[at] = counts_[at] == 0 ? kAbsent : present;
        }
    }

private:
    Numbers counts_;
};

template <Dialect kDialect>
std::unique_ptr<GroupSum> make(Aggregation op, std::size_t steps) {
    switch (op) {
        case Aggregation::sum:
            return std::make_unique<Sum<kDialect>>(steps);
        case Aggregation::avg:
            return std::make_unique<SumOfStates<Average<kDialect>>>(steps);
        case Aggregation::stddev:
            return std::make_unique<SumOfStates<Deviation<kDialect>>>(steps);
        case Aggregation::stdvar:
            return std::make_unique<SumOfStates<Variance<kDialect>>>(steps);
        case Aggregation::min:
            return std::make_unique<Best<std::less<>>>(steps);
        case Aggregation::max:
            return std::make_unique<Best<std::greater<>>>(steps);
        case Aggregation::count:
            return std::make_unique<Count<false>>(steps);
        case Aggregation::group:
            return std::make_unique<Count<true>>(steps);
        case Aggregation::topk:
        case Aggregation::bottomk:
        case Aggregation::count_values:
        case Aggregation::quantile:
        case Aggregation::limitk:
        case Aggregation::limit_ratio:
            break;
    }
    CHECK(false, "an aggregation that adds up");
    return nullptr;
}

}  // namespace

std::unique_ptr<GroupSum> make_group_sum(Aggregation op, Dialect dialect, std::size_t steps) {
    return dialect == Dialect::prometheus2 ? make<Dialect::prometheus2>(op, steps)
                                           : make<Dialect::prometheus3>(op, steps);
}

void aggregate_quantile(std::span<const Column> columns, Column quantiles, std::span<double> out) {
    constexpr std::size_t kTile = 8;  // steps: a cache line of each column is read once
    std::array<Numbers, kTile> tile;
    for (Numbers& values : tile) values.reserve(columns.size());
    for (std::size_t first = 0; first < out.size(); first += kTile) {
        const std::size_t size = std::min(kTile, out.size() - first);
        for (Numbers& values : tile) values.clear();
        for (const Column column : columns) {
            for (std::size_t i = 0; i < size; ++i) {
                const double value = column[first + i];
                if (is_present(value)) tile[i].push_back(value);
            }
        }
        for (std::size_t i = 0; i < size; ++i) {
            const std::size_t at = first + i;
            out[at] = tile[i].empty() ? kAbsent : quantile_of(quantiles[at], tile[i]);
        }
    }
}

}  // namespace inferscope::promql
