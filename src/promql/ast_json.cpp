// SPDX-License-Identifier: Apache-2.0
#include "promql/ast_json.h"

#include <nlohmann/json.hpp>

#include "promql/formats.h"

namespace inferscope::promql {
namespace {

using Json = nlohmann::json;

Json json_of(const Expr& expr);

Json json_of(const std::optional<double>& number) { return number ? Json(*number) : Json(); }

std::string_view name_of(DurationExpr::Op op) {
    using Op = DurationExpr::Op;
    switch (op) {
        case Op::step:
            return "step";
        case Op::range:
            return "range";
        case Op::min_of:
            return "min_of";
        case Op::max_of:
            return "max_of";
        case Op::plus:
        case Op::add:
            return "+";
        case Op::minus:
        case Op::sub:
            return "-";
        case Op::mul:
            return "*";
        case Op::div:
            return "/";
        case Op::mod:
            return "%";
        case Op::pow:
            return "^";
        case Op::literal:
            break;
    }
    return "";
}

Json json_of(const std::unique_ptr<DurationExpr>& expr) {
    if (!expr) return {};
    if (expr->op == DurationExpr::Op::literal)
        return {{"type", "numberLiteral"},
                {"val", format_without_exponent(expr->seconds)},
                {"duration", expr->is_duration}};
    return {{"type", "durationExpr"},
            {"op", name_of(expr->op)},
            {"lhs", json_of(expr->left)},
            {"rhs", json_of(expr->right)},
            {"wrapped", expr->is_parenthesized}};
}

Json time_of(const AtModifier& at) {
    return at.kind == AtModifier::Kind::time ? Json(at.time) : Json();
}
Json start_or_end(const AtModifier& at) {
    if (at.kind == AtModifier::Kind::start) return "start";
    return at.kind == AtModifier::Kind::end ? Json("end") : Json();
}

Json json_of(const std::vector<Matcher>& matchers) {
    Json list = Json::array();
    for (const auto& matcher : matchers)
        list.push_back({{"name", matcher.name()},
                        {"value", matcher.value()},
                        {"type", to_string(matcher.op())}});
    return list;
}

Json json_of(const std::optional<VectorMatching>& matching) {
    if (!matching) return {};
    return {{"card", to_string(matching->cardinality)},
            {"labels", matching->labels},
            {"on", matching->is_on},
            {"include", matching->include},
            {"fillValues",
             {{"lhs", json_of(matching->fill_left)}, {"rhs", json_of(matching->fill_right)}}}};
}

Json json_of(const Function& function) {
    Json types = Json::array();
    for (const auto type : function.arguments) types.push_back(to_json_name(type));
    return {{"name", function.name},
            {"argTypes", std::move(types)},
            {"variadic", function.variadic},
            {"returnType", to_json_name(function.result)}};
}

Json json_of(const NumberLiteral& node) {
    return {{"type", "numberLiteral"}, {"val", format_without_exponent(node.value)}};
}
Json json_of(const StringLiteral& node) { return {{"type", "stringLiteral"}, {"val", node.value}}; }
Json json_of(const VectorSelector& node) {
    return {{"type", "vectorSelector"},
            {"name", node.name},
            {"offset", node.offset.value.count()},
            {"offsetExpr", json_of(node.offset.expr)},
            {"matchers", json_of(node.matchers)},
            {"timestamp", time_of(node.at)},
            {"startOrEnd", start_or_end(node.at)},
            {"anchored", node.window == VectorSelector::Window::anchored},
            {"smoothed", node.window == VectorSelector::Window::smoothed}};
}
Json json_of(const RangeSelector& node) {
    auto json = json_of(node.vector);
    json["type"] = "matrixSelector";
    json["range"] = node.range.value.count();
    json["rangeExpr"] = json_of(node.range.expr);
    return json;
}
Json json_of(const Subquery& node) {
    return {{"type", "subquery"},
            {"expr", json_of(*node.expr)},
            {"range", node.range.value.count()},
            {"rangeExpr", json_of(node.range.expr)},
            {"offset", node.offset.value.count()},
            {"offsetExpr", json_of(node.offset.expr)},
            {"step", node.step.value.count()},
            {"stepExpr", json_of(node.step.expr)},
            {"timestamp", time_of(node.at)},
            {"startOrEnd", start_or_end(node.at)}};
}
Json json_of(const Paren& node) { return {{"type", "parenExpr"}, {"expr", json_of(*node.expr)}}; }
Json json_of(const Unary& node) {
    return {
        {"type", "unaryExpr"}, {"op", node.is_negative ? "-" : "+"}, {"expr", json_of(*node.expr)}};
}
Json json_of(const Binary& node) {
    return {{"type", "binaryExpr"},
            {"op", to_string(node.op)},
            {"lhs", json_of(*node.left)},
            {"rhs", json_of(*node.right)},
            {"matching", json_of(node.matching)},
            {"bool", node.returns_bool}};
}
Json json_of(const Aggregate& node) {
    return {{"type", "aggregation"},
            {"op", to_string(node.op)},
            {"expr", json_of(*node.expr)},
            {"param", node.parameter ? json_of(*node.parameter) : Json()},
            {"grouping", node.grouping},
            {"without", node.is_without}};
}
Json json_of(const Call& node) {
    Json arguments = Json::array();
    for (const auto& argument : node.arguments) arguments.push_back(json_of(*argument));
    return {{"type", "call"}, {"func", json_of(*node.function)}, {"args", std::move(arguments)}};
}

Json json_of(const Expr& expr) {
    return std::visit([](const auto& node) { return json_of(node); }, expr.node);
}

}  // namespace

std::string to_json(const Expr& expr) {
    return json_of(expr).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace inferscope::promql
