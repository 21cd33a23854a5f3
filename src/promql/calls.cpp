// SPDX-License-Identifier: Apache-2.0
// Calls: which function is meant, and those over instant vectors and scalars.
#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "promql/evaluator.h"
#include "promql/value_functions.h"
#include "promql/window_functions.h"

namespace inferscope::promql {
namespace {

/// What an absent series would have been called.
Labels labels_of_absent(const Expr& expr) {
    const auto* const range = expr.as<RangeSelector>();
    const auto* const selector = range != nullptr ? &range->vector : expr.as<VectorSelector>();
    if (selector == nullptr) return {};
    LabelsBuilder builder;
    std::vector<std::string_view> seen;
    for (const auto& matcher : selector->matchers) {
        if (matcher.name() == kMetricName) continue;
        const bool is_known = std::ranges::find(seen, matcher.name()) != seen.end();
        if (matcher.op() == MatchOp::equal && !is_known) {
            builder.set(matcher.name(), matcher.value());
            seen.push_back(matcher.name());
        } else {
            builder.remove(matcher.name());
        }
    }
    return builder.build();
}

/// 1 where none of the rows has a sample.
void mark_absent(const VectorValue& vector, std::span<double> out) {
    std::ranges::fill(out, 1);
    for (std::size_t row = 0; row < vector.size(); ++row) {
        const auto column = vector.values.row(row);
        for (std::size_t step = 0; step < out.size(); ++step) {
            if (is_present(column[step])) out[step] = kAbsent;
        }
    }
}

}  // namespace

const Evaluator::NamedHandler* Evaluator::find_handler(std::string_view name) {
    static constexpr std::array kHandlers{
        NamedHandler{"absent", &Evaluator::call_absent},
        NamedHandler{"absent_over_time", &Evaluator::call_absent_over_time},
        NamedHandler{"histogram_avg", &Evaluator::call_of_native_histograms},
        NamedHandler{"histogram_count", &Evaluator::call_of_native_histograms},
        NamedHandler{"histogram_fraction", &Evaluator::call_histogram_fraction},
        NamedHandler{"histogram_quantile", &Evaluator::call_histogram_quantile},
        NamedHandler{"histogram_quantiles", &Evaluator::call_histogram_quantiles},
        NamedHandler{"histogram_stddev", &Evaluator::call_of_native_histograms},
        NamedHandler{"histogram_stdvar", &Evaluator::call_of_native_histograms},
        NamedHandler{"histogram_sum", &Evaluator::call_of_native_histograms},
        NamedHandler{"info", &Evaluator::call_info},
        NamedHandler{"label_join", &Evaluator::call_label_join},
        NamedHandler{"label_replace", &Evaluator::call_label_replace},
        NamedHandler{"max_of", &Evaluator::call_extreme_of},
        NamedHandler{"min_of", &Evaluator::call_extreme_of},
        NamedHandler{"pi", &Evaluator::call_pi},
        NamedHandler{"scalar", &Evaluator::call_scalar},
        NamedHandler{"sort", &Evaluator::call_sort},
        NamedHandler{"sort_by_label", &Evaluator::call_sort_by_label},
        NamedHandler{"sort_by_label_desc", &Evaluator::call_sort_by_label},
        NamedHandler{"sort_desc", &Evaluator::call_sort},
        NamedHandler{"start_timestamp", &Evaluator::call_of_native_histograms},
        NamedHandler{"time", &Evaluator::call_time},
        NamedHandler{"timestamp", &Evaluator::call_timestamp},
        NamedHandler{"vector", &Evaluator::call_vector},
    };
    static_assert(std::ranges::is_sorted(kHandlers, {}, &NamedHandler::name));
    const auto* const found = std::ranges::lower_bound(kHandlers, name, {}, &NamedHandler::name);
    return found != kHandlers.end() && found->name == name ? found : nullptr;
}

Outcome<Value> Evaluator::call(const Call& call, ByteRange place, const Steps& steps) {
    if (const auto value = plan_.constant_of(call)) return constant(*value, steps);
    if (const auto* const named = find_handler(call.function->name))
        return (this->*named->handler)(call, place, steps);
    const bool is_over_time =
        std::ranges::find(call.function->arguments, ValueType::range_vector) !=
        call.function->arguments.end();
    if (is_over_time) return call_over_time(call, steps);
    if (find_value_function(call.function->name, query_.dialect()) != nullptr)
        return call_value_function(call, steps);
    return execution_error(fmt::format("{}() is not supported yet", call.function->name));
}

Outcome<Value> Evaluator::call_value_function(const Call& call, const Steps& steps) {
    VectorValue of_now;  // what date functions are of when nothing is said
    const bool has_argument = !call.arguments.empty();
    auto value = has_argument ? evaluate(*call.arguments[0], steps) : call_time(call, {}, steps);
    if (!value) return value;
    if (!has_argument) {
        of_now.labels.emplace_back();
        of_now.values = std::move(std::get<ScalarValue>(*value).values);
        of_now.differ_without_name = true;
    }
    auto& vector = has_argument ? std::get<VectorValue>(*value) : of_now;
    std::array<ScalarValue, 2> scalars;
    for (std::size_t i = 1; i < call.arguments.size(); ++i) {
        auto evaluated = scalar(*call.arguments[i], steps);
        if (!evaluated) return evaluated.error();
        scalars[i - 1] = *std::move(evaluated);
    }
    ValueParameters parameters;
    if (call.arguments.size() > 1) parameters.first = std::as_const(scalars[0]).column();
    if (call.arguments.size() > 2) parameters.second = std::as_const(scalars[1]).column();
    const auto function = find_value_function(call.function->name, query_.dialect());
    auto done = query_.for_each_block(
        vector.size(), vector.size() * steps.count, [&](std::size_t begin, std::size_t end) {
            for (auto row = begin; row < end; ++row)
                function(vector.values.row(row), parameters, vector.values.row(row));
        });
    if (!done) return done.error();
    if (auto dropped = drop_names(vector, query_); !dropped) return dropped.error();
    return Value(std::move(vector));
}

Outcome<Value> Evaluator::call_time(const Call& /*call*/, ByteRange /*place*/, const Steps& steps) {
    auto times = constant(0, steps);
    if (!times) return times.error();
    for (std::size_t step = 0; step < steps.count; ++step)
        times->column()[step] = static_cast<double>(steps.time(step)) / 1000;
    return Value(*std::move(times));
}

Outcome<Value> Evaluator::call_pi(const Call& /*call*/, ByteRange /*place*/, const Steps& steps) {
    return constant(std::numbers::pi, steps);
}

Outcome<Value> Evaluator::call_scalar(const Call& call, ByteRange /*place*/, const Steps& steps) {
    auto vector = this->vector(*call.arguments[0], steps);
    if (!vector) return vector.error();
    auto result = constant(kAbsent, steps);
    if (!result) return result.error();
    const auto out = result->column();
    std::vector<bool> has_several(steps.count, false);
    for (std::size_t row = 0; row < vector->size(); ++row) {
        const auto column = vector->values.row(row);
        for (std::size_t step = 0; step < steps.count; ++step) {
            if (is_absent(column[step])) continue;
            if (is_present(out[step])) has_several[step] = true;
            out[step] = column[step];
        }
    }
    for (std::size_t step = 0; step < steps.count; ++step) {
        if (has_several[step] || is_absent(out[step])) out[step] = std::nan("");
    }
    return Value(*std::move(result));
}

Outcome<Value> Evaluator::call_vector(const Call& call, ByteRange /*place*/, const Steps& steps) {
    auto scalar = this->scalar(*call.arguments[0], steps);
    if (!scalar) return scalar.error();
    VectorValue result;
    result.labels.emplace_back();
    result.values = std::move(scalar->values);
    result.differ_without_name = true;
    return Value(std::move(result));
}

Outcome<Value> Evaluator::call_timestamp(const Call& call, ByteRange /*place*/,
                                         const Steps& steps) {
    const auto& argument = without_parens(*call.arguments[0]);
    const auto* const selector = argument.as<VectorSelector>();
    auto vector =
        selector != nullptr ? select_times(*selector, steps) : this->vector(argument, steps);
    if (!vector) return vector.error();
    for (std::size_t row = 0; selector == nullptr && row < vector->size(); ++row) {
        const auto column = vector->values.row(row);
        for (std::size_t step = 0; step < steps.count; ++step) {
            if (is_present(column[step]))
                column[step] = static_cast<double>(steps.time(step)) / 1000;
        }
    }
    if (auto dropped = drop_names(*vector, query_); !dropped) return dropped.error();
    return Value(*std::move(vector));
}

Outcome<Value> Evaluator::call_absent(const Call& call, ByteRange /*place*/, const Steps& steps) {
    auto vector = this->vector(*call.arguments[0], steps);
    if (!vector) return vector.error();
    auto values = query_.make_matrix(1, steps.count);
    if (!values) return values.error();
    mark_absent(*vector, values->row(0));
    VectorValue result;
    result.labels.push_back(
        query_.labels.keep(labels_of_absent(without_parens(*call.arguments[0]))));
    result.values = *std::move(values);
    result.differ_without_name = true;
    return Value(std::move(result));
}

Outcome<Value> Evaluator::call_absent_over_time(const Call& call, ByteRange /*place*/,
                                                const Steps& steps) {
    const auto& argument = without_parens(*call.arguments[0]);
    auto range = range_of(argument, steps);
    if (!range) return range.error();
    auto values = query_.make_matrix(1, steps.count);
    if (!values) return values.error();
    const auto out = values->row(0);
    std::ranges::fill(out, 1);
    const auto& columns = range->all();
    WindowBounds bounds;
    for (const auto& one : columns.columns()) {
        find_bounds(columns.axes()[one.axis], range->spec, bounds);
        for (std::size_t step = 0; step < steps.count; ++step) {
            const auto window =
                one.values.subspan(bounds.begins[step], bounds.ends[step] - bounds.begins[step]);
            if (is_present(out[step]) && !is_empty_column(window)) out[step] = kAbsent;
        }
    }
    VectorValue result;
    result.labels.push_back(query_.labels.keep(labels_of_absent(argument)));
    result.values = *std::move(values);
    result.differ_without_name = true;
    return Value(std::move(result));
}

/// max_of, min_of: of two scalars, as Go's math.Max and math.Min.
Outcome<Value> Evaluator::call_extreme_of(const Call& call, ByteRange /*place*/,
                                          const Steps& steps) {
    auto left = scalar(*call.arguments[0], steps);
    if (!left) return left.error();
    auto right = scalar(*call.arguments[1], steps);
    if (!right) return right.error();
    const bool wants_greater = call.function->name == "max_of";
    for (std::size_t step = 0; step < steps.count; ++step) {
        auto& a = left->column()[step];
        const double b = right->column()[step];
        if (std::isinf(b) && std::signbit(b) != wants_greater) {
            a = b;
        } else if (std::isnan(a) || std::isnan(b)) {
            const bool is_settled = std::isinf(a) && std::signbit(a) != wants_greater;
            if (!is_settled) a = std::nan("");
        } else if (a == b) {
            a = std::signbit(a) != wants_greater ? a : b;  // of the zeros
        } else {
            a = wants_greater == (a > b) ? a : b;
        }
    }
    return Value(*std::move(left));
}

/// What only native histograms, or samples with a start time, have an answer to: none is stored.
Outcome<Value> Evaluator::call_of_native_histograms(const Call& call, ByteRange /*place*/,
                                                    const Steps& steps) {
    if (auto vector = this->vector(*call.arguments[0], steps); !vector) return vector.error();
    return Value(VectorValue{});
}

}  // namespace inferscope::promql
