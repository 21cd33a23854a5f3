// SPDX-License-Identifier: Apache-2.0
// Functions over classic histograms: series that differ in `le` alone are buckets of one.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/numbers.h"
#include "promql/bucket_quantile.h"
#include "promql/evaluator.h"
#include "promql/formats.h"

namespace inferscope::promql {
namespace {

constexpr std::string_view kBucketLabel = "le";

struct Histogram {
    SeriesLabels bucket;  // the first one
    SeriesLabels labels;  // what all have in common
    std::vector<double> bounds;
    std::vector<std::span<const double>> columns;
};

/// In the order of their first buckets. Series without a bound are warned of, and left out.
std::vector<Histogram> histograms_in(const VectorValue& vector, ByteRange place,
                                     QueryState& query) {
    const std::vector<std::string> excluded{std::string(kBucketLabel)};
    LabelGroups groups(LabelSelection(excluded, false));
    std::vector<Histogram> all;
    for (std::size_t row = 0; row < vector.size(); ++row) {
        const auto& labels = vector.labels[row];
        const auto column = vector.values.row(row);
        const auto text = labels.get(kBucketLabel);
        const auto bound = parse_number(text);
        if (!bound || std::isnan(*bound)) {
            const auto name =
                query.delays_name_removal() ? labels.get(kMetricName) : std::string_view();
            if (!is_empty_column(column)) query.annotations.warn_of_bucket_label(text, name, place);
            continue;
        }
        const auto group = groups.add(labels);
        if (group == all.size())
            all.push_back({labels, query.labels.keep(groups.all()[group]), {}, {}});
        all[group].bounds.push_back(*bound);
        all[group].columns.push_back(column);
    }
    return all;
}

/// Without the metric's name.
SeriesLabels result_labels(const Histogram& histogram, const QueryState& query) {
    auto labels = histogram.labels;
    labels.drop_name(false);
    labels.set_drops_name(query.delays_name_removal());
    return labels;
}

void warn_of_each(std::span<const double> quantiles, ByteRange place, QueryState& query) {
    for (const double quantile : quantiles) {
        if (!(quantile >= 0 && quantile <= 1)) query.annotations.warn_of_quantile(quantile, place);
    }
}

void tell_of_repairs(const std::vector<RepairedStep>& repairs, const Histogram& histogram,
                     ByteRange place, const Steps& steps, QueryState& query) {
    const auto name =
        query.delays_name_removal() ? histogram.bucket.get(kMetricName) : std::string_view();
    for (const auto& [step, repair] : repairs)
        query.annotations.tell_of_forced_monotonicity(name, place, steps.time(step), repair);
}

Outcome<VectorValue> result_for(const std::vector<Histogram>& histograms, const Steps& steps,
                                QueryState& query) {
    auto values = query.make_matrix(histograms.size(), steps.count);
    if (!values) return values.error();
    VectorValue result;
    for (const auto& histogram : histograms)
        result.labels.push_back(result_labels(histogram, query));
    result.values = *std::move(values);
    return result;
}

std::size_t cost_of(const VectorValue& vector) { return vector.size() * vector.values.steps(); }

/// One quantile of all histograms.
Outcome<VectorValue> quantile_of(const std::vector<Histogram>& histograms, std::size_t cost,
                                 std::span<const double> quantiles, ByteRange place,
                                 const Steps& steps, QueryState& query) {
    auto result = result_for(histograms, steps, query);
    if (!result) return result;
    std::vector<std::vector<RepairedStep>> repairs(histograms.size());
    auto done = query.for_each_part(histograms.size(), cost, [&](std::size_t at) {
        BucketColumns buckets(histograms[at].bounds, histograms[at].columns);
        buckets.quantile(quantiles, query.dialect(), result->values.row(at),
                         query.is_prometheus2() ? nullptr : &repairs[at]);
    });
    if (!done) return done.error();
    for (std::size_t at = 0; at < histograms.size(); ++at)
        tell_of_repairs(repairs[at], histograms[at], place, steps, query);
    return result;
}

/// As OpenMetrics writes a quantile: "0.5", "1.0".
std::string quantile_text(double quantile) {
    auto text = format_with_exponent(quantile);
    if (std::isfinite(quantile) && text.find_first_of("e.") == std::string::npos) text += ".0";
    return text;
}

/// The results of several quantiles, told apart by a label.
class LabelledRows {
public:
    LabelledRows(std::string_view name, QueryState& query) : name_(name), query_(query) {}

    /// `quantiles`: what was asked for at each step. Another one makes another series.
    void add(const VectorValue& vector, std::span<const double> quantiles) {
        std::vector<double> distinct;
        for (const double quantile : quantiles) {
            if (std::ranges::none_of(distinct,
                                     [&](double known) { return is_same(known, quantile); }))
                distinct.push_back(quantile);
        }
        for (std::size_t row = 0; row < vector.size(); ++row) {
            for (const double quantile : distinct) {
                add_row(vector.labels[row], quantile);
                for (std::size_t step = 0; step < quantiles.size(); ++step) {
                    const bool is_asked = is_same(quantiles[step], quantile);
                    columns_.back().push_back(is_asked ? vector.values.row(row)[step] : kAbsent);
                }
            }
        }
    }
    Outcome<VectorValue> finish(const Steps& steps) {
        return vector_of(std::move(labels_), columns_, steps.count, query_);
    }

private:
    static bool is_same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }
    void add_row(const SeriesLabels& labels, double quantile) {
        LabelsBuilder builder(labels.build());
        builder.set(name_, quantile_text(quantile));
        auto kept = query_.labels.keep(builder.build());
        kept.set_drops_name(labels.drops_name());
        labels_.push_back(kept);
        columns_.emplace_back();
    }

    std::string_view name_;
    QueryState& query_;
    std::vector<SeriesLabels> labels_;
    std::vector<std::vector<double>> columns_;
};

}  // namespace

Outcome<Value> Evaluator::call_histogram_quantile(const Call& call, ByteRange /*place*/,
                                                  const Steps& steps) {
    auto quantiles = scalar(*call.arguments[0], steps);
    if (!quantiles) return quantiles.error();
    auto vector = this->vector(*call.arguments[1], steps);
    if (!vector) return vector.error();
    const auto place = without_parens(*call.arguments[1]).range;
    warn_of_each(quantiles->column(), without_parens(*call.arguments[0]).range, query_);
    const auto histograms = histograms_in(*vector, place, query_);
    auto result =
        quantile_of(histograms, cost_of(*vector), quantiles->column(), place, steps, query_);
    if (!result) return result.error();
    if (auto merged = merge_same_labels(*result); !merged) return merged.error();
    return Value(*std::move(result));
}

Outcome<Value> Evaluator::call_histogram_fraction(const Call& call, ByteRange /*place*/,
                                                  const Steps& steps) {
    auto lower = scalar(*call.arguments[0], steps);
    if (!lower) return lower.error();
    auto upper = scalar(*call.arguments[1], steps);
    if (!upper) return upper.error();
    auto vector = this->vector(*call.arguments[2], steps);
    if (!vector) return vector.error();
    // 2.42 knows fractions of native histograms alone.
    if (query_.is_prometheus2()) return Value(VectorValue{});
    const auto histograms =
        histograms_in(*vector, without_parens(*call.arguments[2]).range, query_);
    auto result = result_for(histograms, steps, query_);
    if (!result) return result.error();
    auto done = query_.for_each_part(histograms.size(), cost_of(*vector), [&](std::size_t at) {
        BucketColumns buckets(histograms[at].bounds, histograms[at].columns);
        buckets.fraction(lower->column(), upper->column(), result->values.row(at));
    });
    if (!done) return done.error();
    if (auto merged = merge_same_labels(*result); !merged) return merged.error();
    return Value(*std::move(result));
}

Outcome<Value> Evaluator::call_histogram_quantiles(const Call& call, ByteRange /*place*/,
                                                   const Steps& steps) {
    auto vector = this->vector(*call.arguments[0], steps);
    if (!vector) return vector.error();
    const auto place = without_parens(*call.arguments[0]).range;
    const auto& label = std::get<StringLiteral>(without_parens(*call.arguments[1]).node).value;
    std::vector<ScalarValue> quantiles;
    for (std::size_t i = 2; i < call.arguments.size(); ++i) {
        auto evaluated = scalar(*call.arguments[i], steps);
        if (!evaluated) return evaluated.error();
        warn_of_each(evaluated->column(), without_parens(*call.arguments[i]).range, query_);
        quantiles.push_back(*std::move(evaluated));
    }
    const auto histograms = histograms_in(*vector, place, query_);
    LabelledRows rows(label, query_);
    for (const auto& quantile : quantiles) {
        const auto column = std::as_const(quantile).column();
        auto some = quantile_of(histograms, cost_of(*vector), column, place, steps, query_);
        if (!some) return some.error();
        rows.add(*some, column);
    }
    auto all = rows.finish(steps);
    if (!all) return all.error();
    if (auto merged = merge_same_labels(*all); !merged) return merged.error();
    return Value(*std::move(all));
}

}  // namespace inferscope::promql
