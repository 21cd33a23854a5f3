// SPDX-License-Identifier: Apache-2.0
#include "promql/selector_parser.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/text.h"
#include "promql/formats.h"
#include "telemetry/labels.h"

namespace inferscope::promql {
namespace {

using Context = LexemeReader::Context;

constexpr std::string_view kMatching = "label matching";
constexpr std::string_view kGrouping = "grouping opts";

std::optional<MatchOp> match_op(LexemeKind kind) {
    switch (kind) {
        case LexemeKind::assign:
            return MatchOp::equal;
        case LexemeKind::not_equal:
            return MatchOp::not_equal;
        case LexemeKind::equal_regex:
            return MatchOp::regex;
        case LexemeKind::not_equal_regex:
            return MatchOp::not_regex;
        default:
            return std::nullopt;
    }
}

void add_matcher(LexemeReader& reader, std::vector<Matcher>& matchers, std::size_t at,
                 std::string name, MatchOp op, std::string value) {
    auto matcher =
        Matcher::make(std::move(name), op, std::move(value), reader.language().regex_dialect());
    if (!matcher) return reader.fail(at, matcher.error().text);
    matchers.push_back(*std::move(matcher));
}

/// `name="value"`, or `"name"` alone: the metric's.
void read_matcher(LexemeReader& reader, std::vector<Matcher>& matchers) {
    const bool is_quoted = reader.is_next(LexemeKind::string) && !reader.is_2();
    if (!is_quoted && !reader.is_next(LexemeKind::identifier))
        return reader.fail_unexpected({kMatching, "identifier or \"}\""});
    const Lexeme lexeme = reader.take();
    auto name = is_quoted ? unquote(lexeme.text) : std::string(lexeme.text);
    const auto op = match_op(reader.peek().kind);
    if (!op && !is_quoted) return reader.fail_unexpected({kMatching, "label matching operator"});
    if (!op)
        return add_matcher(reader, matchers, lexeme.begin, std::string(kMetricName), MatchOp::equal,
                           std::move(name));
    reader.take();
    if (!reader.is_next(LexemeKind::string)) return reader.fail_unexpected({kMatching, "string"});
    add_matcher(reader, matchers, lexeme.begin, std::move(name), *op, unquote(reader.take().text));
}

/// Behind `{`. Gives the place behind `}`.
std::size_t read_matchers(LexemeReader& reader, std::vector<Matcher>& matchers) {
    while (reader.ok() && !reader.is_next(LexemeKind::right_brace)) {
        read_matcher(reader, matchers);
        if (reader.take_if(LexemeKind::comma)) continue;
        if (!reader.is_next(LexemeKind::right_brace))
            reader.fail_unexpected({kMatching, "\",\" or \"}\""});
    }
    return reader.take().end();
}

bool is_label(LexemeKind kind, bool is_2) {
    if (kind == LexemeKind::without || (kind == LexemeKind::string && is_2)) return false;
    return kind == LexemeKind::string || kind == LexemeKind::identifier ||
           kind == LexemeKind::metric_identifier || kind == LexemeKind::atan2 ||
           kind == LexemeKind::set_and || kind == LexemeKind::set_or ||
           kind == LexemeKind::set_unless || class_of(kind) == LexemeClass::aggregator ||
           class_of(kind) == LexemeClass::keyword || class_of(kind) == LexemeClass::function;
}

std::string read_label(LexemeReader& reader) {
    const auto kind = reader.peek().kind;
    const bool has_colon = kind == LexemeKind::metric_identifier;
    if (!is_label(kind, reader.is_2()) || (has_colon && reader.is_2())) {
        reader.fail_unexpected({kGrouping, "label"});
        return {};
    }
    const Lexeme lexeme = reader.take();
    if (kind != LexemeKind::string) return std::string(lexeme.text);
    auto name = unquote(lexeme.text);
    if (name.empty() || !is_valid_utf8(name))
        reader.fail(lexeme.begin,
                    fmt::format("invalid label name for grouping: {}", quote_for_promql(name)));
    return name;
}

}  // namespace

bool is_metric_name(LexemeKind kind) {
    switch (kind) {
        case LexemeKind::identifier:
        case LexemeKind::metric_identifier:
        case LexemeKind::set_and:
        case LexemeKind::set_or:
        case LexemeKind::set_unless:
        case LexemeKind::offset:
        case LexemeKind::anchored:
        case LexemeKind::smoothed:
        case LexemeKind::by:
        case LexemeKind::without:
        case LexemeKind::fill:
        case LexemeKind::fill_left:
        case LexemeKind::fill_right:
            return true;
        default:
            return class_of(kind) == LexemeClass::aggregator ||
                   class_of(kind) == LexemeClass::function;
    }
}

Expr read_selector(LexemeReader& reader, const Lexeme& name) {
    VectorSelector selector;
    ByteRange range{name.begin, name.end()};
    if (reader.is_next(LexemeKind::left_brace)) {
        const Lexeme open = reader.take();
        if (name.text.empty()) range.begin = open.begin;
        range.end = read_matchers(reader, selector.matchers);
    }
    if (!name.text.empty()) {
        selector.name = name.text;
        selector.matchers.push_back(Matcher::equal(std::string(kMetricName), selector.name));
    }
    return {std::move(selector), range};
}

std::vector<std::string> read_labels(LexemeReader& reader) {
    std::vector<std::string> labels;
    if (!reader.is_next(LexemeKind::left_paren)) {
        reader.fail_unexpected({kGrouping, "\"(\""});
        return labels;
    }
    reader.take();
    while (reader.ok() && !reader.is_next(LexemeKind::right_paren)) {
        labels.push_back(read_label(reader));
        if (reader.take_if(LexemeKind::comma)) continue;
        if (!reader.is_next(LexemeKind::right_paren))
            reader.fail_unexpected({kGrouping, "\",\" or \")\""});
    }
    reader.take();
    return labels;
}

}  // namespace inferscope::promql
