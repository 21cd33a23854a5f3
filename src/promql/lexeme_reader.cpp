// SPDX-License-Identifier: Apache-2.0
#include "promql/lexeme_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace inferscope::promql {

LexemeReader::LexemeReader(std::string_view text, Language language)
    : text_(text), language_(language), lexer_(text, language.dialect()) {}

const Lexeme& LexemeReader::peek() {
    if (!next_) {
        next_ = lexer_.next();
        if (next_->kind == LexemeKind::error) fail(next_->begin, lexer_.error());
    }
    return *next_;
}

Lexeme LexemeReader::take() {
    const Lexeme lexeme = peek();
    if (ok()) next_.reset();
    end_of_last_ = lexeme.end();
    return lexeme;
}

bool LexemeReader::take_if(LexemeKind kind) {
    if (!is_next(kind)) return false;
    take();
    return true;
}

Lexeme LexemeReader::expect(LexemeKind kind) {
    if (!is_next(kind)) fail_unexpected();
    return take();
}

void LexemeReader::fail(std::size_t at, std::string text) {
    if (error_) return;
    error_ = Failure{at, std::move(text)};
    next_ = Lexeme{LexemeKind::error, at, {}};
}

void LexemeReader::fail_unexpected(const Context& context) {
    const Lexeme lexeme = peek();
    std::string text = "unexpected " + lexeme.description();
    if (!context.construct.empty()) text += fmt::format(" in {}", context.construct);
    if (!context.expected.empty()) text += fmt::format(", expected {}", context.expected);
    fail(lexeme.begin, std::move(text));
}

ParseError LexemeReader::error() const {
    CHECK(error_.has_value(), "there was an error");
    return error_at(text_, error_->at, error_->text, language_.dialect());
}

LexemeReader::Level::Level(LexemeReader& reader, int levels) : reader_(reader), levels_(levels) {
    reader_.levels_ += levels;
    if (reader_.levels_ > kMostLevels)
        reader_.fail(reader_.peek().begin,
                     fmt::format("expression is nested deeper than {} levels", kMostLevels));
}

ParseError error_at(std::string_view text, std::size_t at, std::string message, Dialect dialect) {
    if (text.empty() && dialect != Dialect::prometheus2)
        return {.file = {}, .line = 0, .column = 0, .text = std::move(message)};
    const auto before = text.substr(0, at);
    const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return {.file = {},
            .line = static_cast<int>(std::ranges::count(before, '\n')) + 1,
            .column = static_cast<int>(at - line_start) + 1,
            .text = std::move(message)};
}

}  // namespace inferscope::promql
