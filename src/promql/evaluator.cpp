// SPDX-License-Identifier: Apache-2.0
#include "promql/evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "promql/aggregate.h"
#include "promql/binary_functions.h"
#include "promql/vector_matching.h"

namespace inferscope::promql {
namespace {

Comparison comparison_of(const Binary& binary) {
    return binary.returns_bool ? Comparison::gives_bool : Comparison::filters;
}

bool is_trim(BinaryOp op) { return op == BinaryOp::trim_lower || op == BinaryOp::trim_upper; }

}  // namespace

Outcome<Value> Evaluator::evaluate(const Expr& expr, const Steps& steps) {
    if (auto may_go_on = query_.check(); !may_go_on) return may_go_on.error();
    if (steps.count > query_.max_samples()) return query_.too_many_samples();
    if (steps.count == 0) return nothing(expr);
    if (steps.count == 1 || !plan_.is_step_invariant(expr)) return evaluate_node(expr, steps);
    auto once = evaluate_node(expr, steps.first());
    if (!once) return once;
    return repeat(*std::move(once), steps);
}

Outcome<Value> Evaluator::nothing(const Expr& expr) {
    if (type_of(expr) == ValueType::instant_vector) return Value(VectorValue{});
    if (const auto* const text = expr.as<StringLiteral>()) return Value(StringValue{text->value});
    auto values = query_.make_matrix(1, 0);
    if (!values) return values.error();
    return Value(ScalarValue{*std::move(values)});
}

Outcome<Value> Evaluator::repeat(Value once, const Steps& steps) {
    if (std::holds_alternative<StringValue>(once)) return once;
    auto* const scalar = std::get_if<ScalarValue>(&once);
    auto& values = scalar != nullptr ? scalar->values : std::get<VectorValue>(once).values;
    auto repeated = query_.make_matrix(values.rows(), steps.count);
    if (!repeated) return repeated.error();
    for (std::size_t row = 0; row < values.rows(); ++row)
        std::ranges::fill(repeated->row(row), values.row(row)[0]);
    values = *std::move(repeated);
    return once;
}

Outcome<Value> Evaluator::evaluate_node(const Expr& expr, const Steps& steps) {
    if (const auto* const node = expr.as<NumberLiteral>()) return constant(node->value, steps);
    if (const auto* const node = expr.as<StringLiteral>()) return Value(StringValue{node->value});
    if (const auto* const node = expr.as<VectorSelector>()) return select(*node, steps);
    if (const auto* const node = expr.as<Paren>()) return evaluate(*node->expr, steps);
    if (const auto* const node = expr.as<Unary>()) return negate(*node, steps);
    if (const auto* const node = expr.as<Binary>()) return combine(*node, expr.range, steps);
    if (const auto* const node = expr.as<Aggregate>()) return aggregate(*node, steps);
    if (const auto* const node = expr.as<Call>()) return call(*node, expr.range, steps);
    return execution_error("a range vector can't be evaluated at several steps");
}

Outcome<VectorValue> Evaluator::vector(const Expr& expr, const Steps& steps) {
    auto value = evaluate(expr, steps);
    if (!value) return value.error();
    if (auto* const vector = std::get_if<VectorValue>(&*value)) return std::move(*vector);
    // Of a subquery over a scalar: a vector of one series without labels.
    VectorValue result;
    result.labels.emplace_back();
    result.values = std::move(std::get<ScalarValue>(*value).values);
    result.differ_without_name = true;
    return result;
}

Outcome<ScalarValue> Evaluator::scalar(const Expr& expr, const Steps& steps) {
    auto value = evaluate(expr, steps);
    if (!value) return value.error();
    return std::get<ScalarValue>(*std::move(value));
}

Outcome<ScalarValue> Evaluator::constant(double value, const Steps& steps) {
    auto values = query_.make_matrix(1, steps.count);
    if (!values) return values.error();
    std::ranges::fill(values->row(0), value);
    return ScalarValue{*std::move(values)};
}

Outcome<Value> Evaluator::negate(const Unary& unary, const Steps& steps) {
    auto value = evaluate(*unary.expr, steps);
    if (!value || !unary.is_negative) return value;
    if (auto* const scalar = std::get_if<ScalarValue>(&*value)) {
        for (auto& number : scalar->column()) number = -number;
        return value;
    }
    auto& vector = std::get<VectorValue>(*value);
    for (std::size_t row = 0; row < vector.size(); ++row) {
        for (auto& number : vector.values.row(row)) {
            if (is_present(number)) number = -number;
        }
    }
    if (!query_.is_prometheus2()) {
        if (auto dropped = drop_names(vector, query_); !dropped) return dropped.error();
        return value;
    }
    for (auto& labels : vector.labels) labels.drop_name(false);
    if (!vector.differ_without_name) {
        if (auto differ = refuse_same_labels(vector); !differ) return differ.error();
    }
    return value;
}

/// `</` and `>/` cut native histograms; no sample is one.
Outcome<Value> Evaluator::trim(const Binary& binary, ByteRange place, const Steps& steps) {
    bool has_samples = true;
    for (const auto* const side : {binary.left.get(), binary.right.get()}) {
        auto value = evaluate(*side, steps);
        if (!value) return value;
        const auto* const vector = std::get_if<VectorValue>(&*value);
        if (vector == nullptr) continue;
        bool is_empty = true;
        for (std::size_t row = 0; row < vector->size(); ++row)
            is_empty = is_empty && is_empty_column(vector->values.row(row));
        has_samples = has_samples && !is_empty;
    }
    if (has_samples) query_.annotations.tell_of_incompatible_types(binary.op, place);
    return Value(VectorValue{});
}

Outcome<Value> Evaluator::combine(const Binary& binary, ByteRange place, const Steps& steps) {
    const bool is_left_scalar = type_of(*binary.left) == ValueType::scalar;
    const bool is_right_scalar = type_of(*binary.right) == ValueType::scalar;
    if (is_left_scalar && is_right_scalar) return combine_scalars(binary, steps);
    if (is_trim(binary.op)) return trim(binary, place, steps);
    if (is_left_scalar || is_right_scalar)
        return combine_with_scalar(binary, steps, is_left_scalar);
    auto left = vector(*binary.left, steps);
    if (!left) return left.error();
    auto right = vector(*binary.right, steps);
    if (!right) return right.error();
    if (is_set_operator(binary.op))
        return combine_sets(binary, *std::move(left), *std::move(right), steps.count, query_);
    return match_vectors(binary, *std::move(left), *std::move(right), steps.count, query_);
}

Outcome<Value> Evaluator::combine_scalars(const Binary& binary, const Steps& steps) {
    auto left = scalar(*binary.left, steps);
    if (!left) return left.error();
    auto right = scalar(*binary.right, steps);
    if (!right) return right.error();
    if (is_trim(binary.op)) {
        return execution_error(
            fmt::format("operator \"{}\" not allowed for Scalar operations", to_string(binary.op)));
    }
    binary_scalars(binary.op, left->column(), right->column(), left->column());
    return *std::move(left);
}

Outcome<Value> Evaluator::combine_with_scalar(const Binary& binary, const Steps& steps,
                                              bool is_scalar_left) {
    // In the order written, since both may have something to warn of.
    auto left = evaluate(*binary.left, steps);
    if (!left) return left;
    auto right = evaluate(*binary.right, steps);
    if (!right) return right;
    const auto scalar =
        std::get<ScalarValue>(is_scalar_left ? *std::move(left) : *std::move(right));
    auto vector = std::get<VectorValue>(is_scalar_left ? *std::move(right) : *std::move(left));
    auto done = query_.for_each_block(
        vector.size(), vector.size() * steps.count, [&](std::size_t begin, std::size_t end) {
            for (auto row = begin; row < end; ++row) {
                const auto column = vector.values.row(row);
                if (is_scalar_left) {
                    binary_scalar_column(binary.op, comparison_of(binary), scalar.column(), column,
                                         column);
                } else {
                    binary_column_scalar(binary.op, comparison_of(binary), column, scalar.column(),
                                         column);
                }
            }
        });
    if (!done) return done.error();
    if (changes_meaning(binary.op, query_.dialect()) || binary.returns_bool) {
        if (auto dropped = drop_names(vector, query_); !dropped) return dropped.error();
    }
    return Value(std::move(vector));
}

Outcome<Value> Evaluator::aggregate(const Aggregate& node, const Steps& steps) {
    if (node.op == Aggregation::count_values) {
        const auto& label = std::get<StringLiteral>(without_parens(*node.parameter).node).value;
        auto vector = this->vector(*node.expr, steps);
        if (!vector) return vector.error();
        return count_values(node, *vector, label, query_);
    }
    ScalarValue parameter;
    if (node.parameter) {
        auto evaluated = scalar(*node.parameter, steps);
        if (!evaluated) return evaluated.error();
        parameter = *std::move(evaluated);
    }
    auto vector = this->vector(*node.expr, steps);
    if (!vector) return vector.error();
    const auto parameters =
        node.parameter ? std::as_const(parameter).column() : std::span<const double>();
    if (has_parameter(node.op) && node.op != Aggregation::quantile)
        return rank_groups(node, *std::move(vector), parameters, query_);
    return aggregate_groups(node, *vector, parameters, query_);
}

}  // namespace inferscope::promql
