// SPDX-License-Identifier: Apache-2.0
#include "tsdb/column_numbers.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "tsdb/bit_packing.h"

namespace inferscope::tsdb {
namespace {

constexpr auto kRounderBits = std::bit_cast<std::uint64_t>(kRounder);
constexpr auto kIntegerLimit = static_cast<double>(kExactLimit);

constexpr std::size_t kSamples = 8;
constexpr std::uint64_t kMostCorrectionBits = 16;
constexpr int kMostFixedBits = 56;  ///< wider ones are no clock's multiples
constexpr int kLeastFactor = 8;     ///< integers that share at least 2^8 are written without it

std::uint64_t bits_of(double value) { return std::bit_cast<std::uint64_t>(value); }

/// Whole numbers below 2^51, not -0.0. Returns false if one isn't; then `numbers` is rubbish.
INFERSCOPE_VECTOR_CLONES
bool to_integers(const double* values, std::size_t count, std::uint64_t* numbers) {
    std::uint64_t wrong = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const double rounded = values[i] + kRounder;
        const double back = rounded - kRounder;
        numbers[i] = bits_of(rounded) - kRounderBits;
        wrong |= bits_of(back) ^ bits_of(values[i]);
        wrong |= std::fabs(values[i]) < kIntegerLimit ? 0 : 1;
    }
    return wrong == 0;
}

INFERSCOPE_VECTOR_CLONES
std::uint64_t any_bits(const std::uint64_t* numbers, std::size_t count) {
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < count; ++i) any |= numbers[i];
    return any;
}

/// Numbers of less than 51 bits and a sign; returns false if one is larger.
INFERSCOPE_VECTOR_CLONES
bool to_doubles(const std::uint64_t* numbers, std::size_t count, double* values) {
    std::uint64_t high = 0;
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = exact_double(numbers[i]);
        high |= (numbers[i] + kExactLimit) >> 52;
    }
    return high == 0;
}

INFERSCOPE_VECTOR_CLONES
void divide(double* values, std::size_t count, double divisor) {
    for (std::size_t i = 0; i < count; ++i) values[i] /= divisor;
}

INFERSCOPE_VECTOR_CLONES
void multiply(double* values, std::size_t count, double factor) {
    for (std::size_t i = 0; i < count; ++i) values[i] *= factor;
}

bool is_exception(double value) { return !std::isfinite(value) || bits_of(value) == bits_of(-0.0); }

/// The smallest denominator whose fraction is `value` but for rounding; nothing if the fit might be
/// chance. `value` may be a difference from 1, so its error is one of 1.
std::uint64_t find_denominator(double value) {
    constexpr double kChance = 1.0 / 256;
    const double whole = std::floor(value);
    const double tolerance = std::max(std::nextafter(value, HUGE_VAL) - value, 0x1p-53) * 2;
    double rest = value - whole, target = rest;
    double q0 = 0, q1 = 1, p0 = 1, p1 = 0;  // the last two convergents
    while (q1 * q1 * tolerance < kChance) {
        if (std::fabs(target - p1 / q1) <= tolerance) return static_cast<std::uint64_t>(q1);
        if (rest < tolerance) break;
        const double inverse = 1 / rest, term = std::floor(inverse);
        rest = inverse - term;
        p0 = std::exchange(p1, term * p1 + p0);
        q0 = std::exchange(q1, term * q1 + q0);
    }
    return 0;
}

/// Up to kSamples values, spread evenly, none whole.
std::vector<double> fractional_samples(std::span<const double> values) {
    std::vector<double> samples;
    const std::size_t step = values.size() / kSamples + 1;
    for (std::size_t i = 0; i < values.size() && samples.size() < kSamples; i += step)
        if (values[i] != std::floor(values[i])) samples.push_back(std::fabs(values[i]));
    return samples;
}

std::uint64_t find_decimal_divisor(std::span<const double> samples) {
    for (std::uint64_t divisor = 10; divisor <= kMaxDivisor; divisor *= 10) {
        const auto d = static_cast<double>(divisor);
        const auto fits = [d](double v) {
            return v * d < kIntegerLimit && std::nearbyint(v * d) / d == v;
        };
        if (std::ranges::all_of(samples, fits)) return divisor;
    }
    return 0;
}

std::uint64_t find_common_denominator(std::span<const double> samples) {
    std::uint64_t common = 1;
    for (const double value : samples) {
        const auto denominator = find_denominator(value);
        if (denominator == 0) return 0;
        common = std::lcm(common, denominator);
        if (common > kMaxDivisor) return 0;
    }
    return common;
}

/// What the lowest set bit of a finite value other than 0 is worth: its binary exponent.
int lowest_exponent(double value) {
    const auto bits = bits_of(value);
    const auto exponent = static_cast<int>(bits >> 52 & 0x7ff);
    const auto mantissa = (bits & low_bits(52)) | (exponent > 0 ? std::uint64_t{1} << 52 : 0);
    return std::max(exponent, 1) - 1075 + std::countr_zero(mantissa);
}

std::int64_t shift_of(const NumberScale& scale) {
    return static_cast<std::int64_t>(unzigzag(scale.parameter));
}

}  // namespace

void ColumnNumbers::assign(std::span<const double> values, std::span<const std::uint64_t> present) {
    numbers.resize(values.size());
    exceptions.clear();
    corrections.clear();
    if (present.empty() && assign_integers(values)) return;
    for (std::size_t row = 0; row < values.size(); ++row)
        if (is_present(present, row) && is_exception(values[row]))
            exceptions.push_back(static_cast<std::uint32_t>(row));
    const bool mostly_exceptions = exceptions.size() > values.size() / 4;
    if (mostly_exceptions) exceptions.clear();
    hold_over_gaps(values, present);
    if (mostly_exceptions) return assign_bits(held_);
    if (assign_integers(held_) || assign_ratio(held_) || assign_fixed(held_)) return;
    assign_bits(held_);
}

/// Rows that have no number repeat the one before; those at the start, the first that comes.
void ColumnNumbers::hold_over_gaps(std::span<const double> values,
                                   std::span<const std::uint64_t> present) {
    held_.resize(values.size());
    double last = 0;
    bool any = false;
    std::size_t next_exception = 0;
    for (std::size_t row = 0; row < values.size(); ++row) {
        const bool excepted =
            next_exception < exceptions.size() && exceptions[next_exception] == row;
        next_exception += excepted ? 1 : 0;
        if (!excepted && is_present(present, row)) {
            last = values[row];
            if (!any) std::fill_n(held_.begin(), row, last);
            any = true;
        }
        held_[row] = last;
    }
}

bool ColumnNumbers::assign_integers(std::span<const double> values) {
    if (!to_integers(values.data(), values.size(), numbers.data())) return false;
    scale = {};
    const auto any = any_bits(numbers.data(), numbers.size());
    const int factor = std::countr_zero(any);
    if (any == 0 || factor < kLeastFactor) return true;
    const auto shift = static_cast<std::uint64_t>(-std::int64_t{factor});
    scale = {NumberScale::Kind::fixed, static_cast<std::uint32_t>(zigzag(shift))};
    for (auto& number : numbers)
        number = static_cast<std::uint64_t>(static_cast<std::int64_t>(number) >> factor);
    return true;
}

bool ColumnNumbers::assign_ratio(std::span<const double> values) {
    const auto samples = fractional_samples(values);
    if (samples.empty()) return false;
    for (const auto divisor : {find_decimal_divisor(samples), find_common_denominator(samples)})
        if (divisor > 1 && try_divisor(values, divisor)) return true;
    return false;
}

bool ColumnNumbers::try_divisor(std::span<const double> values, std::uint64_t divisor) {
    const auto d = static_cast<double>(divisor);
    corrections.resize(values.size());
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double number = std::nearbyint(values[i] * d);
        if (!(std::fabs(number) < kIntegerLimit)) return corrections.clear(), false;
        const auto whole = static_cast<std::int64_t>(number);  // a -0.0 becomes 0, as when read
        numbers[i] = static_cast<std::uint64_t>(whole);
        corrections[i] = bits_of(values[i]) - bits_of(static_cast<double>(whole) / d);
        any |= zigzag(corrections[i]);
        if (any >> kMostCorrectionBits != 0) return corrections.clear(), false;
    }
    if (any == 0) corrections.clear();
    scale = {NumberScale::Kind::ratio, static_cast<std::uint32_t>(divisor)};
    return true;
}

bool ColumnNumbers::assign_fixed(std::span<const double> values) {
    int lowest = 2000, highest = -2000;
    for (const double value : values) {
        if (value == 0) continue;
        lowest = std::min(lowest, lowest_exponent(value));
        highest = std::max(highest, std::ilogb(value));
    }
    if (lowest < -kMaxShift || lowest > kMaxShift || highest - lowest >= kMostFixedBits)
        return false;
    for (std::size_t i = 0; i < values.size(); ++i)
        numbers[i] =
            static_cast<std::uint64_t>(static_cast<std::int64_t>(std::ldexp(values[i], -lowest)));
    const auto shift = static_cast<std::uint64_t>(-std::int64_t{lowest});
    scale = {NumberScale::Kind::fixed, static_cast<std::uint32_t>(zigzag(shift))};
    return true;
}

void ColumnNumbers::assign_bits(std::span<const double> values) {
    std::memcpy(numbers.data(), values.data(), values.size_bytes());
    scale = {NumberScale::Kind::bits, 0};
}

void numbers_to_values(const NumberScale& scale, std::span<const std::uint64_t> numbers,
                       std::span<double> values) {
    if (scale.kind == NumberScale::Kind::bits) {
        std::memcpy(values.data(), numbers.data(), values.size_bytes());
        return;
    }
    if (!to_doubles(numbers.data(), numbers.size(), values.data())) {
        for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = static_cast<double>(static_cast<std::int64_t>(numbers[i]));
    }
    scale_values(scale, values);
}

void scale_values(const NumberScale& scale, std::span<double> values) {
    if (scale.kind == NumberScale::Kind::ratio)
        divide(values.data(), values.size(), static_cast<double>(scale.parameter));
    if (scale.kind == NumberScale::Kind::fixed)
        multiply(values.data(), values.size(), std::ldexp(1.0, static_cast<int>(-shift_of(scale))));
}

}  // namespace inferscope::tsdb
