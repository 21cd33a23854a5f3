// SPDX-License-Identifier: Apache-2.0
#include "promql/ast.h"

#include <array>

namespace inferscope::promql {
namespace {

constexpr std::array<std::string_view, 18> kBinaryOps{"+",     "-",  "*",  "/",   "%",  "^",
                                                      "atan2", "==", "!=", "<",   "<=", ">",
                                                      ">=",    "</", ">/", "and", "or", "unless"};
constexpr std::array<std::string_view, 14> kAggregations{
    "sum",    "avg",  "count",   "min",          "max",      "group",  "stddev",
    "stdvar", "topk", "bottomk", "count_values", "quantile", "limitk", "limit_ratio"};

template <class... Callables>
struct Overloaded : Callables... {
    using Callables::operator()...;
};

/// Of Expr or const Expr.
template <class AnyExpr>
std::vector<AnyExpr*> children_of(AnyExpr& expr) {
    using Children = std::vector<AnyExpr*>;
    return std::visit(
        Overloaded{[](const Subquery& node) { return Children{node.expr.get()}; },
                   [](const Paren& node) { return Children{node.expr.get()}; },
                   [](const Unary& node) { return Children{node.expr.get()}; },
                   [](const Binary& node) { return Children{node.left.get(), node.right.get()}; },
                   [](const Aggregate& node) {
                       if (!node.parameter) return Children{node.expr.get()};
                       return Children{node.parameter.get(), node.expr.get()};
                   },
                   [](const Call& node) {
                       Children arguments;
                       for (const auto& argument : node.arguments)
                           arguments.push_back(argument.get());
                       return arguments;
                   },
                   [](const auto&) { return Children{}; }},
        expr.node);
}

}  // namespace

std::string_view to_string(BinaryOp op) { return kBinaryOps.at(static_cast<std::size_t>(op)); }

bool is_comparison(BinaryOp op) {
    return op >= BinaryOp::equal && op <= BinaryOp::greater_or_equal;
}

bool is_set_operator(BinaryOp op) { return op >= BinaryOp::set_and; }

std::string_view to_string(Aggregation op) {
    return kAggregations.at(static_cast<std::size_t>(op));
}

bool has_parameter(Aggregation op) { return op >= Aggregation::topk; }

std::string_view to_string(VectorMatching::Cardinality cardinality) {
    switch (cardinality) {
        case VectorMatching::Cardinality::one_to_one:
            return "one-to-one";
        case VectorMatching::Cardinality::many_to_one:
            return "many-to-one";
        case VectorMatching::Cardinality::one_to_many:
            return "one-to-many";
        case VectorMatching::Cardinality::many_to_many:
            return "many-to-many";
    }
    return "";
}

ValueType type_of(const Expr& expr) {
    return std::visit(
        Overloaded{[](const NumberLiteral&) { return ValueType::scalar; },
                   [](const StringLiteral&) { return ValueType::string; },
                   [](const VectorSelector&) { return ValueType::instant_vector; },
                   [](const RangeSelector&) { return ValueType::range_vector; },
                   [](const Subquery&) { return ValueType::range_vector; },
                   [](const Paren& node) { return type_of(*node.expr); },
                   [](const Unary& node) { return type_of(*node.expr); },
                   [](const Binary& node) {
                       const bool is_scalar = type_of(*node.left) == ValueType::scalar &&
                                              type_of(*node.right) == ValueType::scalar;
                       return is_scalar ? ValueType::scalar : ValueType::instant_vector;
                   },
                   [](const Aggregate&) { return ValueType::instant_vector; },
                   [](const Call& node) { return node.function->result; }},
        expr.node);
}

std::vector<const Expr*> children(const Expr& expr) { return children_of(expr); }
std::vector<Expr*> children(Expr& expr) { return children_of(expr); }

}  // namespace inferscope::promql
