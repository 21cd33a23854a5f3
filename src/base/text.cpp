// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace inferscope {
namespace {

/// Length of the UTF-8 sequence at the start of `text`, 0 if it is none. Source: RFC 3629,
/// section 4.
std::size_t utf8_length(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto continues = [&](std::size_t i, unsigned char low = 0x80, unsigned char high = 0xbf) {
        return i < text.size() && at(i) >= low && at(i) <= high;
    };
    const unsigned char first = at(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        const unsigned char low = first == 0xe0 ? 0xa0 : 0x80;
        const unsigned char high = first == 0xed ? 0x9f : 0xbf;
        return continues(1, low, high) && continues(2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const unsigned char low = first == 0xf0 ? 0x90 : 0x80;
        const unsigned char high = first == 0xf4 ? 0x8f : 0xbf;
        return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

Utf8Character first_character(std::string_view text) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return {0xfffd, 1};
    if (length == 1) return {static_cast<unsigned char>(text[0]), 1};
    char32_t code = static_cast<unsigned char>(text[0]) & (0x7fU >> length);
    for (const char c : text.substr(1, length - 1))
        code = code << 6 | (static_cast<unsigned char>(c) & 0x3fU);
    return {code, length};
}

bool is_valid_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::optional<std::string_view> nearest_word(std::string_view word,
                                             std::span<const std::string_view> known) {
    std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
    std::optional<std::string_view> nearest;
    for (const auto candidate : known) {
        const std::size_t distance = edit_distance(word, candidate);
        if (distance >= best) continue;
        best = distance;
        nearest = candidate;
    }
    return nearest;
}

std::string stable_id(std::string_view text) {
    return fmt::format("{}", stable_hash(text) % 1'000'000'000);
}

std::string quote_for_message(std::string_view text, std::size_t limit) {
    std::string out;
    while (!text.empty()) {
        if (out.size() >= limit) return out + "…";
        const std::size_t length = utf8_length(text);
        const auto byte = static_cast<unsigned char>(text[0]);
        if (length == 0 || byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\x{:02x}", byte);
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(1, length));
    }
    return out;
}

std::optional<std::int64_t> parse_duration_millis(std::string_view text) {
    struct Unit {
        std::string_view name;
        std::int64_t millis;
    };
    static constexpr std::array<Unit, 7> kUnits{{{"y", 365LL * 86'400'000},
                                                 {"w", 7LL * 86'400'000},
                                                 {"d", 86'400'000},
                                                 {"h", 3'600'000},
                                                 {"m", 60'000},
                                                 {"s", 1'000},
                                                 {"ms", 1}}};
    if (text == "0") return 0;
    if (text.empty()) return std::nullopt;
    std::int64_t total = 0;
    std::size_t next_unit = 0;
    while (!text.empty()) {
        std::int64_t count = 0;
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), count);
        if (ec != std::errc() || text[0] == '-') return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        const auto name = text.substr(0, std::min(text.find_first_of("0123456789"), text.size()));
        text.remove_prefix(name.size());
        while (next_unit < kUnits.size() && kUnits[next_unit].name != name) ++next_unit;
        if (next_unit == kUnits.size()) return std::nullopt;
        std::int64_t part = 0;
        if (__builtin_mul_overflow(count, kUnits[next_unit].millis, &part) ||
            __builtin_add_overflow(total, part, &total)) {
            return std::nullopt;
        }
        ++next_unit;
    }
    return total;
}

std::optional<std::uint64_t> parse_byte_size(std::string_view text) {
    double number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc() || !(number >= 0)) return std::nullopt;
    auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
    double factor = 1;
    if (!unit.empty() && unit != "B") {
        static constexpr std::string_view kPrefixes = "KMGTPE";
        const auto power = kPrefixes.find(unit[0]);
        unit.remove_prefix(1);
        if (power == std::string_view::npos || (unit != "B" && unit != "iB" && !unit.empty())) {
            return std::nullopt;
        }
        factor = std::pow(1024.0, static_cast<double>(power + 1));
    }
    if (number * factor >= 0x1p63) return std::nullopt;
    return static_cast<std::uint64_t>(number * factor);
}

void append_utf8(std::string& out, std::uint32_t code) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xC0 | code >> 6);
        out += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        out += static_cast<char>(0xE0 | code >> 12);
        out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
        out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
        out += static_cast<char>(0xF0 | code >> 18);
        out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
        out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
        out += static_cast<char>(0x80 | (code & 0x3F));
    }
}

}  // namespace inferscope
