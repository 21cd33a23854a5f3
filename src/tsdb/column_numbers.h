// SPDX-License-Identifier: Apache-2.0
// A column's values as whole numbers, bit for bit. Four scales:
//   integer  value = i
//   ratio    value = i / divisor, then moved by a few units in the last place: decimals (divisor
//            100: CPU seconds), shares of a whole (KV blocks used: divisor 27,431, found by
//            continued fractions). A quotient of exact numbers is what a decimal's text parses to.
//   fixed    value = i * 2^-shift: sums of clock differences (all multiples of the clock's 2^-22
//   s),
//            pages of memory (2^12)
//   bits     i is the value's bit pattern: the rest, every NaN included. Neighbouring doubles are
//            neighbouring integers, so differences stay small for slowly rising sums.
// A row whose value the scale can't say (NaN, infinity, -0.0, a rare misfit) is an exception; it,
// and an absent row, repeats the number before. ALP (SIGMOD 2023) is where decimals come from.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace inferscope::tsdb {

struct NumberScale {
    enum class Kind : std::uint8_t { integer, ratio, fixed, bits };
    Kind kind = Kind::integer;
    std::uint32_t parameter = 0;  ///< ratio: the divisor; fixed: zigzag of the shift; else 0
    bool operator==(const NumberScale&) const = default;
};

inline constexpr std::uint64_t kMaxDivisor = 1'000'000'000;
inline constexpr std::int64_t kMaxShift = 1000;

/// Keeps its memory from column to column.
struct ColumnNumbers {
    NumberScale scale;
    std::vector<std::uint64_t> numbers;     ///< two's complement, one for each row
    std::vector<std::uint32_t> exceptions;  ///< rows, rising
    /// What must be added to the bits of i / divisor; empty where that is always nothing.
    std::vector<std::uint64_t> corrections;

    /// `present`: a bit for each row, lowest first; empty means all.
    void assign(std::span<const double> values, std::span<const std::uint64_t> present);

private:
    void hold_over_gaps(std::span<const double> values, std::span<const std::uint64_t> present);
    bool assign_integers(std::span<const double> values);
    bool assign_ratio(std::span<const double> values);
    bool assign_fixed(std::span<const double> values);
    void assign_bits(std::span<const double> values);
    bool try_divisor(std::span<const double> values, std::uint64_t divisor);

    std::vector<double> held_;
};

/// Whole numbers from -kExactLimit up to below it are doubles without a conversion: added to
/// kRounder, they stand in its low bits.
inline constexpr double kRounder = 0x1.8p52;
inline constexpr std::int64_t kExactLimit = std::int64_t{1} << 51;
[[gnu::always_inline]] inline double exact_double(std::uint64_t number) {
    return std::bit_cast<double>(number + std::bit_cast<std::uint64_t>(kRounder)) - kRounder;
}

/// The other way: numbers[i] becomes values[i]; exceptions and corrections are not looked at.
void numbers_to_values(const NumberScale& scale, std::span<const std::uint64_t> numbers,
                       std::span<double> values);
/// The last step of that: whole numbers of `scale`, not bit patterns, become values.
void scale_values(const NumberScale& scale, std::span<double> values);

constexpr bool is_present(std::span<const std::uint64_t> present, std::size_t row) {
    return present.empty() || (present[row / 64] >> (row % 64) & 1) != 0;
}

}  // namespace inferscope::tsdb
