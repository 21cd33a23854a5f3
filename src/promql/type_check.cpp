// SPDX-License-Identifier: Apache-2.0
#include "promql/type_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "telemetry/labels.h"

namespace inferscope::promql {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

bool is_scalar_or_vector(ValueType type) {
    return type == ValueType::scalar || type == ValueType::instant_vector;
}

class TypeCheck {
public:
    explicit TypeCheck(std::string_view text) : text_(text) {}

    ValueType check(Expr& expr) {
        return std::visit([&](auto& node) { return check(node, expr); }, expr.node);
    }
    [[nodiscard]] std::optional<Finding> finding() && { return std::move(finding_); }

private:
    void find(std::size_t at, std::string text) {
        if (!finding_) finding_ = Finding{at, std::move(text)};
    }
    void want(ValueType wanted, ValueType got, std::size_t at, std::string_view context) {
        if (got == wanted) return;
        find(at, fmt::format("expected type {} in {}, got {}", to_string(wanted), context,
                             to_string(got)));
    }

    static ValueType check(const NumberLiteral&, const Expr&) { return ValueType::scalar; }
    static ValueType check(const StringLiteral&, const Expr&) { return ValueType::string; }
    ValueType check(const VectorSelector& selector, const Expr& expr) {
        if (auto found = check_selector(selector, expr.range.begin))
            find(found->at, std::move(found->text));
        return ValueType::instant_vector;
    }
    ValueType check(const RangeSelector& selector, const Expr& expr) {
        check(selector.vector, expr);
        return ValueType::range_vector;
    }
    ValueType check(const Paren& paren, const Expr&) { return check(*paren.expr); }

    ValueType check(const Subquery& subquery, const Expr& expr) {
        const auto type = check(*subquery.expr);
        if (type != ValueType::instant_vector)
            find(expr.range.begin, fmt::format("subquery is only allowed on instant vector, got {} "
                                               "instead",
                                               to_json_name(type)));
        return ValueType::range_vector;
    }

    ValueType check(const Unary& unary, const Expr& expr) {
        const auto type = check(*unary.expr);
        if (!is_scalar_or_vector(type))
            find(expr.range.begin, fmt::format("unary expression only allowed on expressions of "
                                               "type scalar or instant vector, got \"{}\"",
                                               to_string(type)));
        return type;
    }

    ValueType check(const Aggregate& aggregate, const Expr&) {
        want(ValueType::instant_vector, check(*aggregate.expr), aggregate.expr->range.begin,
             "aggregation expression");
        if (aggregate.parameter) {
            const auto wanted =
                aggregate.op == Aggregation::count_values ? ValueType::string : ValueType::scalar;
            want(wanted, check(*aggregate.parameter), aggregate.parameter->range.begin,
                 "aggregation parameter");
        }
        return ValueType::instant_vector;
    }

    ValueType check(Binary& binary, const Expr& expr) {
        const auto left = check(*binary.left);
        const auto right = check(*binary.right);
        const bool are_scalars = left == ValueType::scalar && right == ValueType::scalar;
        const bool are_vectors =
            left == ValueType::instant_vector && right == ValueType::instant_vector;
        check_bool(binary, are_scalars);
        check_labels_once(binary);
        const std::string_view types =
            "binary expression must contain only scalar and instant vector types";
        if (!is_scalar_or_vector(left)) find(binary.left->range.begin, std::string(types));
        if (!is_scalar_or_vector(right)) find(binary.right->range.begin, std::string(types));
        if (are_vectors) {
            check_matching_of_set(binary, expr);
        } else {
            drop_matching(binary, expr);
            if (is_set_operator(binary.op))
                find(expr.range.begin,
                     fmt::format("set operator \"{}\" not allowed in binary scalar expression",
                                 to_string(binary.op)));
        }
        return are_scalars ? ValueType::scalar : ValueType::instant_vector;
    }

    void check_bool(const Binary& binary, bool are_scalars) {
        const bool compares = is_comparison(binary.op);
        if (binary.returns_bool && !compares)
            find(place_of_operator(binary),
                 "bool modifier can only be used on comparison operators");
        if (compares && !binary.returns_bool && are_scalars)
            find(place_of_operator(binary), "comparisons between scalars must use BOOL modifier");
    }

    void check_labels_once(const Binary& binary) {
        if (!binary.matching->is_on) return;
        for (const auto& label : binary.matching->labels) {
            if (std::ranges::find(binary.matching->include, label) !=
                binary.matching->include.end())
                find(place_of_operator(binary),
                     fmt::format("label {} must not occur in ON and GROUP clause at once",
                                 quote_for_promql(label)));
        }
    }

    void drop_matching(Binary& binary, const Expr& expr) {
        const auto& matching = *binary.matching;
        if (!matching.labels.empty())
            find(expr.range.begin, "vector matching only allowed between instant vectors");
        if (matching.fill_left || matching.fill_right)
            find(expr.range.begin,
                 "filling in missing series only allowed between instant vectors");
        binary.matching.reset();
    }

    void check_matching_of_set(Binary& binary, const Expr& expr) {
        using Cardinality = VectorMatching::Cardinality;
        auto& matching = *binary.matching;
        if (!is_set_operator(binary.op)) return;
        if (matching.cardinality != Cardinality::one_to_one)
            find(expr.range.begin,
                 fmt::format("no grouping allowed for \"{}\" operation", to_string(binary.op)));
        matching.cardinality = Cardinality::many_to_many;
        if (matching.fill_left || matching.fill_right)
            find(expr.range.begin, "filling in missing series not allowed for set operators");
    }

    ValueType check(const Call& call, const Expr& expr) {
        const auto& function = *call.function;
        check_number_of_arguments(call, expr);
        const bool is_info = function.name == "info" && call.arguments.size() > 1;
        if (is_info) check_info(call, expr);
        const auto context = fmt::format("call to function \"{}\"", function.name);
        for (std::size_t i = 0; i < call.arguments.size() && !finding_; ++i) {
            auto& argument = *call.arguments[i];
            if (is_info && i == 1) continue;  // its selector may select everything
            want(function.argument(i), check(argument), argument.range.begin, context);
        }
        return function.result;
    }

    void check_number_of_arguments(const Call& call, const Expr& expr) {
        const auto& function = *call.function;
        const auto got = call.arguments.size();
        const auto say = [&](std::string_view wanted, std::size_t number) {
            find(expr.range.begin,
                 fmt::format("expected {}{} argument(s) in call to \"{}\", got {}", wanted, number,
                             function.name, got));
        };
        if (function.variadic == 0) {
            if (got != function.fewest()) say("", function.fewest());
        } else if (got < function.fewest()) {
            say("at least ", function.fewest());
        } else if (got > function.most().value_or(got)) {
            say("at most ", *function.most());
        }
    }

    void check_info(const Call& call, const Expr& expr) {
        const auto& argument = *call.arguments[1];
        want(ValueType::instant_vector, type_of(argument), expr.range.begin,
             "call to function \"info\"");
        const auto* const selector = argument.as<VectorSelector>();
        if (selector == nullptr) {
            find(argument.range.begin, "expected label selectors only");
        } else if (!selector->name.empty()) {
            find(argument.range.begin,
                 "expected label selectors only, got vector selector instead");
        }
    }

    [[nodiscard]] std::size_t place_of_operator(const Binary& binary) const {
        return std::min(text_.find_first_not_of(kSpace, binary.left->range.end), text_.size());
    }

    std::string_view text_;
    std::optional<Finding> finding_;
};

}  // namespace

std::optional<Finding> check_types(Expr& expr, std::string_view text) {
    TypeCheck check(text);
    check.check(expr);
    return std::move(check).finding();
}

std::optional<Finding> check_selector(const VectorSelector& selector, std::size_t at) {
    const auto& matchers = selector.matchers;
    if (selector.name.empty()) {
        if (!std::ranges::all_of(matchers, &Matcher::matches_empty)) return std::nullopt;
        return Finding{at, "vector selector must contain at least one non-empty matcher"};
    }
    const auto second = std::find_if(matchers.begin(), matchers.end() - 1, [](const auto& matcher) {
        return matcher.name() == kMetricName;
    });
    if (second == matchers.end() - 1) return std::nullopt;
    return Finding{at,
                   fmt::format("metric name must not be set twice: {} or {}",
                               quote_for_promql(selector.name), quote_for_promql(second->value()))};
}

}  // namespace inferscope::promql
