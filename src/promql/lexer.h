// SPDX-License-Identifier: Apache-2.0
// A query's text, cut into lexemes as Prometheus cuts it, with its messages where it can't be.
// What a character means depends on where it stands: inside of braces, between `[` and the first
// number, or elsewhere.
// Source: Prometheus 3.14 and 2.42, promql/parser/lex.go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "promql/language.h"

namespace inferscope::promql {

/// Kinds of one class stand together; class_of() relies on it.
enum class LexemeKind : std::uint8_t {
    end,
    error,
    identifier,
    metric_identifier,  ///< an identifier with a colon in it
    string,             ///< with its quotes; its escapes are right
    number,
    duration,
    // punctuation
    left_paren,
    right_paren,
    left_brace,
    right_brace,
    left_bracket,
    right_bracket,
    comma,
    colon,
    assign,  ///< `=`, of matchers
    // operators
    add,
    sub,
    mul,
    div,
    mod,
    pow,
    atan2,
    equal,
    not_equal,
    less,
    less_or_equal,
    greater,
    greater_or_equal,
    trim_upper,
    trim_lower,
    set_and,
    set_or,
    set_unless,
    equal_regex,
    not_equal_regex,
    at,
    // aggregators
    sum,
    avg,
    count,
    min,
    max,
    group,
    stddev,
    stdvar,
    topk,
    bottomk,
    count_values,
    quantile,
    limitk,
    limit_ratio,
    // keywords
    offset,
    anchored,
    smoothed,
    by,
    without,
    on,
    ignoring,
    group_left,
    group_right,
    fill,
    fill_left,
    fill_right,
    bool_modifier,
    // names of functions that are also part of `@` and of durations
    start,
    end_time,
    step,
    range,
    max_of,
    min_of,
};

enum class LexemeClass : std::uint8_t { plain, punctuation, op, aggregator, keyword, function };

LexemeClass class_of(LexemeKind kind);

struct Lexeme {
    LexemeKind kind = LexemeKind::end;
    std::size_t begin = 0;  ///< in the text, in bytes
    std::string_view text;

    [[nodiscard]] std::size_t end() const { return begin + text.size(); }
    /// As it stands in "unexpected ...": `identifier "up"`, `<by>`, `"("`, `end of input`.
    [[nodiscard]] std::string description() const;
};

/// Confined to one thread; the text must outlive it and its lexemes.
class Lexer {
public:
    Lexer(std::string_view text, Dialect dialect);

    /// The next one; `end` when there is none. After an `error` there is no next one.
    Lexeme next();
    /// What is wrong where the kind was `error`.
    [[nodiscard]] const std::string& error() const { return error_; }

private:
    enum class Place : std::uint8_t {
        statement,
        braces,
        duration,  ///< behind `[`, up to the first number
    };

    Lexeme next_in_statement();
    Lexeme next_in_braces();
    Lexeme next_in_duration();
    Lexeme next_in_duration_of_2();
    Lexeme end_of_statement();
    Lexeme bracket_or_parenthesis(char c);
    Lexeme comparison(char c);
    Lexeme word();
    Lexeme word_in_brackets(char c);
    Lexeme duration_keyword(std::string_view otherwise);
    Lexeme number_or_duration();
    Lexeme string(char quote);

    bool take_escape(char quote);
    bool take_escaped_code(std::size_t digits, std::uint32_t base, std::uint32_t most);
    bool take_number();
    bool take_number_of_2();
    bool take_number_rest(std::string_view digits);
    bool take_rest_of_duration();
    bool take_one_of(std::string_view valid);
    void take_run_of(std::string_view valid);
    void skip_space();
    void skip_space_and_comments();

    [[nodiscard]] bool is_at_end() const { return at_ >= text_.size(); }
    [[nodiscard]] bool is_one_of(std::string_view valid) const;
    [[nodiscard]] bool is_2() const { return dialect_ == Dialect::prometheus2; }
    [[nodiscard]] char peek(std::size_t further = 0) const;
    [[nodiscard]] char32_t character() const;
    [[nodiscard]] bool is_before_parenthesis() const;

    Lexeme take(LexemeKind kind, std::size_t length);
    [[nodiscard]] Lexeme lexeme(LexemeKind kind) const;
    Lexeme fail(std::string text);
    /// For what was a lexeme before it turned out to be wrong: the place is behind it.
    Lexeme fail_behind(std::string text);

    std::string_view text_;
    Dialect dialect_;
    std::size_t at_ = 0;
    std::size_t start_ = 0;  // of the lexeme
    Place place_ = Place::statement;
    int open_parens_ = 0;
    bool in_brackets_ = false;
    bool had_colon_ = false;     // since `[`
    bool had_duration_ = false;  // since the first `[` of the text: Prometheus never takes it back
    std::string error_;
};

}  // namespace inferscope::promql
