// SPDX-License-Identifier: Apache-2.0
// Reading the small texts of /proc.
#pragma once

#include <charconv>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace inferscope::discovery {

/// The whole of `text` as a number.
template <class T>
std::optional<T> proc_number(std::string_view text, int base = 10) {
    T number{};
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// What stands between spaces.
std::vector<std::string_view> proc_words(std::string_view line);

/// At most `limit` bytes; empty if the file can't be read. Until the end, or until `enough(text so
/// far)`.
std::string read_proc_file(const std::string& path, std::size_t limit,
                           const std::function<bool(std::string_view)>& enough = {});

}  // namespace inferscope::discovery
