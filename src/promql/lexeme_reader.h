// SPDX-License-Identifier: Apache-2.0
// What the parts of the parser share: one lexeme of lookahead, the first error, how deep they are,
// and of which construct they would have to say that something unexpected stands in it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "promql/language.h"
#include "promql/lexer.h"

namespace inferscope::promql {

/// Confined to one thread; the text must outlive it. The next lexeme is read when it is looked at,
/// not before: of two errors Prometheus shows the one that it meets first. After the first error
/// there are only lexemes of kind `error`, so that whoever loops comes to an end.
class LexemeReader {
public:
    /// How deep parentheses, calls, aggregations, signs and powers may stand in one another.
    static constexpr int kMostLevels = 256;

    /// "unexpected ... in `construct`, expected `expected`"; empty parts are left out.
    struct Context {
        std::string_view construct{};
        std::string_view expected{};
    };

    LexemeReader(std::string_view text, Language language);

    [[nodiscard]] const Lexeme& peek();
    [[nodiscard]] bool is_next(LexemeKind kind) { return peek().kind == kind; }
    Lexeme take();
    bool take_if(LexemeKind kind);
    /// Takes a lexeme of that kind; else it is unexpected.
    Lexeme expect(LexemeKind kind);

    void fail(std::size_t at, std::string text);
    /// The next lexeme is wrong in this context, or in that of the innermost Scope.
    void fail_unexpected(const Context& context);
    void fail_unexpected() { fail_unexpected(scope_); }

    [[nodiscard]] bool ok() const { return !error_; }
    /// The place behind the lexeme that was taken last.
    [[nodiscard]] std::size_t end_of_last() const { return end_of_last_; }
    /// Only after a failure.
    [[nodiscard]] ParseError error() const;
    [[nodiscard]] std::string_view text() const { return text_; }
    [[nodiscard]] const Language& language() const { return language_; }
    [[nodiscard]] bool is_2() const { return language_.is_prometheus2(); }

    /// While it lives, what is unexpected is so in `context`.
    class Scope {
    public:
        Scope(LexemeReader& reader, const Context& context)
            : reader_(reader), before_(reader.scope_) {
            reader_.scope_ = context;
        }
        ~Scope() { reader_.scope_ = before_; }
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;

    private:
        LexemeReader& reader_;
        Context before_;
    };

    /// While it lives, so many levels deeper. Fails where that is too deep.
    class Level {
    public:
        explicit Level(LexemeReader& reader, int levels = 1);
        ~Level() { reader_.levels_ -= levels_; }
        Level(const Level&) = delete;
        Level& operator=(const Level&) = delete;

    private:
        LexemeReader& reader_;
        int levels_;
    };

private:
    struct Failure {
        std::size_t at;
        std::string text;
    };

    std::string_view text_;
    Language language_;
    Lexer lexer_;
    std::optional<Lexeme> next_;
    std::optional<Failure> error_;
    Context scope_;
    std::size_t end_of_last_ = 0;
    int levels_ = 0;
};

/// Where byte `at` of `text` is, with `message`; without a place in an empty text, as Prometheus 3
/// has it.
ParseError error_at(std::string_view text, std::size_t at, std::string message, Dialect dialect);

}  // namespace inferscope::promql
