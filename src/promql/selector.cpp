// SPDX-License-Identifier: Apache-2.0
#include "promql/selector.h"

#include <algorithm>
#include <utility>

#include "promql/duration_parser.h"
#include "promql/lexeme_reader.h"
#include "promql/selector_parser.h"
#include "promql/type_check.h"

namespace inferscope::promql {
namespace {

Dialect dialect_of(RegexDialect dialect) {
    return dialect == RegexDialect::prometheus2 ? Dialect::prometheus2 : Dialect::prometheus3;
}

std::optional<Millis> read_range(LexemeReader& reader) {
    if (!reader.take_if(LexemeKind::left_bracket)) return std::nullopt;
    const auto range = read_positive_duration(reader);
    reader.expect(LexemeKind::right_bracket);
    return range.value;
}

}  // namespace

Result<Selector, ParseError> parse_selector(std::string_view text, RegexDialect dialect) {
    LexemeReader reader(text, Language(dialect_of(dialect)));
    const bool has_name = is_metric_name(reader.peek().kind);
    if (!has_name && !reader.is_next(LexemeKind::left_brace)) reader.fail_unexpected();
    auto expr = read_selector(reader, has_name ? reader.take() : Lexeme{});
    const auto range = read_range(reader);
    if (!reader.is_next(LexemeKind::end)) reader.fail_unexpected();
    auto& vector = *expr.as<VectorSelector>();
    if (reader.ok()) {
        if (auto found = check_selector(vector, expr.range.begin))
            reader.fail(found->at, std::move(found->text));
    }
    if (!reader.ok()) return reader.error();
    auto& matchers = vector.matchers;
    if (!vector.name.empty()) std::ranges::rotate(matchers, matchers.end() - 1);
    return Selector{std::move(matchers), range};
}

}  // namespace inferscope::promql
