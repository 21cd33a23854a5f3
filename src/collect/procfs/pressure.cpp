// SPDX-License-Identifier: Apache-2.0
#include "collect/procfs/pressure.h"

#include "collect/scanner.h"

namespace inferscope::collect {
namespace {

std::optional<std::uint64_t> total_of(std::string_view line) {
    for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
        if (word.starts_with("total=")) return to_unsigned(word.substr(6));
    }
    return std::nullopt;
}

}  // namespace

Result<Pressure> parse_pressure(std::string_view text) {
    std::optional<std::uint64_t> some;
    std::optional<std::uint64_t> full;
    while (auto line = take_line(text)) {
        const auto kind = take_word(*line);
        if (kind == "some") some = total_of(*line);
        if (kind == "full") full = total_of(*line);
    }
    if (!some) return Error{Errc::invalid_argument, "no line 'some' with 'total='"};
    return Pressure{*some, full};
}

}  // namespace inferscope::collect
