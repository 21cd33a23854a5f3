// SPDX-License-Identifier: Apache-2.0
// Numbers as Prometheus writes and reads them.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace inferscope {

/// The value that says "this series has ended", told from other NaNs by its bits.
/// Source: Prometheus, model/value/value.go, StaleNaN.
inline constexpr std::uint64_t kStaleMarkerBits = 0x7ff0000000000002;
inline constexpr double kStaleMarker = std::bit_cast<double>(kStaleMarkerBits);
/// The NaN that a page's "NaN" becomes. Source: as above, NormalNaN.
inline constexpr double kNormalNaN = std::bit_cast<double>(std::uint64_t{0x7ff8000000000001});

constexpr bool is_stale_marker(double value) {
    return std::bit_cast<std::uint64_t>(value) == kStaleMarkerBits;
}

/// Reads the whole of `text` as Go's strconv.ParseFloat does for the spellings that expositions
/// contain: decimal and exponent form, "+Inf", "-Inf", "Inf", "inf", "infinity", "NaN" in any case,
/// a leading '+'; and hexadecimal floats. NaN gives `kNormalNaN`. Too large gives infinity only
/// when spelt so: else nothing.
std::optional<double> parse_number(std::string_view text);

/// Appends `value` in a form that every reader of the text format takes: shortest digits that read
/// back the same; whole numbers below 1e15 without exponent or point; "NaN", "+Inf", "-Inf".
void append_number(std::string& out, double value);
std::string format_number(double value);

/// The fewest digits that read back the same: significand * 10^exponent, without the sign.
struct ShortestDecimal {
    std::uint64_t significand = 0;
    int exponent = 0;
};
/// Of a finite number other than zero.
ShortestDecimal shortest_decimal(double value);

}  // namespace inferscope
