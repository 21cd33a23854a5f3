// SPDX-License-Identifier: Apache-2.0
// A regular expression that must match the whole of a label value, as Prometheus reads it. What
// people write most (`a|b|c`, `foo.*`, `.*foo`, `.*foo.*`, `.+`) is answered without RE2:
// such an expression is taken apart into [dots] one of a few literals [dots]. All the rest is
// RE2's.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace inferscope {

/// Whether a dot takes a newline: it does in Prometheus 3 (`^(?s:...)$`), it doesn't in 2.
enum class RegexDialect : std::uint8_t { prometheus3, prometheus2 };

/// Immutable. Thread: any.
class Pattern {
public:
    /// Fails with invalid_argument and RE2's words, or with limit_exceeded where the compiled
    /// program would be larger than 8 MiB.
    static Result<Pattern> compile(std::string_view text,
                                   RegexDialect dialect = RegexDialect::prometheus3);
    ~Pattern();
    Pattern(Pattern&&) noexcept;
    Pattern& operator=(Pattern&&) noexcept;

    /// A byte of `value` that isn't UTF-8 counts as one character, U+FFFD, as in Go.
    [[nodiscard]] bool matches(std::string_view value) const;
    /// All values that match, sorted, if they are known to be few (up to 16,384); else empty.
    [[nodiscard]] std::span<const std::string> values() const;
    /// Every value that matches starts with this; empty if nothing is known.
    [[nodiscard]] std::string_view prefix() const { return prefix_; }
    [[nodiscard]] bool uses_re2() const { return regex_ != nullptr; }

private:
    /// What stands before or behind the literals: nothing, `.*`, `.+`.
    enum class Dots : std::uint8_t { none, any, some };

    Pattern();
    static Dots take_leading_dots(std::string_view& text);
    static Dots take_trailing_dots(std::string_view& text);
    bool take_apart(std::string_view text);
    [[nodiscard]] bool dots_take(Dots dots, std::string_view part) const;
    [[nodiscard]] bool fits(std::string_view literal, std::string_view value) const;
    [[nodiscard]] bool search(std::string_view value) const;

    RegexDialect dialect_ = RegexDialect::prometheus3;
    Dots leading_ = Dots::none;
    Dots trailing_ = Dots::none;
    std::vector<std::string> literals_;  // sorted; empty where RE2 is asked
    std::string prefix_;
    std::unique_ptr<const re2::RE2> regex_;
};

}  // namespace inferscope
