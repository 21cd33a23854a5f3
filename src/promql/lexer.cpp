// SPDX-License-Identifier: Apache-2.0
#include "promql/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"
#include "promql/formats.h"
#include "telemetry/matcher.h"

namespace inferscope::promql {
namespace {

constexpr std::string_view kDecimal = "0123456789";
constexpr std::string_view kHexadecimal = "0123456789abcdefABCDEF";
constexpr char32_t kReplacement = 0xfffd;
constexpr std::uint32_t kMostCode = 0x10ffff;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
bool is_name_char(char c) { return is_letter(c) || is_digit(c); }

struct Keyword {
    std::string_view word;
    LexemeKind kind;
    bool is_in_2;  ///< 2.42 knows it
};

constexpr std::array<Keyword, 39> kKeywords{{{"and", LexemeKind::set_and, true},
                                             {"or", LexemeKind::set_or, true},
                                             {"unless", LexemeKind::set_unless, true},
                                             {"atan2", LexemeKind::atan2, true},
                                             {"sum", LexemeKind::sum, true},
                                             {"avg", LexemeKind::avg, true},
                                             {"count", LexemeKind::count, true},
                                             {"min", LexemeKind::min, true},
                                             {"max", LexemeKind::max, true},
                                             {"group", LexemeKind::group, true},
                                             {"stddev", LexemeKind::stddev, true},
                                             {"stdvar", LexemeKind::stdvar, true},
                                             {"topk", LexemeKind::topk, true},
                                             {"bottomk", LexemeKind::bottomk, true},
                                             {"count_values", LexemeKind::count_values, true},
                                             {"quantile", LexemeKind::quantile, true},
                                             {"limitk", LexemeKind::limitk, false},
                                             {"limit_ratio", LexemeKind::limit_ratio, false},
                                             {"offset", LexemeKind::offset, true},
                                             {"anchored", LexemeKind::anchored, false},
                                             {"smoothed", LexemeKind::smoothed, false},
                                             {"by", LexemeKind::by, true},
                                             {"without", LexemeKind::without, true},
                                             {"on", LexemeKind::on, true},
                                             {"ignoring", LexemeKind::ignoring, true},
                                             {"group_left", LexemeKind::group_left, true},
                                             {"group_right", LexemeKind::group_right, true},
                                             {"fill", LexemeKind::fill, false},
                                             {"fill_left", LexemeKind::fill_left, false},
                                             {"fill_right", LexemeKind::fill_right, false},
                                             {"bool", LexemeKind::bool_modifier, true},
                                             {"start", LexemeKind::start, true},
                                             {"end", LexemeKind::end_time, true},
                                             {"step", LexemeKind::step, false},
                                             {"range", LexemeKind::range, false},
                                             {"max_of", LexemeKind::max_of, false},
                                             {"min_of", LexemeKind::min_of, false},
                                             {"inf", LexemeKind::number, true},
                                             {"nan", LexemeKind::number, true}}};

/// Whatever its case.
std::optional<LexemeKind> find_keyword(std::string_view word, Dialect dialect) {
    std::string lower(word);
    std::ranges::transform(lower, lower.begin(), to_lower);
    const auto* const found = std::ranges::find(kKeywords, lower, &Keyword::word);
    if (found == kKeywords.end()) return std::nullopt;
    if (dialect == Dialect::prometheus2 && !found->is_in_2) return std::nullopt;
    return found->kind;
}

bool is_fill(LexemeKind kind) {
    return kind == LexemeKind::fill || kind == LexemeKind::fill_left ||
           kind == LexemeKind::fill_right;
}

}  // namespace

LexemeClass class_of(LexemeKind kind) {
    if (kind < LexemeKind::left_paren) return LexemeClass::plain;
    if (kind < LexemeKind::add) return LexemeClass::punctuation;
    if (kind < LexemeKind::sum) return LexemeClass::op;
    if (kind < LexemeKind::offset) return LexemeClass::aggregator;
    if (kind < LexemeKind::start) return LexemeClass::keyword;
    return LexemeClass::function;
}

std::string Lexeme::description() const {
    switch (kind) {
        case LexemeKind::end:
            return "end of input";
        case LexemeKind::identifier:
            return "identifier " + quote_for_promql(text);
        case LexemeKind::metric_identifier:
            return "metric identifier " + quote_for_promql(text);
        case LexemeKind::string:
            return "string " + quote_shortened(text);
        case LexemeKind::number:
            return "number " + quote_shortened(text);
        case LexemeKind::duration:
            return "duration " + quote_shortened(text);
        default:
            break;
    }
    switch (class_of(kind)) {
        case LexemeClass::op:
            return fmt::format("<op:{}>", text);
        case LexemeClass::aggregator:
            return fmt::format("<aggr:{}>", text);
        case LexemeClass::keyword:
            return fmt::format("<{}>", text);
        default:
            return quote_shortened(text);
    }
}

Lexer::Lexer(std::string_view text, Dialect dialect) : text_(text), dialect_(dialect) {}

Lexeme Lexer::next() {
    if (place_ == Place::duration) {
        skip_space();
        return is_2() ? next_in_duration_of_2() : next_in_duration();
    }
    skip_space_and_comments();
    return place_ == Place::braces ? next_in_braces() : next_in_statement();
}

Lexeme Lexer::next_in_statement() {
    if (is_at_end()) return end_of_statement();
    const char c = peek();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number_or_duration();
    if (is_letter(c) || c == ':') return in_brackets_ ? word_in_brackets(c) : word();
    switch (c) {
        case ',':
            return take(LexemeKind::comma, 1);
        case '*':
            return take(LexemeKind::mul, 1);
        case '/':
            return take(LexemeKind::div, 1);
        case '%':
            return take(LexemeKind::mod, 1);
        case '+':
            return take(LexemeKind::add, 1);
        case '-':
            return take(LexemeKind::sub, 1);
        case '^':
            return take(LexemeKind::pow, 1);
        case '@':
            return take(LexemeKind::at, 1);
        case '=':
        case '!':
        case '<':
        case '>':
            return comparison(c);
        case '"':
        case '\'':
        case '`':
            return string(c);
        case '(':
        case ')':
        case '{':
        case '[':
        case ']':
            return bracket_or_parenthesis(c);
        default:
            return fail("unexpected character: " + quote_character(character()));
    }
}

Lexeme Lexer::end_of_statement() {
    if (open_parens_ != 0) return fail("unclosed left parenthesis");
    if (in_brackets_) return fail("unclosed left bracket");
    return lexeme(LexemeKind::end);
}

Lexeme Lexer::comparison(char c) {
    const bool is_equal_behind = peek(1) == '=';
    const bool is_trim = peek(1) == '/' && !is_2();
    if (c == '<') {
        if (is_equal_behind) return take(LexemeKind::less_or_equal, 2);
        return is_trim ? take(LexemeKind::trim_upper, 2) : take(LexemeKind::less, 1);
    }
    if (c == '>') {
        if (is_equal_behind) return take(LexemeKind::greater_or_equal, 2);
        return is_trim ? take(LexemeKind::trim_lower, 2) : take(LexemeKind::greater, 1);
    }
    if (is_equal_behind) return take(c == '=' ? LexemeKind::equal : LexemeKind::not_equal, 2);
    ++at_;
    if (c == '=' && peek() != '~') return lexeme(LexemeKind::assign);
    return fail(
        fmt::format("unexpected character after '{}': {}", c, quote_character(character())));
}

Lexeme Lexer::bracket_or_parenthesis(char c) {
    const auto quoted = quote_character(static_cast<unsigned char>(c));
    switch (c) {
        case '(':
            ++open_parens_;
            return take(LexemeKind::left_paren, 1);
        case ')':
            if (--open_parens_ < 0) return fail_behind("unexpected right parenthesis " + quoted);
            return take(LexemeKind::right_paren, 1);
        case '{':
            place_ = Place::braces;
            return take(LexemeKind::left_brace, 1);
        case '[':
            if (in_brackets_) return fail("unexpected left bracket " + quoted);
            in_brackets_ = true;
            had_colon_ = false;
            place_ = Place::duration;
            return take(LexemeKind::left_bracket, 1);
        default:
            if (!in_brackets_) return fail("unexpected right bracket " + quoted);
            in_brackets_ = false;
            return take(LexemeKind::right_bracket, 1);
    }
}

Lexeme Lexer::word() {
    while (is_name_char(peek()) || peek() == ':') ++at_;
    const auto text = text_.substr(start_, at_ - start_);
    const auto kind = find_keyword(text, dialect_);
    if (kind && is_fill(*kind) && !is_before_parenthesis()) return lexeme(LexemeKind::identifier);
    if (kind) return lexeme(*kind);
    const bool has_colon = text.find(':') != std::string_view::npos;
    return lexeme(has_colon ? LexemeKind::metric_identifier : LexemeKind::identifier);
}

bool Lexer::is_before_parenthesis() const {
    const auto next = text_.find_first_not_of(" \t\r\n", at_);
    return next != std::string_view::npos && text_[next] == '(';
}

/// Between the first number behind `[` and `]`. 2.42 takes any letter for a colon.
Lexeme Lexer::word_in_brackets(char c) {
    const auto quoted = quote_character(static_cast<unsigned char>(c));
    if (c != ':' && !is_2())
        return duration_keyword(fmt::format("unexpected character: {}, expected ':'", quoted));
    if (had_colon_) return fail("unexpected colon " + quoted);
    had_colon_ = true;
    return take(LexemeKind::colon, 1);
}

Lexeme Lexer::duration_keyword(std::string_view otherwise) {
    while (is_letter(peek())) ++at_;
    const auto kind = find_keyword(text_.substr(start_, at_ - start_), dialect_);
    if (kind == LexemeKind::step || kind == LexemeKind::range || kind == LexemeKind::max_of ||
        kind == LexemeKind::min_of)
        return lexeme(*kind);
    return fail(std::string(otherwise));
}

Lexeme Lexer::next_in_duration() {
    if (is_at_end()) return fail("unexpected end of input in duration expression");
    const char c = peek();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
        had_duration_ = true;
        place_ = Place::statement;
        return number_or_duration();
    }
    if (is_letter(c))
        return duration_keyword("unexpected character in duration expression: " +
                                quote_character(static_cast<unsigned char>(c)));
    if (c == ':') {
        if (!had_duration_)
            return fail_behind("unexpected colon before duration in duration expression");
        if (had_colon_) return fail_behind("unexpected repeated colon in duration expression");
        had_colon_ = true;
        return take(LexemeKind::colon, 1);
    }
    if (c == ']') place_ = Place::statement;
    if (std::string_view("]()+-*/%^,").find(c) != std::string_view::npos)
        return next_in_statement();
    return fail("unexpected character in duration expression: " + quote_character(character()));
}

Lexeme Lexer::next_in_duration_of_2() {
    place_ = Place::statement;
    if (take_number_of_2()) return fail("missing unit character in duration");
    if (take_rest_of_duration()) return lexeme(LexemeKind::duration);
    return fail("bad duration syntax: " + quote_for_promql(text_.substr(start_, at_ - start_)));
}

Lexeme Lexer::next_in_braces() {
    if (is_at_end()) return fail("unexpected end of input inside braces");
    const char c = peek();
    if (is_letter(c)) {
        while (is_name_char(peek())) ++at_;
        return lexeme(LexemeKind::identifier);
    }
    switch (c) {
        case ',':
            return take(LexemeKind::comma, 1);
        case '"':
        case '\'':
        case '`':
            return string(c);
        case '=':
            return peek(1) == '~' ? take(LexemeKind::equal_regex, 2) : take(LexemeKind::assign, 1);
        case '!':
            if (peek(1) == '~') return take(LexemeKind::not_equal_regex, 2);
            if (peek(1) == '=') return take(LexemeKind::not_equal, 2);
            ++at_;
            return fail("unexpected character after '!' inside braces: " +
                        quote_character(character()));
        case '{':
            return fail("unexpected left brace '{'");
        case '}':
            place_ = Place::statement;
            return take(LexemeKind::right_brace, 1);
        default:
            return fail("unexpected character inside braces: " + quote_character(character()));
    }
}

Lexeme Lexer::number_or_duration() {
    if (is_2() ? take_number_of_2() : take_number()) return lexeme(LexemeKind::number);
    if (take_rest_of_duration()) return lexeme(LexemeKind::duration);
    return fail("bad number or duration syntax: " +
                quote_for_promql(text_.substr(start_, at_ - start_)));
}

/// False where what follows can't be a number; it has taken what it looked at. The value may still
/// be none: parse_number_literal() says so.
bool Lexer::take_number() {
    std::string_view digits = kDecimal;
    if (take_one_of("0") && take_one_of("xX")) {
        take_one_of("_");
        digits = kHexadecimal;
    }
    take_one_of(".");
    take_one_of(digits);
    return take_number_rest(digits) && !is_name_char(peek());
}

bool Lexer::take_number_rest(std::string_view digits) {
    bool had_dot = false;
    bool had_exponent = false;
    while (is_one_of(digits) || is_one_of("._eE")) {
        if ((had_dot && take_one_of(".")) || (had_exponent && take_one_of("eE"))) return false;
        if (take_one_of(".")) {
            had_dot = true;
            if (take_one_of("_.") || digits == kHexadecimal) return false;
        } else if (take_one_of("eE")) {
            had_exponent = true;
            take_one_of("+-");
            if (take_one_of("._eE") || is_at_end()) return false;
        } else if (take_one_of("_")) {
            if (take_one_of("._eE") || is_at_end()) return false;
        } else {
            take_run_of(digits);
        }
    }
    return true;
}

bool Lexer::take_number_of_2() {
    std::string_view digits = kDecimal;
    if (take_one_of("0") && take_one_of("xX")) digits = kHexadecimal;
    take_run_of(digits);
    if (take_one_of(".")) take_run_of(digits);
    if (take_one_of("eE")) {
        take_one_of("+-");
        take_run_of(kDecimal);
    }
    return !is_name_char(peek());
}

/// Behind the first digits. Whether units stand in order, parse_duration_seconds() says.
bool Lexer::take_rest_of_duration() {
    if (!take_one_of("smhdwy")) return false;
    take_one_of("s");
    while (take_one_of(kDecimal)) {
        take_run_of(kDecimal);
        if (!take_one_of("smhdw")) return false;
        take_one_of("s");
    }
    if (!is_name_char(peek())) return true;
    ++at_;
    return false;
}

Lexeme Lexer::string(char quote) {
    ++at_;
    while (!is_at_end() && (quote == '`' || peek() != '\n')) {
        const auto [code, length] = first_character(text_.substr(at_));
        if (code == kReplacement) return fail("invalid UTF-8 rune");
        at_ += length;
        if (code == static_cast<unsigned char>(quote)) return lexeme(LexemeKind::string);
        if (code == '\\' && quote != '`' && !take_escape(quote)) return lexeme(LexemeKind::error);
    }
    return fail(quote == '`' ? "unterminated raw string" : "unterminated quoted string");
}

/// Behind the backslash.
bool Lexer::take_escape(char quote) {
    if (is_at_end()) {
        fail("escape sequence not terminated");
        return false;
    }
    const char c = peek();
    if (c == quote || take_one_of("abfnrtv\\")) {
        if (c == quote) ++at_;
        return true;
    }
    if (c >= '0' && c <= '7') return take_escaped_code(3, 8, 0xff);
    if (take_one_of("x")) return take_escaped_code(2, 16, 0xff);
    if (take_one_of("u")) return take_escaped_code(4, 16, kMostCode);
    if (take_one_of("U")) return take_escaped_code(8, 16, kMostCode);
    fail("unknown escape sequence " + name_character(character()));
    return false;
}

bool Lexer::take_escaped_code(std::size_t digits, std::uint32_t base, std::uint32_t most) {
    std::uint32_t code = 0;
    for (; digits > 0; --digits) {
        const auto digit = kHexadecimal.substr(0, 16).find(to_lower(peek()));
        if (is_at_end()) {
            fail("escape sequence not terminated");
            return false;
        }
        if (digit >= base) {
            fail(fmt::format("illegal character {} in escape sequence",
                             name_character(character())));
            return false;
        }
        code = code * base + static_cast<std::uint32_t>(digit);
        ++at_;
    }
    if (code <= most && (code < 0xd800 || code >= 0xe000)) return true;
    fail("escape sequence is an invalid Unicode code point");
    return false;
}

bool Lexer::take_one_of(std::string_view valid) {
    if (!is_one_of(valid)) return false;
    ++at_;
    return true;
}

void Lexer::take_run_of(std::string_view valid) {
    while (is_one_of(valid)) ++at_;
}

bool Lexer::is_one_of(std::string_view valid) const {
    return !is_at_end() && valid.find(text_[at_]) != std::string_view::npos;
}

void Lexer::skip_space() {
    while (is_one_of(" \t\r\n")) ++at_;
    start_ = at_;
}

void Lexer::skip_space_and_comments() {
    skip_space();
    while (is_one_of("#")) {
        at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
        skip_space();
    }
}

char Lexer::peek(std::size_t further) const {
    return at_ + further < text_.size() ? text_[at_ + further] : '\0';
}

/// That at hand; U+FFFD behind the end, as Go prints it.
char32_t Lexer::character() const {
    return is_at_end() ? kReplacement : first_character(text_.substr(at_)).code;
}

Lexeme Lexer::take(LexemeKind kind, std::size_t length) {
    at_ += length;
    return lexeme(kind);
}

Lexeme Lexer::lexeme(LexemeKind kind) const {
    return {kind, start_, text_.substr(start_, at_ - start_)};
}

Lexeme Lexer::fail(std::string text) {
    error_ = std::move(text);
    return lexeme(LexemeKind::error);
}

Lexeme Lexer::fail_behind(std::string text) {
    start_ = ++at_;
    return fail(std::move(text));
}

}  // namespace inferscope::promql
