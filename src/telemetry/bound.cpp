// SPDX-License-Identifier: Apache-2.0
#include "telemetry/bound.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/numbers.h"

namespace inferscope {

std::string normal_bound(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    std::array<char, 64> text{};
    const double size = std::fabs(value);
    const bool exponent =
        size != 0 && (size < 1e-4 || size >= 1e6);  // as Go's strconv decides for shortest digits
    const auto format = exponent ? std::chars_format::scientific : std::chars_format::fixed;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value, format).ptr;
    std::string out(text.data(), end);
    if (out.find_first_of("e.") == std::string::npos) out += ".0";
    return out;
}

std::string normal_bound(std::string_view text) {
    const auto number = parse_number(text);
    return number ? normal_bound(*number) : std::string(text);
}

}  // namespace inferscope
