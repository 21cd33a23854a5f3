// SPDX-License-Identifier: Apache-2.0
#include "collect/procfs/loadavg.h"

#include <fmt/format.h>

#include "base/numbers.h"
#include "base/text.h"
#include "collect/scanner.h"

namespace inferscope::collect {
namespace {

Result<double> take_decimal(std::string_view& line) {
    const auto word = take_word(line);
    const auto value = parse_number(word);
    if (value) return *value;
    return Error{Errc::invalid_argument,
                 fmt::format("'{}' is not a number", quote_for_message(word))};
}

}  // namespace

Result<std::array<double, 3>> parse_loadavg(std::string_view text) {
    auto line = take_line(text).value_or("");
    std::array<double, 3> load{};
    for (auto& value : load) {
        auto number = take_decimal(line);
        if (!number) return number.error();
        value = *number;
    }
    return load;
}

Result<double> parse_uptime(std::string_view text) {
    auto line = take_line(text).value_or("");
    return take_decimal(line);
}

}  // namespace inferscope::collect
