// SPDX-License-Identifier: Apache-2.0
#include "promql/selector.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "telemetry/labels.h"

namespace inferscope::promql {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

bool is_name_char(char c, bool is_first, bool is_metric) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return is_letter || (is_metric && c == ':') || (!is_first && c >= '0' && c <= '9');
}

class Parser {
public:
    Parser(std::string_view text, RegexDialect dialect) : text_(text), dialect_(dialect) {}

    Result<Selector, ParseError> parse() {
        skip_space();
        if (const auto name = take_name(true); !name.empty())
            add(std::string(kMetricName), MatchOp::equal, std::string(name));
        if (take('{')) parse_matchers();
        if (take('[')) parse_range();
        if (error_.empty() && at_ < text_.size()) fail_unexpected("selector");
        if (error_.empty() && selector_.matchers.empty()) fail_unexpected("selector");
        if (error_.empty() && std::ranges::all_of(selector_.matchers, &Matcher::matches_empty)) {
            at_ = 0;
            fail("vector selector must contain at least one non-empty matcher");
        }
        if (!error_.empty()) return place_of_error();
        return std::move(selector_);
    }

private:
    /// Everything after the first error is left alone.
    void fail(std::string text) {
        if (!error_.empty()) return;
        error_ = std::move(text);
        error_at_ = at_;
    }
    void fail_unexpected(std::string_view context) {
        if (at_ >= text_.size()) {
            fail(fmt::format("unexpected end of input in {}", context));
        } else {
            fail(fmt::format("unexpected {} in {}", quote_for_promql(text_.substr(at_, 1)),
                             context));
        }
    }
    [[nodiscard]] ParseError place_of_error() const {
        const auto before = text_.substr(0, error_at_);
        const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0
        return {.file = {},
                .line = static_cast<int>(std::ranges::count(before, '\n')) + 1,
                .column = static_cast<int>(error_at_ - line_start) + 1,
                .text = error_};
    }

    void skip_space() {
        while (at_ < text_.size()) {
            if (text_[at_] == '#') {
                at_ = std::min(text_.find('\n', at_), text_.size());
            } else if (kSpace.find(text_[at_]) == std::string_view::npos) {
                return;
            } else {
                ++at_;
            }
        }
    }
    bool take(char c) {
        skip_space();
        if (!error_.empty() || at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        skip_space();
        return true;
    }
    std::string_view take_name(bool is_metric) {
        const std::size_t begin = at_;
        while (at_ < text_.size() && is_name_char(text_[at_], at_ == begin, is_metric)) ++at_;
        return text_.substr(begin, at_ - begin);
    }

    void parse_matchers() {
        while (error_.empty() && !take('}')) {
            parse_matcher();
            if (take(',')) continue;
            if (take('}')) return;
            fail_unexpected("label matching");
        }
    }
    void parse_matcher() {
        const bool is_quoted = at_ < text_.size() && is_quote(text_[at_]);
        std::string name = is_quoted ? take_string() : std::string(take_name(false));
        if (name.empty()) return fail_unexpected("label matching");
        skip_space();
        const bool is_alone = at_ < text_.size() && (text_[at_] == ',' || text_[at_] == '}');
        if (is_quoted && is_alone) return add(std::string(kMetricName), MatchOp::equal, name);
        const auto op = take_op();
        skip_space();
        if (at_ >= text_.size() || !is_quote(text_[at_])) return fail_unexpected("label matching");
        add(std::move(name), op, take_string());
    }
    MatchOp take_op() {
        static constexpr std::array<std::pair<std::string_view, MatchOp>, 4> kOps{
            {{"=~", MatchOp::regex},
             {"!~", MatchOp::not_regex},
             {"!=", MatchOp::not_equal},
             {"=", MatchOp::equal}}};
        for (const auto& [text, op] : kOps) {
            if (!text_.substr(at_).starts_with(text)) continue;
            at_ += text.size();
            return op;
        }
        fail_unexpected("label matching");
        return MatchOp::equal;
    }
    void add(std::string name, MatchOp op, std::string value) {
        if (!error_.empty()) return;
        const bool is_second_name =
            name == kMetricName && op == MatchOp::equal &&
            std::ranges::any_of(selector_.matchers, [](const Matcher& matcher) {
                return matcher.name() == kMetricName && matcher.op() == MatchOp::equal;
            });
        if (is_second_name) return fail("metric name must not be set twice");
        auto matcher = Matcher::make(std::move(name), op, std::move(value), dialect_);
        if (!matcher) return fail(matcher.error().text);
        selector_.matchers.push_back(*std::move(matcher));
    }

    static bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }
    /// At a quote. Escapes are those of Go.
    std::string take_string() {
        const char quote = text_[at_++];
        std::string out;
        while (error_.empty()) {
            if (at_ >= text_.size() || (text_[at_] == '\n' && quote != '`')) {
                fail("unterminated quoted string");
            } else if (text_[at_] == quote) {
                ++at_;
                return out;
            } else if (text_[at_] == '\\' && quote != '`') {
                ++at_;
                take_escape(quote, out);
            } else {
                out += text_[at_++];
            }
        }
        return out;
    }
    void take_escape(char quote, std::string& out) {
        static constexpr std::string_view kNames = "abfnrtv\\";
        static constexpr std::string_view kBytes = "\a\b\f\n\r\t\v\\";
        const char c = at_ < text_.size() ? text_[at_++] : '\0';
        if (const auto named = kNames.find(c); named != std::string_view::npos) {
            out += kBytes[named];
        } else if (c == quote) {
            out += c;
        } else if (c == 'x') {
            out += static_cast<char>(take_number(2, 16));
        } else if (c == 'u') {
            append_utf8(out, take_number(4, 16));
        } else if (c == 'U') {
            append_utf8(out, take_number(8, 16));
        } else if (c >= '0' && c <= '7') {
            --at_;
            out += static_cast<char>(take_number(3, 8));
        } else {
            fail("unknown escape sequence");
        }
    }
    std::uint32_t take_number(std::size_t digits, int base) {
        const auto text = text_.substr(at_, digits);
        std::uint32_t number = 0;
        const auto [end, failed] =
            std::from_chars(text.data(), text.data() + text.size(), number, base);
        if (text.size() < digits || failed != std::errc() || end != text.data() + text.size() ||
            number > 0x10FFFF)
            fail("illegal escape sequence");
        at_ += text.size();
        return number;
    }

    void parse_range() {
        const auto end = std::min(text_.find(']', at_), text_.size());
        auto text = text_.substr(at_, end - at_);
        while (text.ends_with(' ')) text.remove_suffix(1);
        if (const auto millis = parse_duration_millis(text)) {
            selector_.range = Millis(*millis);
        } else if (const auto seconds = number(text)) {
            selector_.range = Millis(static_cast<std::int64_t>(*seconds * 1000));
        } else {
            return fail(fmt::format("bad duration {}", quote_for_promql(text)));
        }
        if (selector_.range->count() <= 0) return fail("duration must be greater than 0");
        at_ = end;
        if (!take(']')) fail_unexpected("range selector");
    }
    static std::optional<double> number(std::string_view text) {
        double value = 0;
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool is_whole = failed == std::errc() && end == text.data() + text.size();
        return is_whole && value < 1e12 ? std::optional(value) : std::nullopt;
    }

    std::string_view text_;
    RegexDialect dialect_;
    std::size_t at_ = 0;
    Selector selector_;
    std::string error_;
    std::size_t error_at_ = 0;
};

}  // namespace

Result<Selector, ParseError> parse_selector(std::string_view text, RegexDialect dialect) {
    return Parser(text, dialect).parse();
}

std::string to_api_text(const ParseError& error) {
    return fmt::format("{}:{}: parse error: {}", error.line, error.column, error.text);
}

}  // namespace inferscope::promql
