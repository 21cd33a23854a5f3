// SPDX-License-Identifier: Apache-2.0
#include "promql/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "promql/duration_parser.h"
#include "promql/formats.h"
#include "promql/lexeme_reader.h"
#include "promql/selector_parser.h"
#include "promql/type_check.h"

namespace inferscope::promql {
namespace {

using Scope = LexemeReader::Scope;
using Level = LexemeReader::Level;

constexpr int kLowest = 1;
constexpr int kPower = 6;

int precedence(BinaryOp op) {
    switch (op) {
        case BinaryOp::set_or:
            return kLowest;
        case BinaryOp::set_and:
        case BinaryOp::set_unless:
            return 2;
        case BinaryOp::add:
        case BinaryOp::sub:
            return 4;
        case BinaryOp::mul:
        case BinaryOp::div:
        case BinaryOp::mod:
        case BinaryOp::atan2:
            return 5;
        case BinaryOp::pow:
            return kPower;
        default:
            return 3;  // comparisons
    }
}

/// Both enumerations have their operators, and their aggregations, in the same order.
std::optional<BinaryOp> binary_op(LexemeKind kind) {
    if (kind < LexemeKind::add || kind > LexemeKind::set_unless) return std::nullopt;
    return static_cast<BinaryOp>(static_cast<int>(kind) - static_cast<int>(LexemeKind::add));
}
static_assert(static_cast<int>(LexemeKind::set_unless) - static_cast<int>(LexemeKind::add) ==
              static_cast<int>(BinaryOp::set_unless));
Aggregation aggregation(LexemeKind kind) {
    return static_cast<Aggregation>(static_cast<int>(kind) - static_cast<int>(LexemeKind::sum));
}
static_assert(static_cast<int>(LexemeKind::limit_ratio) - static_cast<int>(LexemeKind::sum) ==
              static_cast<int>(Aggregation::limit_ratio));

bool is_experimental(Aggregation op) {
    return op == Aggregation::limitk || op == Aggregation::limit_ratio;
}

/// Seconds -> milliseconds; what doesn't fit becomes the least, as in Go on x86-64.
Timestamp to_timestamp(double seconds) {
    const double millis = std::round(seconds * 1000);
    if (!(std::abs(millis) < 0x1p63)) return std::numeric_limits<Timestamp>::min();
    return static_cast<Timestamp>(millis);
}

class Parser {
public:
    Parser(std::string_view text, Language language) : reader_(text, language) {}

    Result<ExprPtr, ParseError> parse() {
        if (reader_.is_next(LexemeKind::end)) reader_.fail(0, "no expression found in input");
        auto expr = expression();
        if (!reader_.is_next(LexemeKind::end)) reader_.fail_unexpected();
        if (reader_.ok()) {
            if (auto found = check_types(*expr, reader_.text()))
                reader_.fail(found->at, std::move(found->text));
        }
        if (!reader_.ok()) return reader_.error();
        return expr;
    }

private:
    ExprPtr expression(int least_precedence = kLowest) {
        auto left = operand();
        while (const auto op = binary_op(reader_.peek().kind)) {
            if (precedence(*op) < least_precedence) break;
            left = binary(std::move(left), *op);
        }
        return left;
    }

    // Operators

    ExprPtr binary(ExprPtr left, BinaryOp op) {
        reader_.take();
        Binary node{.op = op, .returns_bool = false, .left = nullptr, .right = nullptr};
        node.returns_bool = reader_.take_if(LexemeKind::bool_modifier);
        node.matching = matching();
        const Level level(reader_, op == BinaryOp::pow ? 1 : 0);  // the others nest in few only
        node.right = expression(op == BinaryOp::pow ? kPower : precedence(op) + 1);
        const bool fills = node.matching->fill_left || node.matching->fill_right;
        if (fills && !reader_.language().has(Feature::fill_modifiers))
            reader_.fail(left->range.begin,
                         "binop fill modifiers are experimental and not enabled");
        const ByteRange range{left->range.begin, node.right->range.end};
        node.left = std::move(left);
        return make(std::move(node), range);
    }

    VectorMatching matching() {
        using Cardinality = VectorMatching::Cardinality;
        VectorMatching matching;
        const bool is_on = reader_.is_next(LexemeKind::on);
        if (is_on || reader_.is_next(LexemeKind::ignoring)) {
            reader_.take();
            matching.is_on = is_on;
            matching.labels = read_labels(reader_);
            const bool is_left = reader_.is_next(LexemeKind::group_left);
            if (is_left || reader_.is_next(LexemeKind::group_right)) {
                reader_.take();
                matching.cardinality =
                    is_left ? Cardinality::many_to_one : Cardinality::one_to_many;
                if (reader_.is_next(LexemeKind::left_paren) || !may_start_expression())
                    matching.include = read_labels(reader_);
            }
        }
        read_fill(matching);
        return matching;
    }

    void read_fill(VectorMatching& matching) {
        if (reader_.take_if(LexemeKind::fill)) {
            matching.fill_left = matching.fill_right = fill_value();
        } else if (reader_.take_if(LexemeKind::fill_left)) {
            matching.fill_left = fill_value();
            if (reader_.take_if(LexemeKind::fill_right)) matching.fill_right = fill_value();
        } else if (reader_.take_if(LexemeKind::fill_right)) {
            matching.fill_right = fill_value();
            if (reader_.take_if(LexemeKind::fill_left)) matching.fill_left = fill_value();
        }
    }

    double fill_value() {
        reader_.expect(LexemeKind::left_paren);
        const double value = signed_number();
        reader_.expect(LexemeKind::right_paren);
        return value;
    }

    double signed_number() {
        const bool is_negative = reader_.is_next(LexemeKind::sub);
        if (is_negative || reader_.is_next(LexemeKind::add)) reader_.take();
        const bool is_duration = reader_.is_next(LexemeKind::duration) && !reader_.is_2();
        if (!is_duration && !reader_.is_next(LexemeKind::number)) {
            reader_.fail_unexpected();
            return 0;
        }
        const double value = read_seconds(reader_, reader_.take());
        return is_negative ? -value : value;
    }

    ExprPtr operand() {
        const bool is_negative = reader_.is_next(LexemeKind::sub);
        if (is_negative || reader_.is_next(LexemeKind::add)) return with_sign(is_negative);
        auto expr = primary();
        while (reader_.ok() && take_modifier(expr)) {
        }
        return expr;
    }

    ExprPtr with_sign(bool is_negative) {
        const Level level(reader_);
        const Lexeme sign = reader_.take();
        auto expr = expression(kPower);
        if (auto* const number = expr->as<NumberLiteral>()) {
            if (is_negative) number->value = -number->value;
            expr->range.begin = sign.begin;
            return expr;
        }
        const ByteRange range{sign.begin, expr->range.end};
        return make(Unary{is_negative, std::move(expr)}, range);
    }

    // Modifiers

    bool take_modifier(ExprPtr& expr) {
        switch (reader_.peek().kind) {
            case LexemeKind::left_bracket:
                expr = with_range(std::move(expr));
                return true;
            case LexemeKind::offset:
                take_offset(*expr);
                return true;
            case LexemeKind::at:
                take_at(*expr);
                return true;
            case LexemeKind::anchored:
                take_window(*expr, VectorSelector::Window::anchored);
                return true;
            case LexemeKind::smoothed:
                take_window(*expr, VectorSelector::Window::smoothed);
                return true;
            default:
                return false;
        }
    }

    ExprPtr with_range(ExprPtr expr) {
        const bool is_2 = reader_.is_2();
        const Lexeme open = reader_.take();
        auto range =
            positive_duration(is_2 ? LexemeReader::Context{"subquery selector", "duration"}
                                   : LexemeReader::Context{"subquery or range selector",
                                                           "number, duration, step(), or range()"});
        if (reader_.is_next(LexemeKind::right_bracket))
            return range_selector(std::move(expr), std::move(range), open.begin);
        if (!reader_.take_if(LexemeKind::colon))
            reader_.fail_unexpected({"subquery or range", "\":\" or \"]\""});
        Duration step;
        if (!reader_.is_next(LexemeKind::right_bracket))
            step = positive_duration(
                {"subquery selector",
                 is_2 ? "duration or \"]\"" : "number, duration, step(), range(), or \"]\""});
        if (!reader_.is_next(LexemeKind::right_bracket))
            reader_.fail_unexpected({"subquery selector", "\"]\""});
        const ByteRange place{expr->range.begin, reader_.take().end()};
        return make(Subquery{std::move(expr), std::move(range), std::move(step)}, place);
    }

    Duration positive_duration(const LexemeReader::Context& context) {
        const Scope scope(reader_, context);
        return read_positive_duration(reader_);
    }

    ExprPtr range_selector(ExprPtr expr, Duration range, std::size_t open) {
        const ByteRange place{expr->range.begin, reader_.take().end()};
        auto* const vector = expr->as<VectorSelector>();
        if (vector == nullptr) {
            reader_.fail(open, "ranges only allowed for vector selectors");
            return expr;
        }
        // 2.42 overlooks start() and end().
        const bool has_at =
            reader_.is_2() ? vector->at.kind == AtModifier::Kind::time : vector->at.is_set();
        if (vector->offset.is_set()) reader_.fail(open, "no offset modifiers allowed before range");
        if (has_at) reader_.fail(open, "no @ modifiers allowed before range");
        return make(RangeSelector{std::move(*vector), std::move(range)}, place);
    }

    void take_offset(Expr& expr) {
        reader_.take();
        const Scope scope(
            reader_,
            {"offset", reader_.is_2() ? "duration" : "number, duration, step(), or range()"});
        auto duration = read_offset(reader_);
        auto* const offset = offset_of(expr);
        if (offset == nullptr) {
            reader_.fail(expr.range.begin,
                         "offset modifier must be preceded by an instant vector selector or range "
                         "vector selector or a subquery");
        } else if (offset->is_set()) {
            reader_.fail(expr.range.begin, "offset may not be set multiple times");
        } else {
            *offset = std::move(duration);
            expr.range.end = reader_.end_of_last();
        }
    }

    static Duration* offset_of(Expr& expr) {
        if (auto* const vector = vector_of(expr)) return &vector->offset;
        auto* const subquery = expr.as<Subquery>();
        return subquery == nullptr ? nullptr : &subquery->offset;
    }

    static VectorSelector* vector_of(Expr& expr) {
        if (auto* const range = expr.as<RangeSelector>()) return &range->vector;
        return expr.as<VectorSelector>();
    }

    void take_at(Expr& expr) {
        reader_.take();
        const Scope scope(reader_, {"@", "timestamp"});
        const bool is_start = reader_.is_next(LexemeKind::start);
        AtModifier at;
        if (is_start || reader_.is_next(LexemeKind::end_time)) {
            reader_.take();
            reader_.expect(LexemeKind::left_paren);
            reader_.expect(LexemeKind::right_paren);
            at.kind = is_start ? AtModifier::Kind::start : AtModifier::Kind::end;
        } else {
            at = time_of_at(expr.range.begin);
        }
        set_at(expr, at);
    }

    AtModifier time_of_at(std::size_t place) {
        const double seconds = signed_number();
        if (!(std::abs(seconds) < 0x1p63))
            reader_.fail(place,
                         fmt::format("timestamp out of bounds for @ modifier: {}",
                                     std::isfinite(seconds) ? fmt::format("{:f}", seconds)
                                                            : format_without_exponent(seconds)));
        return {AtModifier::Kind::time, to_timestamp(seconds)};
    }

    void set_at(Expr& expr, AtModifier at) {
        auto* const vector = vector_of(expr);
        auto* const subquery = expr.as<Subquery>();
        if (vector == nullptr && subquery == nullptr)
            return reader_.fail(expr.range.begin,
                                "@ modifier must be preceded by an instant vector selector or "
                                "range vector selector or a subquery");
        auto& place = vector != nullptr ? vector->at : subquery->at;
        if (place.is_set())
            return reader_.fail(expr.range.begin, "@ <timestamp> may not be set multiple times");
        place = at;
        expr.range.end = reader_.end_of_last();
    }

    void take_window(Expr& expr, VectorSelector::Window window) {
        const std::string name(window == VectorSelector::Window::anchored ? "anchored"
                                                                          : "smoothed");
        reader_.take();
        const auto fail = [&](std::string text) {
            reader_.fail(expr.range.begin, std::move(text));
        };
        if (!reader_.language().has(Feature::extended_range_selectors))
            return fail(name + " modifier is experimental and not enabled");
        if (expr.as<Subquery>() != nullptr)
            return fail(name + " modifier is not supported for subqueries");
        auto* const vector = vector_of(expr);
        if (vector == nullptr) return fail(name + " modifier not implemented");
        if (vector->window != VectorSelector::Window::plain && vector->window != window)
            return fail("anchored and smoothed modifiers cannot be used together");
        vector->window = window;
    }

    // What modifiers stand behind

    ExprPtr primary() {
        const auto kind = reader_.peek().kind;
        if (kind == LexemeKind::number || (kind == LexemeKind::duration && !reader_.is_2()))
            return number();
        if (kind == LexemeKind::string) return string();
        if (kind == LexemeKind::left_paren) return parenthesized();
        if (kind == LexemeKind::left_brace) return make(read_selector(reader_, {}));
        if (is_metric_name(kind)) return named();
        reader_.fail_unexpected();
        return make(NumberLiteral{}, {});
    }

    ExprPtr number() {
        const Lexeme lexeme = reader_.take();
        const bool is_duration = lexeme.kind == LexemeKind::duration;
        return make(NumberLiteral{read_seconds(reader_, lexeme), is_duration},
                    {lexeme.begin, lexeme.end()});
    }

    ExprPtr string() {
        const Lexeme lexeme = reader_.take();
        return make(StringLiteral{unquote(lexeme.text)}, {lexeme.begin, lexeme.end()});
    }

    ExprPtr parenthesized() {
        const Level level(reader_);
        const Lexeme open = reader_.take();
        auto expr = expression();
        const ByteRange range{open.begin, reader_.expect(LexemeKind::right_paren).end()};
        return make(Paren{std::move(expr)}, range);
    }

    /// A metric, a call or an aggregation: what follows the name says which.
    ExprPtr named() {
        const Lexeme name = reader_.take();
        const bool is_before_paren = reader_.is_next(LexemeKind::left_paren);
        const auto name_class = class_of(name.kind);
        const bool is_before_modifier =
            reader_.is_next(LexemeKind::by) || reader_.is_next(LexemeKind::without);
        if (name_class == LexemeClass::aggregator && (is_before_paren || is_before_modifier))
            return aggregate(name);
        const bool may_be_called = name.kind == LexemeKind::identifier ||
                                   (name_class == LexemeClass::function && !reader_.is_2());
        if (may_be_called && is_before_paren) return call(name);
        return make(read_selector(reader_, name));
    }

    ExprPtr call(const Lexeme& name) {
        auto list = arguments();
        const ByteRange range{name.begin, reader_.end_of_last()};
        const auto* const function = find_function(name.text, reader_.language().dialect());
        if (function == nullptr) {
            reader_.fail(name.begin, "unknown function with name " + quote_for_promql(name.text));
        } else if (!reader_.language().has(function->feature)) {
            reader_.fail(name.begin,
                         fmt::format("function {} is not enabled", quote_for_promql(name.text)));
        }
        return make(Call{function, std::move(list)}, range);
    }

    /// With their parentheses.
    std::vector<ExprPtr> arguments() {
        const Level level(reader_);
        std::vector<ExprPtr> list;
        reader_.expect(LexemeKind::left_paren);
        if (!reader_.is_next(LexemeKind::right_paren)) list.push_back(expression());
        while (reader_.is_next(LexemeKind::comma)) {
            const Lexeme comma = reader_.take();
            if (reader_.peek().kind != LexemeKind::error && !may_start_expression())
                reader_.fail(comma.begin, "trailing commas not allowed in function call args");
            list.push_back(expression());
        }
        reader_.expect(LexemeKind::right_paren);
        return list;
    }

    bool may_start_expression() {
        switch (const auto kind = reader_.peek().kind) {
            case LexemeKind::number:
            case LexemeKind::string:
            case LexemeKind::left_paren:
            case LexemeKind::left_brace:
            case LexemeKind::add:
            case LexemeKind::sub:
                return true;
            case LexemeKind::duration:
                return !reader_.is_2();
            default:
                return is_metric_name(kind);
        }
    }

    ExprPtr aggregate(const Lexeme& name) {
        const Scope scope(reader_, {"aggregation", ""});
        Aggregate node;
        node.op = aggregation(name.kind);
        const bool had_grouping = take_grouping(node);
        auto list = arguments();
        if (!had_grouping) take_grouping(node);
        const ByteRange range{name.begin, reader_.end_of_last()};
        if (reader_.ok()) take_arguments(node, std::move(list), name.begin);
        if (!reader_.ok()) return make(NumberLiteral{}, range);
        return make(std::move(node), range);
    }

    bool take_grouping(Aggregate& node) {
        node.is_without = reader_.is_next(LexemeKind::without);
        if (!node.is_without && !reader_.is_next(LexemeKind::by)) return false;
        reader_.take();
        node.grouping = read_labels(reader_);
        return true;
    }

    void take_arguments(Aggregate& node, std::vector<ExprPtr> list, std::size_t place) {
        if (list.empty())
            return reader_.fail(place, "no arguments for aggregate expression provided");
        if (is_experimental(node.op) && !reader_.language().has(Feature::experimental_functions))
            return reader_.fail(
                place, fmt::format("{}() is experimental and must be enabled with "
                                   "--enable-feature={}",
                                   to_string(node.op), to_string(Feature::experimental_functions)));
        const std::size_t wanted = has_parameter(node.op) ? 2 : 1;
        if (list.size() != wanted)
            return reader_.fail(place, fmt::format("wrong number of arguments for aggregate "
                                                   "expression provided, expected {}, got {}",
                                                   wanted, list.size()));
        if (wanted == 2) node.parameter = std::move(list.front());
        node.expr = std::move(list.back());
    }

    ExprPtr make(Expr::Node node, ByteRange range) { return make(Expr{std::move(node), range}); }
    ExprPtr make(Expr expr) {
        for (const auto* const child : children(expr))
            expr.height = std::max(expr.height, child->height + 1);
        if (expr.height > kMostHeight)
            reader_.fail(
                expr.range.begin,
                fmt::format("expression has more than {} operators in a row", kMostHeight));
        return std::make_unique<Expr>(std::move(expr));
    }

    LexemeReader reader_;
};

}  // namespace

Result<ExprPtr, ParseError> parse_query(std::string_view text, Language language) {
    return Parser(text, language).parse();
}

std::string to_api_text(const ParseError& error) {
    if (error.line == 0) return "unknown position: parse error: " + error.text;
    return fmt::format("{}:{}: parse error: {}", error.line, error.column, error.text);
}

}  // namespace inferscope::promql
