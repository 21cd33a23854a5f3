// SPDX-License-Identifier: Apache-2.0
// Functions over range vectors: the windows' bounds are found once for all series that share their
// times.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <optional>
#include <utility>

#include "promql/evaluator.h"
#include "promql/window_functions.h"

namespace inferscope::promql {
namespace {

/// What the series of one axis share.
struct AxisWindows {
    WindowBounds bounds;
    std::size_t samples = 0;  // in all windows together
    std::optional<Extrapolation> extrapolation;
};

/// A series of its own: without the samples that are none.
struct OwnSamples {
    std::vector<Timestamp> times;
    std::vector<double> values;
    WindowBounds bounds;

    void set(std::span<const Timestamp> all_times, std::span<const double> all_values) {
        times.clear();
        values.clear();
        for (std::size_t at = 0; at < all_times.size(); ++at) {
            if (is_absent(all_values[at])) continue;
            times.push_back(all_times[at]);
            values.push_back(all_values[at]);
        }
    }
};

void set_bounds(Windows& windows, const WindowBounds& bounds) {
    windows.begins = bounds.begins;
    windows.ends = bounds.ends;
}

bool may_be_counter(std::string_view name) {
    return name.ends_with("_total") || name.ends_with("_sum") || name.ends_with("_count") ||
           name.ends_with("_bucket");
}

}  // namespace

/// Evaluates one function for all series of a range vector.
class OverTime {
public:
    /// `seen`: the windows with what the function wants to see before and behind them.
    OverTime(const SeriesColumns& columns, const WindowSpec& spec, const WindowSpec& seen,
             const WindowFunctionInfo& info, const WindowParameters& parameters, const Steps& steps)
        : columns_(columns),
          spec_(spec),
          seen_(seen),
          info_(info),
          parameters_(parameters),
          steps_(steps) {
        std::vector<std::size_t> users(columns.axes().size(), 0);
        for (const auto& column : columns.columns()) users[column.axis] += column.has_gaps ? 0 : 1;
        axes_.resize(users.size());
        for (std::size_t axis = 0; axis < users.size(); ++axis) {
            if (users[axis] == 0) continue;
            auto& shared = axes_[axis];
            find_bounds(columns.axes()[axis], seen, shared.bounds);
            shared.samples = shared.bounds.samples();
            auto windows = windows_on(columns.axes()[axis]);
            set_bounds(windows, shared.bounds);
            if (info.is_extrapolating && users[axis] > 1) shared.extrapolation.emplace(windows);
        }
    }

    /// How many samples the windows had together.
    std::size_t evaluate(std::size_t at, std::span<double> out) const {
        const auto& column = columns_.columns()[at];
        const auto times = columns_.axes()[column.axis];
        if (column.has_gaps) return evaluate_alone(times, column.values, out);
        const auto& shared = axes_[column.axis];
        auto windows = windows_on(times);
        windows.values = column.values;
        windows.never_falls = column.never_falls;
        set_bounds(windows, shared.bounds);
        if (shared.extrapolation) windows.extrapolation = &*shared.extrapolation;
        info_.evaluate(windows, parameters_, out);
        return shared.samples;
    }

private:
    std::size_t evaluate_alone(std::span<const Timestamp> times, std::span<const double> values,
                               std::span<double> out) const {
        OwnSamples own;
        own.set(times, values);
        find_bounds(own.times, seen_, own.bounds);
        auto windows = windows_on(own.times);
        windows.values = own.values;
        set_bounds(windows, own.bounds);
        info_.evaluate(windows, parameters_, out);
        return own.bounds.samples();
    }
    [[nodiscard]] Windows windows_on(std::span<const Timestamp> times) const {
        Windows windows;
        windows.times = times;
        windows.first_start = spec_.first_end - spec_.range;
        windows.first_end = spec_.first_end;
        windows.step = spec_.step;
        windows.first_time = steps_.start;
        windows.time_step = steps_.interval;
        return windows;
    }

    const SeriesColumns& columns_;
    const WindowSpec& spec_;
    const WindowSpec& seen_;
    const WindowFunctionInfo& info_;
    const WindowParameters& parameters_;
    const Steps& steps_;
    std::vector<AxisWindows> axes_;
};

namespace {

void count_by_step(const SeriesColumns& columns, const WindowSpec& spec, const Steps& steps,
                   QueryState& query) {
    OwnSamples own;
    for (const auto& column : columns.columns()) {
        own.set(columns.axes()[column.axis], column.values);
        find_bounds(own.times, spec, own.bounds);
        for (std::size_t step = 0; step < steps.count; ++step)
            query.count_samples(steps, step, own.bounds.ends[step] - own.bounds.begins[step]);
    }
}

/// Which of a function's arguments is the range; the others are scalars.
std::size_t range_argument(const Call& call) {
    const auto& types = call.function->arguments;
    return static_cast<std::size_t>(std::ranges::find(types, ValueType::range_vector) -
                                    types.begin());
}

/// The first refusal at a step where some window has a sample.
std::optional<std::string> refuse_smoothing(const SeriesColumns& columns, const WindowSpec& spec,
                                            const WindowParameters& parameters) {
    OwnSamples own;
    for (const auto& column : columns.columns()) {
        own.set(columns.axes()[column.axis], column.values);
        find_bounds(own.times, spec, own.bounds);
        for (std::size_t step = 0; step < spec.count; ++step) {
            if (own.bounds.begins[step] == own.bounds.ends[step]) continue;
            auto refusal = check_smoothing(parameters.first[step], parameters.second[step]);
            if (refusal) return refusal;
        }
    }
    return std::nullopt;
}

}  // namespace

Outcome<Value> Evaluator::call_over_time(const Call& call, const Steps& steps) {
    const auto range_at = range_argument(call);
    const auto& argument = without_parens(*call.arguments[range_at]);
    auto range = range_of(argument, steps);
    if (!range) return range.error();
    const auto& columns = range->all();
    std::vector<ScalarValue> scalars;
    for (std::size_t i = 0; i < call.arguments.size(); ++i) {
        if (i == range_at) continue;
        auto evaluated = scalar(*call.arguments[i], steps);
        if (!evaluated) return evaluated.error();
        scalars.push_back(*std::move(evaluated));
    }
    WindowParameters parameters;
    if (!scalars.empty()) parameters.first = std::as_const(scalars[0]).column();
    if (scalars.size() > 1) parameters.second = std::as_const(scalars[1]).column();
    const auto* const info =
        find_window_function(call.function->name, query_.dialect(), range->window);
    if (info == nullptr) return refuse_window(call, range->window);
    if (scalars.size() == 2) {
        if (auto refusal = refuse_smoothing(columns, range->spec, parameters))
            return execution_error(*std::move(refusal));
    }
    auto result = evaluate_windows(*info, *range, parameters, steps);
    if (!result) return result.error();
    if (call.function->name == "quantile_over_time")
        warn_of_quantiles(parameters.first, *result, without_parens(*call.arguments[0]).range);
    annotate_windows(call, columns, *info, *result);
    if (auto named = name_results(*info, *result); !named) return named.error();
    return Value(*std::move(result));
}

/// At each step at which some window has a sample.
void Evaluator::warn_of_quantiles(std::span<const double> quantiles, const VectorValue& result,
                                  ByteRange place) {
    for (std::size_t step = 0; step < quantiles.size(); ++step) {
        if (quantiles[step] >= 0 && quantiles[step] <= 1) continue;
        for (std::size_t row = 0; row < result.size(); ++row) {
            if (is_absent(result.values.row(row)[step])) continue;
            query_.annotations.warn_of_quantile(quantiles[step], place);
            break;
        }
    }
}

/// Anchored and smoothed windows reach one lookback further back, smoothed ones as far ahead.
WindowSpec Evaluator::seen_by(const Range& range, Timestamp lookback) {
    auto seen = range.spec;
    if (range.window == VectorSelector::Window::plain) return seen;
    seen.range += lookback;
    if (range.window == VectorSelector::Window::smoothed) {
        seen.range += lookback;
        seen.first_end += lookback;
    }
    return seen;
}

QueryError Evaluator::refuse_window(const Call& call, VectorSelector::Window window) {
    if (window == VectorSelector::Window::anchored) {
        return execution_error(fmt::format(
            "anchored modifier can only be used with: changes, delta, increase, rate, resets - not "
            "with {}",
            call.function->name));
    }
    if (window == VectorSelector::Window::smoothed) {
        return execution_error(fmt::format(
            "smoothed modifier can only be used with: delta, increase, rate - not with {}",
            call.function->name));
    }
    return execution_error(fmt::format("{}() is not supported yet", call.function->name));
}

Outcome<VectorValue> Evaluator::evaluate_windows(const WindowFunctionInfo& info, const Range& range,
                                                 const WindowParameters& parameters,
                                                 const Steps& steps) {
    const auto& columns = range.all();
    const auto rows = columns.columns().size();
    auto values = query_.make_matrix(rows, steps.count);
    if (!values) return values.error();
    const auto seen = seen_by(range, query_.lookback());
    const OverTime over_time(columns, range.spec, seen, info, parameters, steps);
    std::atomic<std::size_t> samples = 0;
    auto done = query_.for_each_block(rows, rows * steps.count * 4,
                                      [&](std::size_t begin, std::size_t end) {
                                          std::size_t seen = 0;
                                          for (auto row = begin; row < end; ++row)
                                              seen += over_time.evaluate(row, values->row(row));
                                          samples += seen;
                                      });
    if (!done) return done.error();
    if (query_.counts_steps()) {
        count_by_step(columns, range.spec, steps, query_);
    } else {
        query_.count_samples(samples);
    }
    VectorValue result;
    result.labels.reserve(rows);
    for (const auto& column : columns.columns()) result.labels.push_back(column.labels);
    result.values = *std::move(values);
    result.differ_without_name = columns.differ_without_name();
    return result;
}

void Evaluator::annotate_windows(const Call& call, const SeriesColumns& columns,
                                 const WindowFunctionInfo& info, const VectorValue& result) {
    if (query_.is_prometheus2()) return;
    std::string_view last;
    for (std::size_t row = 0; info.is_for_counters && row < result.size(); ++row) {
        const auto name = columns.columns()[row].labels.get(kMetricName);
        if (name.empty() || name == last || may_be_counter(name)) continue;
        if (is_empty_column(result.values.row(row))) continue;
        last = name;
        query_.annotations.tell_of_possible_non_counter(name,
                                                        without_parens(*call.arguments[0]).range);
    }
}

Outcome<void> Evaluator::name_results(const WindowFunctionInfo& info, VectorValue& result) {
    if (!info.keeps_name) {
        for (auto& labels : result.labels) labels.drop_name(query_.delays_name_removal());
    }
    if (query_.delays_name_removal() || result.differ_without_name) return {};
    return refuse_same_labels(result);
}

}  // namespace inferscope::promql
