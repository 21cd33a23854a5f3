// SPDX-License-Identifier: Apache-2.0
// Selectors: what is read of the store, and which of it is seen at each step.
#include <algorithm>

#include "promql/evaluator.h"

namespace inferscope::promql {
namespace {

constexpr std::uint32_t kNoSample = 0xffffffff;

/// Whether the matchers take a single metric's series: then names tell none of them apart.
bool selects_one_name(const std::vector<Matcher>& matchers) {
    return std::ranges::any_of(matchers, [](const Matcher& matcher) {
        return matcher.op() == MatchOp::equal && matcher.name() == kMetricName;
    });
}

/// For each step the place of the last sample in the window, or kNoSample.
std::vector<std::uint32_t> last_places(std::span<const Timestamp> times, const WindowSpec& spec) {
    WindowBounds bounds;
    find_bounds(times, spec, bounds);
    auto places = std::move(bounds.ends);
    for (std::size_t step = 0; step < places.size(); ++step)
        places[step] = places[step] > bounds.begins[step] ? places[step] - 1 : kNoSample;
    return places;
}

/// A stale marker is what is absent, so it needs no look.
void take_last_values(std::span<const double> values, std::span<const std::uint32_t> places,
                      std::span<double> out) {
    for (std::size_t step = 0; step < out.size(); ++step)
        out[step] = places[step] == kNoSample ? kAbsent : values[places[step]];
}

/// The times of such samples, in seconds.
void take_last_times(std::span<const Timestamp> times, std::span<const double> values,
                     std::span<const std::uint32_t> places, std::span<double> out) {
    for (std::size_t step = 0; step < out.size(); ++step) {
        const bool is_there = places[step] != kNoSample && is_present(values[places[step]]);
        out[step] = is_there ? static_cast<double>(times[places[step]]) / 1000 : kAbsent;
    }
}

/// The value at each time: that of the sample there, between two on the line, else the last one.
void smooth(std::span<const Timestamp> times, std::span<const double> values,
            const WindowSpec& spec, const WindowBounds& bounds, std::span<double> out) {
    for (std::size_t step = 0; step < out.size(); ++step) {
        const auto at = spec.first_end + static_cast<Timestamp>(step) * spec.step - spec.range / 2;
        const auto* const begin = times.data() + bounds.begins[step];
        const auto* const end = times.data() + bounds.ends[step];
        const auto* const found = std::lower_bound(begin, end, at);
        const auto next = static_cast<std::size_t>(found - times.data());
        if (found != end && *found == at) {
            out[step] = values[next];
        } else if (found == begin) {
            out[step] = kAbsent;
        } else if (found == end) {
            out[step] = values[next - 1];
        } else {
            const double rise = values[next] - values[next - 1];
            out[step] = values[next - 1] + rise * static_cast<double>(at - times[next - 1]) /
                                               static_cast<double>(times[next] - times[next - 1]);
        }
    }
}

void count_present(const Matrix& values, std::size_t rows, const Steps& steps, QueryState& query) {
    std::size_t all = 0;
    for (std::size_t row = 0; row < rows; ++row) {
        const auto column = values.row(row);
        if (query.counts_steps()) {
            for (std::size_t step = 0; step < column.size(); ++step)
                query.count_samples(steps, step, is_present(column[step]) ? 1 : 0);
        } else {
            for (const double value : column) all += is_present(value) ? 1U : 0U;
        }
    }
    query.count_samples(all);
}

std::vector<Sample> samples_in(std::span<const Timestamp> times,
                               const SeriesColumns::Column& column, std::size_t begin,
                               std::size_t end) {
    std::vector<Sample> samples;
    for (std::size_t at = begin; at < end; ++at) {
        if (is_present(column.values[at])) samples.push_back({times[at], column.values[at]});
    }
    return samples;
}

}  // namespace

Outcome<Selection> Evaluator::read_selection(const PlannedRead& planned) {
    if (auto may_go_on = query_.check(); !may_go_on) return may_go_on.error();
    auto selection =
        stored_.read(*planned.matchers, planned.span.from, planned.span.to, query_.max_samples());
    if (!selection) {
        if (selection.error().code == Errc::limit_exceeded) return query_.too_many_samples();
        return QueryError{QueryError::Kind::internal,
                          "expanding series: " + selection.error().text};
    }
    for (const auto& warning : selection->warnings) query_.annotations.warn_from_storage(warning);
    return *std::move(selection);
}

Outcome<void> Evaluator::read() {
    for (const auto& planned : plan_.reads()) {
        auto selection = read_selection(planned);
        if (!selection) return selection.error();
        reads_.emplace_back(*std::move(selection), selects_one_name(*planned.matchers));
    }
    return {};
}

const SeriesColumns& Evaluator::columns_of(const VectorSelector& selector) const {
    return reads_[plan_.read_of(selector)];
}

Outcome<VectorValue> Evaluator::look_back(const SeriesColumns& columns, const WindowSpec& spec,
                                          const Steps& steps, bool gives_times) {
    std::vector<std::vector<std::uint32_t>> places;
    places.reserve(columns.axes().size());
    for (const auto times : columns.axes()) places.push_back(last_places(times, spec));
    const auto& series = columns.columns();
    auto values = query_.make_matrix(series.size(), steps.count);
    if (!values) return values.error();
    auto done = query_.for_each_block(
        series.size(), series.size() * steps.count, [&](std::size_t begin, std::size_t end) {
            for (auto row = begin; row < end; ++row) {
                const auto& one = series[row];
                if (gives_times) {
                    take_last_times(columns.axes()[one.axis], one.values, places[one.axis],
                                    values->row(row));
                } else {
                    take_last_values(one.values, places[one.axis], values->row(row));
                }
            }
        });
    if (!done) return done.error();
    VectorValue result;
    result.labels.reserve(series.size());
    for (const auto& one : series) result.labels.push_back(one.labels);
    result.values = *std::move(values);
    result.differ_without_name = columns.differ_without_name();
    count_present(result.values, result.size(), steps, query_);
    return result;
}

Outcome<VectorValue> Evaluator::select(const VectorSelector& selector, const Steps& steps) {
    if (selector.window == VectorSelector::Window::smoothed)
        return select_smoothed(selector, steps);
    const auto times = plan_.look_times(selector, steps);
    const WindowSpec spec{times.first, times.interval, query_.lookback(), query_.is_prometheus2(),
                          steps.count};
    return look_back(columns_of(selector), spec, steps, false);
}

Outcome<VectorValue> Evaluator::select_smoothed(const VectorSelector& selector,
                                                const Steps& steps) {
    const auto& columns = columns_of(selector);
    const auto look = plan_.look_times(selector, steps);
    const WindowSpec spec{look.first + query_.lookback(), look.interval, 2 * query_.lookback(),
                          query_.is_prometheus2(), steps.count};
    auto values = query_.make_matrix(columns.columns().size(), steps.count);
    if (!values) return values.error();
    VectorValue result;
    std::vector<Timestamp> times;
    std::vector<double> numbers;
    WindowBounds bounds;
    for (const auto& one : columns.columns()) {
        times.clear();
        numbers.clear();
        for (std::size_t at = 0; at < one.values.size(); ++at) {
            if (is_absent(one.values[at])) continue;
            times.push_back(columns.axes()[one.axis][at]);
            numbers.push_back(one.values[at]);
        }
        find_bounds(times, spec, bounds);
        smooth(times, numbers, spec, bounds, values->row(result.size()));
        result.labels.push_back(one.labels);
    }
    result.values = *std::move(values);
    result.differ_without_name = columns.differ_without_name();
    count_present(result.values, result.size(), steps, query_);
    return result;
}

Outcome<VectorValue> Evaluator::select_times(const VectorSelector& selector, const Steps& steps) {
    const auto times = plan_.timestamp_times(selector, steps);
    const WindowSpec spec{times.first, times.interval, query_.lookback(), query_.is_prometheus2(),
                          steps.count};
    return look_back(columns_of(selector), spec, steps, true);
}

Outcome<Evaluator::Range> Evaluator::range_of(const Expr& expr, const Steps& steps) {
    Range range;
    range.spec.is_closed_left = query_.is_prometheus2();
    range.spec.count = steps.count;
    LookTimes times;
    if (const auto* const selector = expr.as<RangeSelector>()) {
        times = plan_.range_times(selector->vector.at, selector->vector.offset, steps);
        range.spec.range = selector->range.value.count();
        range.columns = &columns_of(selector->vector);
        range.window = selector->vector.window;
    } else {
        const auto& subquery = std::get<Subquery>(expr.node);
        times = plan_.range_times(subquery.at, subquery.offset, steps);
        range.spec.range = subquery.range.value.count();
        const auto inner = plan_.subquery_steps(subquery, steps);
        auto values = vector(*subquery.expr, inner);
        if (!values) return values.error();
        range.own.emplace(*std::move(values), inner);
    }
    range.spec.first_end = times.first;
    range.spec.step = times.interval;
    return range;
}

Outcome<std::vector<QuerySeries>> Evaluator::evaluate_range(const Expr& expr, const Steps& steps) {
    auto range = range_of(without_parens(expr), steps);
    if (!range) return range.error();
    if (range->window != VectorSelector::Window::plain) {
        return execution_error(
            "an anchored or smoothed range is answered inside of a function only");
    }
    const auto& columns = range->all();
    std::vector<QuerySeries> all;
    WindowBounds bounds;
    for (const auto& one : columns.columns()) {
        const auto times = columns.axes()[one.axis];
        find_bounds(times, range->spec, bounds);
        auto samples = samples_in(times, one, bounds.begins[0], bounds.ends[0]);
        if (samples.empty()) continue;
        query_.count_samples(steps, 0, samples.size());
        auto labels = one.labels;
        labels.finish();
        all.push_back({labels.build(), std::move(samples)});
    }
    std::ranges::sort(all, {}, &QuerySeries::labels);
    return all;
}

}  // namespace inferscope::promql
