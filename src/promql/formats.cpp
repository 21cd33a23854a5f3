// SPDX-License-Identifier: Apache-2.0
#include "promql/formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>

#include "base/numbers.h"
#include "base/text.h"
#include "telemetry/matcher.h"

namespace inferscope::promql {
namespace {

constexpr double kNanosPerSecond = 1e9;
constexpr std::int64_t kNanosPerMilli = 1'000'000;
constexpr double kMostNanos = 0x1p63;
constexpr std::int64_t kMostMillis = std::numeric_limits<std::int64_t>::max() / kNanosPerMilli;

constexpr std::string_view kEscapeNames = "abfnrtv\\'\"";
constexpr std::string_view kEscapeBytes = "\a\b\f\n\r\t\v\\'\"";

/// Go's unicode.IsPrint, but for the unassigned.
bool is_printable(char32_t code) {
    return (code >= 0x20 && code < 0x7f) || (code > 0xa0 && code != 0xad);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct Unit {
    std::string_view name;
    std::int64_t millis;
    bool if_exact;  ///< written only if nothing is left then: 90d, not 12w6d
};
constexpr std::array<Unit, 7> kUnits{{{"y", 365LL * 86'400'000, true},
                                      {"w", 7LL * 86'400'000, true},
                                      {"d", 86'400'000, false},
                                      {"h", 3'600'000, false},
                                      {"m", 60'000, false},
                                      {"s", 1'000, false},
                                      {"ms", 1, false}}};

/// Shortest digits, and the power of ten of the first of them. Of a finite value.
struct Digits {
    std::string text;
    int exponent = 0;
};
Digits shortest_digits(double value) {
    std::array<char, 32> buffer{};
    const auto [end, failed] = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                             std::abs(value), std::chars_format::scientific);
    const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
    const auto e = text.find('e');
    Digits digits;
    for (const char c : text.substr(0, e))
        if (c != '.') digits.text += c;
    const auto exponent = text.substr(text[e + 1] == '+' ? e + 2 : e + 1);
    std::from_chars(exponent.data(), exponent.data() + exponent.size(), digits.exponent);
    return digits;
}

std::string_view sign_of(double value) { return std::signbit(value) ? "-" : ""; }

std::optional<std::string> format_if_not_finite(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    return std::nullopt;
}

/// The unit in `text` that isn't one.
std::optional<std::string_view> unknown_unit(std::string_view text) {
    while (!text.empty()) {
        text.remove_prefix(std::min(text.find_first_not_of("0123456789"), text.size()));
        const auto name = text.substr(0, std::min(text.find_first_of("0123456789"), text.size()));
        if (!name.empty() && std::ranges::find(kUnits, name, &Unit::name) == kUnits.end())
            return name;
        text.remove_prefix(name.size());
    }
    return std::nullopt;
}

/// Whether each underscore stands between two digits or behind "0x". Source: Go, strconv,
/// underscoreOK.
bool has_underscores_right(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '_') continue;
        const bool is_behind =
            i > 0 && (std::isxdigit(static_cast<unsigned char>(text[i - 1])) != 0 ||
                      text[i - 1] == 'x' || text[i - 1] == 'X');
        const bool is_before =
            i + 1 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1])) != 0;
        if (!is_behind || !is_before) return false;
    }
    return true;
}

bool is_hexadecimal(std::string_view text) {
    return text.size() > 1 && text[0] == '0' && (text[1] | 0x20) == 'x';
}

std::optional<double> parse_integer(std::string_view text) {
    int base = 10;
    if (is_hexadecimal(text)) {
        base = 16;
        text.remove_prefix(2);
    } else if (text.size() > 1 && text[0] == '0') {
        base = 8;
        text.remove_prefix(1);
    }
    std::int64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return static_cast<double>(value);
}

/// Whether `text`, which is no number that we can hold, is too large rather than no number at all.
bool is_out_of_range(std::string_view text) {
    double value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failed == std::errc::result_out_of_range && end == text.data() + text.size();
}

std::uint32_t take_code(std::string_view& text, std::size_t digits, int base) {
    std::uint32_t code = 0;
    std::from_chars(text.data(), text.data() + std::min(digits, text.size()), code, base);
    text.remove_prefix(std::min(digits, text.size()));
    return code;
}

/// `text` starts behind the backslash.
void append_unescaped(std::string& out, std::string_view& text) {
    const char c = text[0];
    if (is_digit(c)) {
        out += static_cast<char>(take_code(text, 3, 8));
        return;
    }
    text.remove_prefix(1);
    if (const auto at = kEscapeNames.find(c); at != std::string_view::npos) {
        out += kEscapeBytes[at];
    } else if (c == 'x') {
        out += static_cast<char>(take_code(text, 2, 16));
    } else {
        append_utf8(out, take_code(text, c == 'u' ? 4 : 8, 16));
    }
}

}  // namespace

std::string quote_character(char32_t code) {
    for (std::size_t i = 0; i + 1 < kEscapeNames.size(); ++i) {  // but for the double quote
        if (code == static_cast<unsigned char>(kEscapeBytes[i]))
            return fmt::format("'\\{}'", kEscapeNames[i]);
    }
    const auto number = static_cast<std::uint32_t>(code);
    if (is_printable(code)) {
        std::string out = "'";
        append_utf8(out, number);
        return out + '\'';
    }
    if (code < 0x80) return fmt::format("'\\x{:02x}'", number);
    return code < 0x10000 ? fmt::format("'\\u{:04x}'", number) : fmt::format("'\\U{:08x}'", number);
}

std::string name_character(char32_t code) {
    const auto number = static_cast<std::uint32_t>(code);
    if (!is_printable(code)) return fmt::format("U+{:04X}", number);
    std::string out = fmt::format("U+{:04X} '", number);
    append_utf8(out, number);
    return out + '\'';
}

std::string quote_shortened(std::string_view text) {
    constexpr std::size_t kMost = 10;
    if (text.size() <= kMost) return quote_for_promql(text);
    std::size_t length = 0;
    for (std::size_t i = 0; i < kMost && length < text.size(); ++i)
        length += first_character(text.substr(length)).length;
    return quote_for_promql(text.substr(0, length)) + "...";
}

std::string format_without_exponent(double value) {
    if (auto word = format_if_not_finite(value)) return *std::move(word);
    auto [digits, exponent] = shortest_digits(value);
    if (exponent < 0) {
        digits.insert(0, static_cast<std::size_t>(-exponent), '0');
        exponent = 0;
    }
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() < whole) digits.resize(whole, '0');
    if (digits.size() > whole) digits.insert(whole, 1, '.');
    return fmt::format("{}{}", sign_of(value), digits);
}

std::string format_with_exponent(double value) {
    if (auto word = format_if_not_finite(value)) return *std::move(word);
    auto [digits, exponent] = shortest_digits(value);
    if (exponent >= -4 && exponent < 6) return format_without_exponent(value);
    if (digits.size() > 1) digits.insert(1, 1, '.');
    return fmt::format("{}{}e{:+03}", sign_of(value), digits, exponent);
}

std::string format_duration(Millis duration) {
    if (duration.count() == 0) return "0s";
    std::string out = duration.count() < 0 ? "-" : "";
    std::int64_t rest = std::abs(duration.count());
    for (const auto& unit : kUnits) {
        if (unit.if_exact && rest % unit.millis != 0) continue;
        if (rest >= unit.millis)
            fmt::format_to(std::back_inserter(out), "{}{}", rest / unit.millis, unit.name);
        rest %= unit.millis;
    }
    return out;
}

Millis to_millis(double seconds) {
    const double nanos = std::round(seconds * kNanosPerSecond);
    if (nanos >= kMostNanos) return Millis(kMostMillis);
    if (!(nanos > -kMostNanos)) return Millis(-kMostMillis);
    return Millis(static_cast<std::int64_t>(nanos) / kNanosPerMilli);
}

bool is_duration_in_range(double seconds) {
    return !(std::abs(seconds) > kMostNanos / kNanosPerSecond);
}

Result<double> parse_duration_seconds(std::string_view text, Dialect dialect) {
    constexpr std::size_t kMostDigits = 12;  // of a count of milliseconds that is in range
    const auto millis = parse_duration_millis(text);
    const bool is_long = text.find_first_not_of("0123456789") > kMostDigits;
    if (millis ? *millis > kMostMillis : is_long && !unknown_unit(text))
        return Error{Errc::invalid_argument, "duration out of range"};
    if (millis) {
        const auto nanos = *millis % 1000 * kNanosPerMilli;
        return static_cast<double>(*millis / 1000) + static_cast<double>(nanos) / kNanosPerSecond;
    }
    if (const auto unit = unknown_unit(text); unit && dialect != Dialect::prometheus2)
        return Error{Errc::invalid_argument,
                     fmt::format("unknown unit {} in duration {}", quote_for_promql(*unit),
                                 quote_for_promql(text))};
    return Error{Errc::invalid_argument,
                 fmt::format("not a valid duration string: {}", quote_for_promql(text))};
}

Result<double> parse_number_literal(std::string_view text) {
    std::string digits(text);
    std::erase(digits, '_');
    const bool is_right = has_underscores_right(text);
    if (is_right) {
        if (const auto whole = parse_integer(digits)) return *whole;
        if (const auto number = is_hexadecimal(digits) ? std::nullopt : parse_number(digits))
            return *number;
    }
    const bool is_large = is_right && !is_hexadecimal(digits) && is_out_of_range(digits);
    return Error{
        Errc::invalid_argument,
        fmt::format("error parsing number: strconv.ParseFloat: parsing {}: {}",
                    quote_for_promql(text), is_large ? "value out of range" : "invalid syntax")};
}

std::string unquote(std::string_view quoted) {
    auto text = quoted.substr(1, quoted.size() - 2);
    if (quoted[0] == '`') return std::string(text);
    std::string out;
    while (!text.empty()) {
        const auto plain = text.substr(0, text.find('\\'));
        out += plain;
        text.remove_prefix(plain.size());
        if (text.empty()) break;
        text.remove_prefix(1);
        append_unescaped(out, text);
    }
    return out;
}

}  // namespace inferscope::promql
