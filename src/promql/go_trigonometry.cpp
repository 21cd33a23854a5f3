// SPDX-License-Identifier: Apache-2.0
// Circular functions and their inverses, after Cephes; arguments from 2^29 on are reduced by Payne
// and Hanek's method. The order of operations is part of the result.
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>

#include "promql/go_math.h"

namespace inferscope::promql::go {
namespace {

constexpr double kPi = std::numbers::pi;

/// From the highest power of z down.
double polynomial(std::span<const double> coefficients, double z) {
    double sum = coefficients[0];
    for (const double coefficient : coefficients.subspan(1)) sum = sum * z + coefficient;
    return sum;
}

constexpr std::array kSin{1.58962301576546568060e-10, -2.50507477628578072866e-8,
                          2.75573136213857245213e-6,  -1.98412698295895385996e-4,
                          8.33333333332211858878e-3,  -1.66666666666666307295e-1};
constexpr std::array kCos{-1.13585365213876817300e-11, 2.08757008419747316778e-9,
                          -2.75573141792967388112e-7,  2.48015872888517045348e-5,
                          -1.38888888888730564116e-3,  4.16666666666665929218e-2};
constexpr std::array kTanOver{-1.30936939181383777646e4, 1.15351664838587416140e6,
                              -1.79565251976484877988e7};
constexpr std::array kTanUnder{1.0, 1.36812963470692954678e4, -1.32089234440210967447e6,
                               2.50083801823357915839e7, -5.38695755929454629881e7};
constexpr std::array kAtanOver{-8.750608600031904122785e-01, -1.615753718733365076637e+01,
                               -7.500855792314704667340e+01, -1.228866684490136173410e+02,
                               -6.485021904942025371773e+01};
constexpr std::array kAtanUnder{1.0,
                                2.485846490142306297962e+01,
                                1.650270098316988542046e+02,
                                4.328810604912902668951e+02,
                                4.853903996359136964868e+02,
                                1.945506571482613964425e+02};

/// 4/pi: the whole part, then 64 bits of fraction each.
constexpr std::array<std::uint64_t, 20> kFourByPi{
    0x0000000000000001, 0x45f306dc9c882a53, 0xf84eafa3ea69bb81, 0xb6c52b3278872083,
    0xfca2c757bd778ac3, 0x6e48dc74849ba5c0, 0x0c925dd413a32439, 0xfc3bd63962534e7d,
    0xd1046bea5d768909, 0xd338e04d68befc82, 0x7323ac7306a673e9, 0x3908bf177bf25076,
    0x3ff12fffbc0b301f, 0xde5e2316b414da3e, 0xda6cfd9e4f96136e, 0x9e8c7ecd3cbfd45a,
    0xea4f758fd7cbe2f6, 0x7a0e73ef14a525d4, 0xd7f6bf623f1aba10, 0xac06608df8f6d757};

/// An angle as an even number of eighths of the circle, modulo 8, and what is left of it.
struct Octant {
    std::uint64_t number = 0;
    double rest = 0;
};

/// 64 bits of 4/pi from `digit` on, shifted left.
std::uint64_t four_by_pi(unsigned digit, unsigned shift) {
    if (shift == 0) return kFourByPi[digit];
    return (kFourByPi[digit] << shift) | (kFourByPi[digit + 1] >> (64 - shift));
}

/// x >= 2^29, finite: x * 4/pi modulo 8 in integers.
Octant reduce_huge(double x) {
    using Wide = unsigned __int128;
    constexpr std::uint64_t kMantissa = 0x000fffffffffffff;
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const int exponent = static_cast<int>(bits >> 52U) - 1023 - 52;
    const std::uint64_t mantissa = (bits & kMantissa) | (kMantissa + 1);
    const unsigned digit = static_cast<unsigned>(exponent + 61) / 64;
    const unsigned shift = static_cast<unsigned>(exponent + 61) % 64;
    const Wide low = Wide{four_by_pi(digit + 2, shift)} * mantissa;
    const Wide middle = Wide{four_by_pi(digit + 1, shift)} * mantissa + (low >> 64U);
    const std::uint64_t high =
        four_by_pi(digit, shift) * mantissa + static_cast<std::uint64_t>(middle >> 64U);
    const auto below = static_cast<std::uint64_t>(middle);
    Octant octant{.number = high >> 61U};
    std::uint64_t fraction = high << 3U | below >> 61U;
    const auto zeros = static_cast<unsigned>(std::countl_zero(fraction)) + 1;
    // Go shifts `below` as if its first three bits were not used yet; only the lowest bits of small
    // fractions see it.
    fraction = zeros == 64 ? below : fraction << zeros | below >> (64 - zeros);
    octant.rest = std::bit_cast<double>((std::uint64_t{1023} - zeros) << 52U | fraction >> 12U);
    if ((octant.number & 1U) != 0) {
        octant.number = (octant.number + 1) & 7U;
        --octant.rest;
    }
    octant.rest *= kPi / 4;
    return octant;
}

/// x >= 0, finite.
Octant reduce(double x) {
    if (x >= 0x1p29) return reduce_huge(x);
    constexpr double kInverse = 1.27323954473516268615107010698140931;  // 4/pi
    auto number = static_cast<std::uint64_t>(x * kInverse);
    number += number & 1U;
    const auto y = static_cast<double>(number);
    const double rest = ((x - y * 7.85398125648498535156e-1) - y * 3.77489470793079817668e-8) -
                        y * 2.69515142907905952645e-15;
    return {number & 7U, rest};
}

double near_sine(double z) {
    const double zz = z * z;
    return z + z * zz * polynomial(kSin, zz);
}

double near_cosine(double z) {
    const double zz = z * z;
    return 1.0 - 0.5 * zz + zz * zz * polynomial(kCos, zz);
}

/// x up to 0.66.
double near_arctangent(double x) {
    const double z = x * x;
    const double curve = z * polynomial(kAtanOver, z) / polynomial(kAtanUnder, z);
    return x * curve + x;
}

/// x >= 0.
double arctangent(double x) {
    constexpr double kMoreBits = 6.123233995736765886130e-17;  // what pi/2 lacks
    constexpr double kTan3Pi8 = 2.41421356237309504880;
    if (x <= 0.66) return near_arctangent(x);
    if (x > kTan3Pi8) return kPi / 2 - near_arctangent(1 / x) + kMoreBits;
    return kPi / 4 + near_arctangent((x - 1) / (x + 1)) + 0.5 * kMoreBits;
}

}  // namespace

double sin(double x) {
    if (x == 0 || std::isnan(x)) return x;
    if (std::isinf(x)) return kNaN;
    const Octant octant = reduce(std::fabs(x));
    const bool is_lower_half = octant.number > 3;
    const double size = octant.number % 4 == 2 ? near_cosine(octant.rest) : near_sine(octant.rest);
    return (x < 0) != is_lower_half ? -size : size;
}

double cos(double x) {
    if (std::isnan(x) || std::isinf(x)) return kNaN;
    const Octant octant = reduce(std::fabs(x));
    const double size = octant.number % 4 == 2 ? near_sine(octant.rest) : near_cosine(octant.rest);
    return octant.number == 2 || octant.number == 4 ? -size : size;
}

double tan(double x) {
    if (x == 0 || std::isnan(x)) return x;
    if (std::isinf(x)) return kNaN;
    const Octant octant = reduce(std::fabs(x));
    const double z = octant.rest;
    const double zz = z * z;
    double size = z;
    if (zz > 1e-14) size = z + z * (zz * polynomial(kTanOver, zz) / polynomial(kTanUnder, zz));
    if ((octant.number & 2U) != 0) size = -1 / size;
    return x < 0 ? -size : size;
}

double asin(double x) {
    if (x == 0) return x;
    const double size = std::fabs(x);
    if (size > 1) return kNaN;
    const double other = std::sqrt(1 - size * size);
    const double angle = size > 0.7 ? kPi / 2 - arctangent(other / size) : arctangent(size / other);
    return x < 0 ? -angle : angle;
}

double acos(double x) { return kPi / 2 - asin(x); }

double atan(double x) {
    if (x == 0) return x;
    return x > 0 ? arctangent(x) : -arctangent(-x);
}

double atan2(double y, double x) {
    constexpr double kThreeQuarters = 2.35619449019234492884698253745962716;  // of pi
    if (std::isnan(y) || std::isnan(x)) return kNaN;
    if (y == 0) return std::copysign(std::signbit(x) ? kPi : 0, y);
    if (x == 0) return std::copysign(kPi / 2, y);
    if (std::isinf(x)) {
        if (x > 0) return std::copysign(std::isinf(y) ? kPi / 4 : 0, y);
        return std::copysign(std::isinf(y) ? kThreeQuarters : kPi, y);
    }
    if (std::isinf(y)) return std::copysign(kPi / 2, y);
    const double angle = atan(y / x);
    if (x > 0) return angle;
    return angle <= 0 ? angle + kPi : angle - kPi;
}

}  // namespace inferscope::promql::go
