// SPDX-License-Identifier: Apache-2.0
#include "telemetry/pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

#include "base/text.h"

namespace inferscope {
namespace {

using Values = std::vector<std::string>;

constexpr std::size_t kMaxValues = 16'384;
constexpr std::size_t kMaxValueBytes = std::size_t{1} << 20;
constexpr int kMaxDepth = 50;
constexpr std::int64_t kMaxProgramBytes = 8 << 20;

bool is_ascii_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_ascii_punctuation(char c) { return c > ' ' && c < 0x7f && !is_ascii_alphanumeric(c); }
bool is_quantifier(char c) { return c == '*' || c == '+' || c == '?' || c == '{'; }

/// Reads the expressions that stand for a finite list of texts: literals, escaped punctuation,
/// groups, alternations, `?`, classes of ASCII letters, digits and punctuation. Anything else, even
/// what is only unusual, is not understood, and RE2 decides.
class ValuesReader {
public:
    explicit ValuesReader(std::string_view text) : rest_(text) {}

    /// Sorted, no value twice.
    std::optional<Values> read() {
        Values values = read_alternation(0);
        if (!understood_ || !rest_.empty()) return std::nullopt;
        std::ranges::sort(values);
        const auto doubles = std::ranges::unique(values);
        values.erase(doubles.begin(), doubles.end());
        return values;
    }
    /// The whole expression was of the form `a|b`.
    [[nodiscard]] bool is_alternation() const { return is_alternation_; }

private:
    Values read_alternation(int depth) {
        Values all = read_sequence(depth);
        while (understood_ && rest_.starts_with('|')) {
            rest_.remove_prefix(1);
            if (depth == 0) is_alternation_ = true;
            std::ranges::move(read_sequence(depth), std::back_inserter(all));
            if (all.size() > kMaxValues) understood_ = false;
        }
        return all;
    }

    Values read_sequence(int depth) {
        Values all{""};
        while (understood_ && !rest_.empty() && rest_[0] != '|' && rest_[0] != ')') {
            Values next = read_atom(depth);
            if (rest_.starts_with('?')) {
                rest_.remove_prefix(1);
                next.emplace_back();
            }
            if (!rest_.empty() && is_quantifier(rest_[0])) understood_ = false;
            if (understood_) append_each(all, next);
        }
        return all;
    }

    Values read_atom(int depth) {
        const char c = rest_[0];
        if (c == '(') return read_group(depth);
        if (c == '[') return read_class();
        if (c == '\\') return read_escape();
        if (is_quantifier(c) || c == '.' || c == '^' || c == '$') {
            understood_ = false;
            return {};
        }
        std::size_t length = 1;  // the text is UTF-8
        while (length < rest_.size() && (rest_[length] & 0xc0) == 0x80) ++length;
        return {std::string(take(length))};
    }

    Values read_group(int depth) {
        take(rest_.starts_with("(?:") ? 3 : 1);
        if (depth >= kMaxDepth || rest_.starts_with('?')) {
            understood_ = false;
            return {};
        }
        Values values = read_alternation(depth + 1);
        if (!understood_ || !rest_.starts_with(')')) {
            understood_ = false;
            return {};
        }
        take(1);
        return values;
    }

    Values read_escape() {
        if (rest_.size() < 2 || !is_ascii_punctuation(rest_[1]) || rest_[1] == '_') {
            understood_ = false;
            return {};
        }
        return {std::string(take(2).substr(1))};
    }

    Values read_class() {
        take(1);
        Values values;
        while (!rest_.empty() && rest_[0] != ']') {
            const char first = take(1)[0];
            const bool is_range = rest_.size() >= 2 && rest_[0] == '-' && rest_[1] != ']';
            const char last = is_range ? take(2)[1] : first;
            const bool plain = is_range
                                   ? is_ascii_alphanumeric(first) && is_ascii_alphanumeric(last)
                                   : is_plain_in_class(first);
            understood_ = understood_ && plain && first <= last;
            if (!understood_) return {};
            for (char c = first; c <= last; ++c) values.emplace_back(1, c);  // ASCII: ends
        }
        if (rest_.empty() || values.empty()) {
            understood_ = false;
            return {};
        }
        take(1);
        return values;
    }

    static bool is_plain_in_class(char c) {
        return is_ascii_alphanumeric(c) ||
               (is_ascii_punctuation(c) &&
                std::string_view("[\\]^-&~").find(c) == std::string::npos);
    }

    /// Each of `all` with each of `next` behind it.
    void append_each(Values& all, const Values& next) {
        if (next.size() == 1 && all.size() == 1) {
            all[0] += next[0];
            return;
        }
        const std::size_t bytes = size_of(all) * next.size() + size_of(next) * all.size();
        if (bytes > kMaxValueBytes || all.size() * next.size() > kMaxValues) {
            understood_ = false;
            return;
        }
        Values longer;
        longer.reserve(all.size() * next.size());
        for (const auto& start : all) {
            for (const auto& end : next) longer.push_back(start + end);
        }
        all = std::move(longer);
    }

    static std::size_t size_of(const Values& values) {
        std::size_t bytes = 0;
        for (const auto& value : values) bytes += value.size();
        return bytes;
    }

    std::string_view take(std::size_t length) {
        const auto taken = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return taken;
    }

    std::string_view rest_;
    bool understood_ = true;
    bool is_alternation_ = false;
};

/// Whether the character at `at` has an odd number of backslashes before it.
bool is_escaped(std::string_view text, std::size_t at) {
    std::size_t backslashes = 0;
    while (backslashes < at && text[at - backslashes - 1] == '\\') ++backslashes;
    return backslashes % 2 == 1;
}

/// Each byte that isn't UTF-8 becomes U+FFFD: Go's regexp reads them so, RE2 would never match.
std::string with_replacement_characters(std::string_view value) {
    std::string out;
    while (!value.empty()) {
        std::size_t length = 1;
        while (length <= 4 && !is_valid_utf8(value.substr(0, length))) ++length;
        out += length <= 4 ? value.substr(0, length) : "\xef\xbf\xbd";
        value.remove_prefix(length <= 4 ? std::min(length, value.size()) : 1);
    }
    return out;
}

bool is_ascii(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return (c & 0x80) != 0; });
}

bool matches_whole(const RE2& regex, std::string_view text) {
    return regex.Match({text.data(), text.size()}, 0, text.size(), RE2::ANCHOR_BOTH, nullptr, 0);
}

std::string_view common_prefix(std::string_view a, std::string_view b) {
    return a.substr(0, static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin()));
}

/// What all matches of `regex` start with.
std::string prefix_of(const RE2& regex) {
    constexpr int kLongestPrefix = 128;
    std::string least;
    std::string greatest;
    if (!regex.PossibleMatchRange(&least, &greatest, kLongestPrefix)) return {};
    return std::string(common_prefix(least, greatest));
}

}  // namespace

Pattern::Pattern() = default;
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

Result<Pattern> Pattern::compile(std::string_view text, RegexDialect dialect) {
    Pattern pattern;
    pattern.dialect_ = dialect;
    if (pattern.take_apart(text)) return pattern;

    RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(dialect == RegexDialect::prometheus3);
    options.set_max_mem(kMaxProgramBytes);
    auto regex = std::make_unique<const RE2>(re2::StringPiece(text.data(), text.size()), options);
    if (!regex->ok()) {
        const bool too_large = regex->error_code() == RE2::ErrorPatternTooLarge;
        return Error{too_large ? Errc::limit_exceeded : Errc::invalid_argument,
                     fmt::format("bad regular expression \"{}\": {}", quote_for_message(text),
                                 quote_for_message(regex->error(), 128))};
    }
    pattern.prefix_ = prefix_of(*regex);
    pattern.regex_ = std::move(regex);
    return pattern;
}

Pattern::Dots Pattern::take_leading_dots(std::string_view& text) {
    if (text.size() < 2 || text[0] != '.' || (text[1] != '*' && text[1] != '+')) return Dots::none;
    if (text.size() > 2 && is_quantifier(text[2])) return Dots::none;
    const Dots dots = text[1] == '*' ? Dots::any : Dots::some;
    text.remove_prefix(2);
    return dots;
}

Pattern::Dots Pattern::take_trailing_dots(std::string_view& text) {
    if (!text.ends_with(".*") && !text.ends_with(".+")) return Dots::none;
    if (is_escaped(text, text.size() - 2)) return Dots::none;
    const Dots dots = text.back() == '*' ? Dots::any : Dots::some;
    text.remove_suffix(2);
    return dots;
}

/// Fills the literals and dots; false if `text` isn't of that form.
bool Pattern::take_apart(std::string_view text) {
    if (!is_valid_utf8(text)) return false;
    if (text.starts_with('^')) text.remove_prefix(1);
    if (text.ends_with('$') && !is_escaped(text, text.size() - 1)) text.remove_suffix(1);
    leading_ = take_leading_dots(text);
    trailing_ = take_trailing_dots(text);
    const bool has_dots = leading_ != Dots::none || trailing_ != Dots::none;
    ValuesReader reader(text);
    auto values = reader.read();
    if (!values || (has_dots && reader.is_alternation())) return false;
    // Two characters at least: bytes can't tell.
    if (leading_ == Dots::some && trailing_ == Dots::some && values->front().empty()) return false;
    literals_ = std::move(*values);
    if (leading_ == Dots::none) prefix_ = common_prefix(literals_.front(), literals_.back());
    return true;
}

std::span<const std::string> Pattern::values() const {
    if (leading_ != Dots::none || trailing_ != Dots::none) return {};
    return literals_;
}

bool Pattern::matches(std::string_view value) const {
    if (regex_) return value.starts_with(prefix_) && search(value);
    if (leading_ == Dots::none && trailing_ == Dots::none) {
        return std::binary_search(literals_.begin(), literals_.end(), value, std::less<>());
    }
    return std::ranges::any_of(literals_,
                               [&](std::string_view literal) { return fits(literal, value); });
}

bool Pattern::dots_take(Dots dots, std::string_view part) const {
    if (dots == Dots::none) return part.empty();
    if (dots == Dots::some && part.empty()) return false;
    return dialect_ == RegexDialect::prometheus3 || part.find('\n') == std::string_view::npos;
}

bool Pattern::fits(std::string_view literal, std::string_view value) const {
    if (literal.size() > value.size()) return false;
    std::size_t at = 0;
    if (leading_ != Dots::none) {
        at = trailing_ == Dots::none ? value.size() - literal.size() : value.find(literal);
    }
    while (at != std::string_view::npos) {
        const auto after = value.substr(at);
        if (after.starts_with(literal) && dots_take(leading_, value.substr(0, at)) &&
            dots_take(trailing_, after.substr(literal.size()))) {
            return true;
        }
        if (leading_ == Dots::none || trailing_ == Dots::none) return false;
        at = value.find(literal, at + 1);
    }
    return false;
}

bool Pattern::search(std::string_view value) const {
    if (is_ascii(value) || is_valid_utf8(value)) return matches_whole(*regex_, value);
    return matches_whole(*regex_, with_replacement_characters(value));
}

}  // namespace inferscope
