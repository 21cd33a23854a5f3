// SPDX-License-Identifier: Apache-2.0
// Random trees, such as the parser gives them: parentheses stand where precedence wants them.
#pragma once

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "promql/ast.h"
#include "telemetry/labels.h"

namespace inferscope::promql {

class RandomQuery {
public:
    explicit RandomQuery(unsigned seed) : random_(seed) {}

    /// Scalar or instant vector, at most `depth` calls and operators deep.
    ExprPtr expression(int depth) { return is_likely(0.2) ? scalar(depth) : vector(depth); }

private:
    using Node = Expr::Node;

    template <class T>
    T one_of(std::initializer_list<T> choices) {
        return choices.begin()[number(choices.size())];
    }
    std::size_t number(std::size_t below) {
        return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_);
    }
    bool is_likely(double probability) { return std::bernoulli_distribution(probability)(random_); }
    static ExprPtr make(Node node) {
        return std::make_unique<Expr>(Expr{.node = std::move(node), .range = {}, .height = 1});
    }
    static ExprPtr parenthesized(ExprPtr expr) { return make(Paren{std::move(expr)}); }

    ExprPtr scalar(int depth) {
        if (depth <= 0 || is_likely(0.4)) return make(NumberLiteral{literal(), false});
        if (is_likely(0.3))
            return make(NumberLiteral{60.0 * static_cast<double>(1 + number(99)), true});
        if (is_likely(0.3)) return call("scalar", vector(depth - 1));
        return make(Binary{.op = one_of({BinaryOp::add, BinaryOp::mul, BinaryOp::pow}),
                           .returns_bool = false,
                           .left = parenthesized(scalar(depth - 1)),
                           .right = parenthesized(scalar(depth - 1))});
    }
    double literal() { return one_of({0.0, 1.0, -1.0, 0.5, 1e-9, 1e22, 123456.789}); }

    ExprPtr vector(int depth) {
        if (depth <= 0) return make(selector());
        switch (number(8)) {
            case 0:
            case 1:
                return binary(depth);
            case 2:
                return aggregate(depth);
            case 3:
                return call(one_of({"abs", "sort", "timestamp", "ceil"}), vector(depth - 1));
            case 4:
                return call(one_of({"rate", "last_over_time", "changes"}), range(depth));
            case 5:
                return parenthesized(vector(depth - 1));
            case 6:
                return make(Unary{is_likely(0.8), parenthesized(vector(depth - 1))});
            default:
                return make(selector());
        }
    }

    static ExprPtr call(std::string_view name, ExprPtr argument) {
        Call node{.function = find_function(name, Dialect::prometheus3)};
        CHECK(node.function != nullptr, "the function is known");
        node.arguments.push_back(std::move(argument));
        return make(std::move(node));
    }

    ExprPtr aggregate(int depth) {
        Aggregate node;
        node.op = static_cast<Aggregation>(number(12));
        node.expr = vector(depth - 1);
        if (node.op == Aggregation::count_values) {
            node.parameter = make(StringLiteral{text()});
        } else if (has_parameter(node.op)) {
            node.parameter = scalar(depth - 1);
        }
        node.grouping = labels();
        node.is_without = is_likely(0.3);
        return make(std::move(node));
    }

    ExprPtr binary(int depth) {
        Binary node{.op = static_cast<BinaryOp>(number(18)),
                    .returns_bool = false,
                    .left = parenthesized(vector(depth - 1)),
                    .right = parenthesized(vector(depth - 1)),
                    .matching = VectorMatching{}};
        node.returns_bool = is_comparison(node.op) && is_likely(0.5);
        auto& matching = *node.matching;
        matching.is_on = is_likely(0.5);
        matching.labels = labels();
        if (is_set_operator(node.op)) {
            matching.cardinality = VectorMatching::Cardinality::many_to_many;
        } else if (is_likely(0.3)) {
            matching.cardinality = one_of({VectorMatching::Cardinality::many_to_one,
                                           VectorMatching::Cardinality::one_to_many});
            matching.include = {"included", "in.cluded"};
        }
        return make(std::move(node));
    }

    ExprPtr range(int depth) {
        if (is_likely(0.6)) return make(RangeSelector{selector(), duration()});
        Subquery node{.expr = parenthesized(vector(depth - 1)), .range = duration()};
        if (is_likely(0.5)) node.step = duration();
        if (is_likely(0.3)) node.offset = duration();
        node.at = at();
        return make(std::move(node));
    }

    VectorSelector selector() {
        VectorSelector node;
        if (is_likely(0.8)) node.name = one_of({"up", "a:b", "sum", "offset", "by", "_", "end"});
        for (auto i = number(3) + (node.name.empty() ? 1 : 0); i > 0; --i)
            node.matchers.push_back(matcher());
        if (node.name.empty()) {
            node.matchers.push_back(Matcher::equal("one", "not empty"));
        } else {
            node.matchers.push_back(Matcher::equal(std::string(kMetricName), node.name));
        }
        sort_as_printed(node.matchers, node.name.empty() ? 0 : 1);
        if (is_likely(0.2)) node.offset = duration();
        if (is_likely(0.1)) node.offset.value = -node.offset.value;
        node.at = at();
        return node;
    }
    Matcher matcher() {
        const auto op =
            one_of({MatchOp::equal, MatchOp::not_equal, MatchOp::regex, MatchOp::not_regex});
        const bool is_pattern = op == MatchOp::regex || op == MatchOp::not_regex;
        auto made = Matcher::make(
            label(), op, is_pattern ? one_of<std::string>({"a|b", "x.*", "\\d+"}) : text());
        CHECK(made.has_value(), "the expression compiles");
        return *made;
    }
    /// All but the last `kept`.
    static void sort_as_printed(std::vector<Matcher>& matchers, std::ptrdiff_t kept) {
        std::ranges::sort(matchers.begin(), matchers.end() - kept, {}, &Matcher::to_text);
    }

    Duration duration() {
        return {Millis(one_of<std::int64_t>({1, 999, 1'000, 60'000, 5'400'000, 86'400'000 * 90LL})),
                nullptr};
    }
    AtModifier at() {
        if (is_likely(0.8)) return {};
        return one_of<AtModifier>({{AtModifier::Kind::start, 0},
                                   {AtModifier::Kind::end, 0},
                                   {AtModifier::Kind::time, 1'609'746'000'123},
                                   {AtModifier::Kind::time, -5}});
    }
    std::vector<std::string> labels() {
        std::vector<std::string> names;
        for (auto i = number(3); i > 0; --i) names.push_back(label());
        return names;
    }
    std::string label() {
        return one_of<std::string>({"job", "on", "by", "le", "my.label", "a \"b\"", "ü"});
    }
    std::string text() {
        return one_of<std::string>({"", "x", "a\"b\\c\n", "'`", "\xff\x01", "ü\u00a0", "}#,"});
    }

    std::mt19937 random_;
};

}  // namespace inferscope::promql
