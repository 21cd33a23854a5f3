// SPDX-License-Identifier: Apache-2.0
// Digits are written eight at a time, leading zeros included, from the end; what is too much is
// written over or lies outside of the text.
#include "api/go_number.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/numbers.h"

namespace inferscope::api {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint64_t kEightDigits = 100'000'000;

constexpr auto kPowers = [] {
    std::array<std::uint64_t, 20> powers{};
    powers[0] = 1;
    for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
    return powers;
}();

/// Writes the eight digits of a number below 1e8: halves, quarters and digits of it side by side
/// in one register.
void write_eight(char* at, std::uint64_t number) {
    const std::uint64_t halves = number / 10'000 | (number % 10'000) << 32;
    const std::uint64_t hundreds = (halves * 5243 >> 19) & 0x7f'0000'007f;
    const std::uint64_t pairs = hundreds | (halves - hundreds * 100) << 16;
    const std::uint64_t tens = (pairs * 103 >> 10) & 0x000f'000f'000f'000f;
    const std::uint64_t digits = (tens | (pairs - tens * 10) << 8) + 0x3030'3030'3030'3030;
    std::memcpy(at, &digits, sizeof digits);
}

/// The last `count` digits end at `end`; writes up to 24 bytes before it.
void write_digits(char* end, std::uint64_t number, int count) {
    for (; count > 8; count -= 8, end -= 8, number /= kEightDigits)
        write_eight(end - 8, number % kEightDigits);
    write_eight(end - 8, number % kEightDigits);
}

int digits_of(std::uint64_t number) {
    // 1233 / 4096 is about log10(2).
    const int guess = static_cast<int>(std::bit_width(number | 1)) * 1233 >> 12;
    return guess + (number >= kPowers[static_cast<std::size_t>(guess)] ? 1 : 0);
}

}  // namespace

void GoNumber::set(double value) {
    constexpr double kWhole = 9007199254740992;  // 2^53: below it each whole number is one
    const double size = std::abs(value);
    if (size < kWhole && std::trunc(size) == size) {
        write_whole(static_cast<std::uint64_t>(size));
    } else if (size >= 1e-6 && size < 1e21) {
        write_fixed(size);
    } else if (std::isfinite(value)) {
        begin_ = 1;
        char* const end = std::to_chars(bytes_.begin() + begin_, bytes_.end(), size,
                                        std::chars_format::scientific)
                              .ptr;
        end_ = static_cast<std::uint8_t>(end - bytes_.data());
    } else {
        write_word(std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        return;
    }
    if (std::signbit(value)) bytes_[--begin_] = '-';
}

void GoNumber::write_word(std::string_view word) {
    std::ranges::copy(word, bytes_.begin());
    begin_ = 0;
    end_ = static_cast<std::uint8_t>(word.size());
}

/// Before where the point would stand.
void GoNumber::write_whole(std::uint64_t number) {
    const int digits = std::max(digits_of(number), 1);
    write_digits(bytes_.data() + kPoint, number, digits);
    begin_ = static_cast<std::uint8_t>(kPoint - digits);
    end_ = kPoint;
}

void GoNumber::write_fixed(double value) {
    const auto [significand, exponent] = shortest_decimal(value);
    if (exponent >= 0) {
        write_whole(significand);
        std::fill_n(bytes_.begin() + end_, exponent, '0');
        end_ = static_cast<std::uint8_t>(end_ + exponent);
        return;
    }
    const int places = -exponent;  // behind the point: up to 23
    const auto one = kPowers[static_cast<std::size_t>(std::min(places, 19))];
    const auto whole = significand / one;  // a significand has at most 17 digits
    write_digits(bytes_.data() + kPoint + 1 + places, significand - whole * one, places);
    write_whole(whole);
    bytes_[kPoint] = '.';
    end_ = static_cast<std::uint8_t>(kPoint + 1 + places);
}

}  // namespace inferscope::api
