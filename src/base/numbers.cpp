// SPDX-License-Identifier: Apache-2.0
#include "base/numbers.h"

#include <fast_float/fast_float.h>
#include <fmt/compile.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>

namespace inferscope {
namespace {

constexpr double kLargestPlainInteger = 1e15;

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
    if (text.size() != lower.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((text[i] | 0x20) != lower[i]) return false;
    }
    return true;
}

std::optional<double> parse_hexadecimal(std::string_view text) {
    for (const char c : text) {  // strtod would also take spaces and a locale's point
        const bool known = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') ||
                           (c | 0x20) == 'x' || (c | 0x20) == 'p' || c == '.' || c == '+' ||
                           c == '-';
        if (!known) return std::nullopt;
    }
    const std::string copy(text);
    char* end = nullptr;
    const double value = std::strtod(copy.c_str(), &end);
    if (end != copy.c_str() + copy.size() || std::isinf(value)) return std::nullopt;
    return value;
}

std::optional<double> parse_word(std::string_view text) {
    double sign = 1;
    if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
        sign = text[0] == '-' ? -1 : 1;
        text.remove_prefix(1);
    }
    if (equals_ignoring_case(text, "inf") || equals_ignoring_case(text, "infinity")) {
        return sign * std::numeric_limits<double>::infinity();
    }
    if (equals_ignoring_case(text, "nan")) return kNormalNaN;
    return std::nullopt;
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
    std::string_view digits = text;
    if (!digits.empty() && digits[0] == '+') digits.remove_prefix(1);
    if (digits.empty()) return std::nullopt;
    const char last = digits.back();
    if ((last | 0x20) == 'f' || (last | 0x20) == 'n' || (last | 0x20) == 'y') {
        if (auto word = parse_word(text)) return word;
    }
    const bool had_plus = digits.size() != text.size();
    if (digits[0] == '+' || (had_plus && digits[0] == '-')) return std::nullopt;
    double value = 0;
    const auto [end, ec] =
        fast_float::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (ec == std::errc() && end == digits.data() + digits.size() && !std::isinf(value) &&
        !std::isnan(value)) {
        return value;
    }
    if (digits.size() > 2 && (digits.find('x') <= 2 || digits.find('X') <= 2)) {
        return parse_hexadecimal(digits);
    }
    return std::nullopt;
}

void append_number(std::string& out, double value) {
    if (std::abs(value) < kLargestPlainInteger && !(value == 0 && std::signbit(value))) {
        const auto whole = static_cast<std::int64_t>(value);
        if (static_cast<double>(whole) == value) {
            const fmt::format_int digits(whole);
            out.append(digits.data(), digits.size());
            return;
        }
    }
    if (std::isnan(value)) {
        out += "NaN";
    } else if (std::isinf(value)) {
        out += value > 0 ? "+Inf" : "-Inf";
    } else {
        fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}"), value);
    }
}

std::string format_number(double value) {
    std::string out;
    append_number(out, value);
    return out;
}

ShortestDecimal shortest_decimal(double value) {
    // fmt has no other name for it; std::to_chars() takes three times as long.
    const auto [significand, exponent] = fmt::detail::dragonbox::to_decimal(value);
    return {significand, exponent};
}

}  // namespace inferscope
