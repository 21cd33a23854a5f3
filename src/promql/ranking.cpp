// SPDX-License-Identifier: Apache-2.0
// Aggregations that keep some of a group's series at each step: topk, bottomk, limitk, limit_ratio.
// The heap is that of Go's package container/heap: of equal values it decides which ones stay.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "promql/aggregate.h"
#include "promql/formats.h"
#include "promql/label_hash.h"
#include "promql/plan.h"

namespace inferscope::promql {
namespace {

// What Prometheus takes for the ends of int64, as floats that have room for one more.
constexpr double kMostInteger = 9223372036854774784.0;
constexpr double kLeastInteger = -9223372036854775808.0;

struct Ranked {
    double value = 0;
    std::size_t row = 0;
};

/// The least (topk) or greatest (bottomk) value is on top; NaN goes before both.
class RankHeap {
public:
    RankHeap(bool wants_greatest, bool is_prometheus2)
        : wants_greatest_(wants_greatest), is_prometheus2_(is_prometheus2) {}

    void clear() { items_.clear(); }
    void offer(const Ranked& item, std::size_t most) {
        if (items_.size() < most) return push(item);
        const double top = items_[0].value;
        const bool is_better = wants_greatest_ ? top < item.value : top > item.value;
        const bool beats_nan = std::isnan(top) && (is_prometheus2_ || !std::isnan(item.value));
        if (!is_better && !beats_nan) return;
        if (is_prometheus2_ && most > 1) {
            pop();
            push(item);
        } else {
            items_[0] = item;
            sink(0, items_.size());
        }
    }
    /// The best one first.
    [[nodiscard]] std::vector<Ranked> ranked() const {
        // Stable, as Go's sort is up to twelve: the heap's order decides among equals.
        std::vector<std::size_t> places(items_.size());
        std::iota(places.begin(), places.end(), std::size_t{0});
        std::ranges::sort(places, [this](std::size_t a, std::size_t b) {
            if (precedes(items_[a], items_[b])) return true;
            return !precedes(items_[b], items_[a]) && a < b;
        });
        std::vector<Ranked> all;
        for (const auto place : places) all.push_back(items_[place]);
        return all;
    }

private:
    [[nodiscard]] bool precedes(const Ranked& a, const Ranked& b) const {
        if (std::isnan(a.value) || std::isnan(b.value))
            return !std::isnan(a.value) && std::isnan(b.value);
        return wants_greatest_ ? a.value > b.value : a.value < b.value;
    }
    [[nodiscard]] bool is_less(std::size_t a, std::size_t b) const {
        if (std::isnan(items_[a].value)) return true;
        return wants_greatest_ ? items_[a].value < items_[b].value
                               : items_[a].value > items_[b].value;
    }
    void push(const Ranked& item) {
        items_.push_back(item);
        for (auto at = items_.size() - 1; at > 0;) {
            const auto parent = (at - 1) / 2;
            if (!is_less(at, parent)) break;
            std::swap(items_[at], items_[parent]);
            at = parent;
        }
    }
    void pop() {
        std::swap(items_.front(), items_.back());
        sink(0, items_.size() - 1);
        items_.pop_back();
    }
    void sink(std::size_t at, std::size_t size) {
        while (2 * at + 1 < size) {
            auto child = 2 * at + 1;
            if (child + 1 < size && is_less(child + 1, child)) ++child;
            if (!is_less(child, at)) break;
            std::swap(items_[at], items_[child]);
            at = child;
        }
    }

    bool wants_greatest_;
    bool is_prometheus2_;
    std::vector<Ranked> items_;
};

QueryError overflow_error(double value, std::string_view how) {
    return execution_error(
        fmt::format("Scalar value {} {} int64", format_with_exponent(value), how));
}

/// How many at each step; all zero if there is no step at which somebody is taken.
Outcome<std::vector<std::size_t>> counts_of(std::span<const double> parameters,
                                            bool is_prometheus2) {
    const auto greatest = std::ranges::max(parameters);
    const bool has_nan = std::ranges::any_of(parameters, [](double k) { return std::isnan(k); });
    std::vector<std::size_t> counts(parameters.size(), 0);
    if (!is_prometheus2) {
        if (!has_nan && greatest < 1) return counts;
        if (has_nan) return execution_error("Parameter value is NaN");
        const auto least = std::ranges::min(parameters);
        if (least <= kLeastInteger) return overflow_error(least, "underflows");
        if (greatest >= kMostInteger) return overflow_error(greatest, "overflows");
    }
    for (std::size_t step = 0; step < parameters.size(); ++step) {
        const double k = parameters[step];
        if (!(k >= kLeastInteger && k <= kMostInteger)) return overflow_error(k, "overflows");
        counts[step] = k < 1 ? 0 : static_cast<std::size_t>(k);
    }
    return counts;
}

/// Copies of the rows, nothing in them.
Outcome<VectorValue> empty_copy(const VectorValue& vector, std::size_t steps, QueryState& query) {
    auto values = query.make_matrix(vector.size(), steps);
    if (!values) return values.error();
    VectorValue result;
    result.labels = vector.labels;
    result.values = *std::move(values);
    result.differ_without_name = vector.differ_without_name;
    for (std::size_t row = 0; row < result.size(); ++row)
        std::ranges::fill(result.values.row(row), kAbsent);
    return result;
}

/// topk, bottomk.
Outcome<std::vector<std::size_t>> rank(Aggregation op, const VectorValue& vector,
                                       const Groups& groups, std::span<const std::size_t> counts,
                                       VectorValue& result, const QueryState& query) {
    std::vector<std::size_t> order;  // as taken at the last step
    RankHeap heap(op == Aggregation::topk, query.is_prometheus2());
    for (std::size_t step = 0; step < counts.size(); ++step) {
        if (auto may_go_on = query.check(); !may_go_on) return may_go_on.error();
        order.clear();
        for (std::size_t group = 0; group < groups.size(); ++group) {
            heap.clear();
            for (const auto row : groups.rows(group)) {
                const double value = vector.values.row(row)[step];
                if (counts[step] > 0 && is_present(value)) heap.offer({value, row}, counts[step]);
            }
            for (const auto& [value, row] : heap.ranked()) {
                result.values.row(row)[step] = value;
                order.push_back(row);
            }
        }
    }
    return order;
}

void limit(const VectorValue& vector, const Groups& groups, std::span<const std::size_t> counts,
           VectorValue& result) {
    for (std::size_t step = 0; step < counts.size(); ++step) {
        for (std::size_t group = 0; group < groups.size(); ++group) {
            std::size_t taken = 0;
            for (const auto row : groups.rows(group)) {
                const double value = vector.values.row(row)[step];
                if (taken == counts[step]) break;
                if (is_absent(value)) continue;
                result.values.row(row)[step] = value;
                ++taken;
            }
        }
    }
}

/// Where in [0, 1] a series stands in the draw.
double draw_of(const SeriesLabels& labels) {
    return static_cast<double>(hash_of(labels.build())) /
           static_cast<double>(std::numeric_limits<std::uint64_t>::max());
}

bool is_drawn(double draw, double ratio) {
    return (ratio >= 0 && draw < ratio) || (ratio < 0 && draw >= 1.0 + ratio);
}

Outcome<void> draw(const Aggregate& node, const VectorValue& vector, std::span<const double> ratios,
                   VectorValue& result, QueryState& query) {
    if (std::ranges::any_of(ratios, [](double ratio) { return std::isnan(ratio); }))
        return execution_error("Ratio value is NaN");
    const auto place = without_parens(*node.parameter).range;
    const auto [least, greatest] = std::ranges::minmax(ratios);
    if (greatest > 1) query.annotations.warn_of_ratio(greatest, 1, place);
    if (least < -1) query.annotations.warn_of_ratio(least, -1, place);
    for (std::size_t row = 0; row < vector.size(); ++row) {
        const double at = draw_of(vector.labels[row]);
        for (std::size_t step = 0; step < ratios.size(); ++step) {
            if (ratios[step] != 0 && is_drawn(at, std::clamp(ratios[step], -1.0, 1.0)))
                result.values.row(row)[step] = vector.values.row(row)[step];
        }
    }
    return {};
}

}  // namespace

Outcome<VectorValue> rank_groups(const Aggregate& node, VectorValue vector,
                                 std::span<const double> parameters, QueryState& query) {
    if (parameters.empty()) return vector;
    auto result = empty_copy(vector, parameters.size(), query);
    if (!result) return result;
    if (node.op == Aggregation::limit_ratio) {
        if (auto drawn = draw(node, vector, parameters, *result, query); !drawn)
            return drawn.error();
        return result;
    }
    const auto counts = counts_of(parameters, query.is_prometheus2());
    if (!counts) return counts.error();
    const Groups groups(node, vector, query);
    if (node.op == Aggregation::limitk) {
        limit(vector, groups, *counts, *result);
        return result;
    }
    const auto order = rank(node.op, vector, groups, *counts, *result, query);
    if (!order) return order.error();
    if (parameters.size() > 1) return result;
    return take_rows(*result, *order, query);
}

}  // namespace inferscope::promql
