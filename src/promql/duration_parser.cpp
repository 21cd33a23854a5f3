// SPDX-License-Identifier: Apache-2.0
#include "promql/duration_parser.h"

#include <fmt/format.h>

#include <utility>

#include "promql/formats.h"

namespace inferscope::promql {
namespace {

using Node = std::unique_ptr<DurationExpr>;
using Op = DurationExpr::Op;

struct Arithmetic {
    Op op;
    int precedence;
};
constexpr int kLowest = 1;
constexpr int kPower = 3;

std::optional<Arithmetic> arithmetic(LexemeKind kind) {
    switch (kind) {
        case LexemeKind::add:
            return Arithmetic{Op::add, kLowest};
        case LexemeKind::sub:
            return Arithmetic{Op::sub, kLowest};
        case LexemeKind::mul:
            return Arithmetic{Op::mul, 2};
        case LexemeKind::div:
            return Arithmetic{Op::div, 2};
        case LexemeKind::mod:
            return Arithmetic{Op::mod, 2};
        case LexemeKind::pow:
            return Arithmetic{Op::pow, kPower};
        default:
            return std::nullopt;
    }
}

bool is_literal(LexemeKind kind) {
    return kind == LexemeKind::number || kind == LexemeKind::duration;
}
bool is_sign(LexemeKind kind) { return kind == LexemeKind::add || kind == LexemeKind::sub; }
bool is_call(LexemeKind kind) {
    return kind == LexemeKind::step || kind == LexemeKind::range || kind == LexemeKind::max_of ||
           kind == LexemeKind::min_of;
}

Op op_of_call(LexemeKind kind) {
    switch (kind) {
        case LexemeKind::step:
            return Op::step;
        case LexemeKind::range:
            return Op::range;
        case LexemeKind::max_of:
            return Op::max_of;
        default:
            return Op::min_of;
    }
}

Node make(Op op, ByteRange range, Node left = nullptr, Node right = nullptr) {
    auto node = std::make_unique<DurationExpr>();
    node->op = op;
    node->range = range;
    node->left = std::move(left);
    node->right = std::move(right);
    return node;
}

Duration to_duration(Node node) {
    if (node->op != Op::literal) return {Millis(0), std::move(node)};
    return {to_millis(node->seconds), nullptr};
}

class DurationParser {
public:
    explicit DurationParser(LexemeReader& reader) : reader_(reader) {}

    Node expression(int least_precedence = kLowest) {
        return rest_of_expression(operand(), least_precedence);
    }

    Node offset() {
        const auto kind = reader_.peek().kind;
        if (is_literal(kind)) return literal();
        if (is_call(kind)) return call();
        if (!is_sign(kind)) return rest_of_expression(operand(), kLowest);
        const Lexeme sign = reader_.take();
        const auto next = reader_.peek().kind;
        if (is_literal(next)) return with_sign(sign, literal());
        if (is_call(next)) return with_explicit_sign(sign, call());
        if (next == LexemeKind::left_paren) return with_sign(sign, parenthesized());
        return rest_of_expression(with_sign(sign, expression(kPower)), kLowest);
    }

private:
    Node rest_of_expression(Node left, int least_precedence) {
        while (const auto found = arithmetic(reader_.peek().kind)) {
            if (found->precedence < least_precedence) break;
            const Lexeme op = reader_.take();
            const LexemeReader::Level level(reader_, found->op == Op::pow ? 1 : 0);
            auto right = expression(found->op == Op::pow ? kPower : found->precedence + 1);
            left = combined(std::move(left), op, found->op, std::move(right));
        }
        return left;
    }

    /// The lexeme behind `right` has been looked at.
    Node combined(Node left, const Lexeme& lexeme, Op op, Node right) {
        if (right->op == Op::literal && right->seconds == 0) {
            if (op == Op::div) reader_.fail(lexeme.begin, "division by zero");
            if (op == Op::mod) reader_.fail(lexeme.begin, "modulo by zero");
        }
        const ByteRange range{left->range.begin, right->range.end};
        return make(op, range, std::move(left), std::move(right));
    }

    Node operand() {
        const LexemeReader::Level level(reader_);
        const auto kind = reader_.peek().kind;
        if (is_literal(kind)) return literal();
        if (is_call(kind)) return call();
        if (kind == LexemeKind::left_paren) return parenthesized();
        if (is_sign(kind)) {
            const Lexeme sign = reader_.take();
            return with_sign(sign, expression(kPower));
        }
        reader_.fail_unexpected();
        return make(Op::literal, {});
    }

    Node literal() {
        const Lexeme lexeme = reader_.take();
        auto node = make(Op::literal, {lexeme.begin, lexeme.end()});
        node->is_duration = lexeme.kind == LexemeKind::duration;
        node->seconds = read_seconds(reader_, lexeme);
        want_in_range(*node);
        return node;
    }

    Node call() {
        const Lexeme name = reader_.take();
        const auto op = op_of_call(name.kind);
        reader_.expect(LexemeKind::left_paren);
        auto node = op == Op::max_of || op == Op::min_of ? of_two(op) : make(op, {});
        const Lexeme close = reader_.expect(LexemeKind::right_paren);
        if (!node->left) node->range = {name.begin, close.end()};
        return node;
    }

    /// Its place is that of its operands, as in Prometheus.
    Node of_two(Op op) {
        auto left = expression();
        reader_.expect(LexemeKind::comma);
        auto right = expression();
        const ByteRange range{left->range.begin, right->range.end};
        return make(op, range, std::move(left), std::move(right));
    }

    /// A number in parentheses becomes an expression, too.
    Node parenthesized() {
        const Lexeme open = reader_.take();
        auto node = expression();
        reader_.expect(LexemeKind::right_paren);
        if (node->op == Op::literal)
            node = make(Op::plus, {open.begin, node->range.end}, nullptr, std::move(node));
        node->is_parenthesized = true;
        return node;
    }

    Node with_sign(const Lexeme& sign, Node node) {
        if (node->op != Op::literal) {
            if (sign.kind == LexemeKind::add) return node;
            return with_explicit_sign(sign, std::move(node));
        }
        if (sign.kind == LexemeKind::sub) node->seconds = -node->seconds;
        node->range.begin = sign.begin;
        want_in_range(*node);
        return node;
    }

    static Node with_explicit_sign(const Lexeme& sign, Node node) {
        const ByteRange range{sign.begin, node->range.end};
        const auto op = sign.kind == LexemeKind::sub ? Op::minus : Op::plus;
        return make(op, range, nullptr, std::move(node));
    }

    void want_in_range(const DurationExpr& literal) {
        if (!is_duration_in_range(literal.seconds))
            reader_.fail(literal.range.begin, "duration out of range");
    }

    LexemeReader& reader_;
};

/// 2.42 knows `5m` only.
Duration read_duration_of_2(LexemeReader& reader) {
    const Lexeme lexeme = reader.expect(LexemeKind::duration);
    if (!reader.ok()) return {};
    const double seconds = read_seconds(reader, lexeme);
    if (seconds == 0) reader.fail(lexeme.begin, "duration must be greater than 0");
    return {to_millis(seconds), nullptr};
}

}  // namespace

Duration read_positive_duration(LexemeReader& reader) {
    if (reader.is_2()) return read_duration_of_2(reader);
    auto node = DurationParser(reader).expression();
    if (node->op == Op::literal && node->seconds <= 0)
        reader.fail(node->range.begin, "duration must be greater than 0");
    return to_duration(std::move(node));
}

Duration read_offset(LexemeReader& reader) {
    if (!reader.is_2()) return to_duration(DurationParser(reader).offset());
    const bool is_negative = reader.take_if(LexemeKind::sub);
    auto duration = read_duration_of_2(reader);
    if (is_negative) duration.value = -duration.value;
    return duration;
}

double read_seconds(LexemeReader& reader, const Lexeme& lexeme) {
    if (!reader.ok()) return 0;
    const auto seconds = lexeme.kind == LexemeKind::duration
                             ? parse_duration_seconds(lexeme.text, reader.language().dialect())
                             : parse_number_literal(lexeme.text);
    if (seconds) return *seconds;
    reader.fail(lexeme.begin, seconds.error().text);
    return 0;
}

}  // namespace inferscope::promql
