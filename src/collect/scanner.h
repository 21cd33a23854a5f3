// SPDX-License-Identifier: Apache-2.0
// Walks the text of kernel files: lines, words between blanks, unsigned numbers. No allocation, no
// locale.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace inferscope::collect {

/// Takes the next line (without its end) off `text`; nothing when `text` is used up.
inline std::optional<std::string_view> take_line(std::string_view& text) {
    if (text.empty()) return std::nullopt;
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

/// Takes the next word off `line`; empty when there is none. Words end at a blank or a tab.
inline std::string_view take_word(std::string_view& line) {
    const auto begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) {
        line = {};
        return {};
    }
    const auto end = line.find_first_of(" \t", begin);
    const auto word = line.substr(begin, end - begin);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end);
    return word;
}

/// The whole of `word` as an unsigned decimal number.
inline std::optional<std::uint64_t> to_unsigned(std::string_view word) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc{} || end != word.data() + word.size() || word.empty()) {
        return std::nullopt;
    }
    return value;
}

/// Takes the next word off `line` as a number; nothing if it isn't one (the word is taken all the
/// same).
inline std::optional<std::uint64_t> take_unsigned(std::string_view& line) {
    return to_unsigned(take_word(line));
}

}  // namespace inferscope::collect
