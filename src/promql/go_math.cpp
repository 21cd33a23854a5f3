// SPDX-License-Identifier: Apache-2.0
// Exponentials, logarithms, powers and hyperbolic functions. The order of operations is part of the
// result: nothing here may be reassociated or contracted.
#include "promql/go_math.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>

namespace inferscope::promql::go {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLn2 = std::numbers::ln2;
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;
constexpr double kInverseLn2 = 1.44269504088896340735992468100189214;
constexpr double kInverseLn10 = 0.43429448190325182765112891891660508229;
constexpr std::uint64_t kMantissa = 0x000fffffffffffff;
constexpr double kLarge = 1 << 28;
constexpr double kNearZero = 1.0 / (1 << 28);

/// Of log(1 + f), in powers of s^2 with s = f / (2 + f).
constexpr std::array kLog{6.666666666666735130e-01, 3.999999999940941908e-01,
                          2.857142874366239149e-01, 2.222219843214978396e-01,
                          1.818357216161805012e-01, 1.531383769920937332e-01,
                          1.479819860511658591e-01};

/// 1/8!, 1/7!, ... 1/3!, 1/2!, 1.
constexpr std::array kExp{2.4801587301587301587e-5,
                          1.9841269841269841270e-4,
                          1.3888888888888888889e-3,
                          8.3333333333333333333e-3,
                          4.1666666666666666667e-2,
                          1.6666666666666666667e-1,
                          0.5,
                          1.0};

bool is_odd_integer(double x) {
    constexpr double kAllEven = 9007199254740992.0;  // 2^53
    return std::fabs(x) < kAllEven && std::trunc(x) == x && std::fmod(x, 2) != 0;
}

double scale(double fraction, int exponent) {
    constexpr int kBias = 0x3ff;
    if (exponent > kBias) return kInfinity;
    return std::ldexp(fraction, exponent);
}

double pow_of_zero(double x, double y) {
    if (y < 0) return is_odd_integer(y) ? std::copysign(kInfinity, x) : kInfinity;
    return is_odd_integer(y) ? x : 0;
}

/// For infinite x or y, and for y beyond all odd integers.
double pow_of_extremes(double x, double y) {
    if (x == -1) return 1;
    return (std::fabs(x) < 1) == (y > 0) ? 0 : kInfinity;
}

double pow_of_infinity(double x, double y) {
    if (x < 0) return pow(1 / x, -y);  // of -0
    return y < 0 ? 0 : kInfinity;
}

/// x^y by the bits of y's whole part; the rest by logarithm.
double pow_of_numbers(double x, double y) {
    double whole = 0;
    double rest = std::modf(std::fabs(y), &whole);
    if (rest != 0 && x < 0) return kNaN;
    if (whole >= 0x1p63) return pow_of_extremes(x, y);
    double result = 1;
    int result_exponent = 0;
    if (rest != 0) {
        if (rest > 0.5) {
            --rest;
            ++whole;
        }
        result = exp(rest * log(x));
    }
    int exponent = 0;
    double fraction = std::frexp(x, &exponent);
    for (auto bits = static_cast<std::int64_t>(whole); bits != 0; bits >>= 1) {
        constexpr int kFarOut = 1 << 12;  // over- or underflow is certain
        if (exponent < -kFarOut || exponent > kFarOut) {
            result_exponent += exponent;
            break;
        }
        if ((bits & 1) != 0) {
            result *= fraction;
            result_exponent += exponent;
        }
        fraction *= fraction;
        exponent *= 2;
        if (fraction < 0.5) {
            fraction += fraction;
            --exponent;
        }
    }
    if (y < 0) {
        result = 1 / result;
        result_exponent = -result_exponent;
    }
    return std::ldexp(result, result_exponent);
}

/// log(2^k (1 + f)), where `correction` is what 1 + f lacks.
double log_of_parts(double k, double f, double correction) {
    const double s = f / (2 + f);
    const double z = s * s;
    double r = kLog.back();
    for (std::size_t i = kLog.size() - 1; i-- > 0;) r = kLog[i] + z * r;
    r *= z;
    const double half_square = 0.5 * f * f;
    if (k == 0) return f - (half_square - s * (half_square + r));
    return k * kLn2High -
           ((half_square - (s * (half_square + r) + (k * kLn2Low + correction))) - f);
}

/// The same for f below 2^-20, by a parabola.
double log_of_small_parts(double k, double f, double correction) {
    if (f == 0) return k == 0 ? 0 : k * kLn2High + (correction + k * kLn2Low);
    const double half_square = 0.5 * f * f;
    const double r = half_square * (1.0 - 0.66666666666666666 * f);
    if (k == 0) return f - r;
    return k * kLn2High - ((r - (k * kLn2Low + correction)) - f);
}

/// log(1 + x) for x outside of sqrt(1/2) - 1 to sqrt(2) - 1, where 1 + x has to be taken apart.
double log1p_far(double x) {
    constexpr std::uint64_t kMantissaOfSqrt2 = 0x0006a09e667f3bcd;
    const bool is_huge = std::fabs(x) >= 0x1p53;
    const double u = is_huge ? x : 1.0 + x;
    const auto bits = std::bit_cast<std::uint64_t>(u);
    int k = static_cast<int>(bits >> 52U) - 1023;
    double correction = 0;
    if (!is_huge) correction = (k > 0 ? 1.0 - (u - x) : x - (u - 1.0)) / u;
    const std::uint64_t mantissa = bits & kMantissa;
    if (mantissa < kMantissaOfSqrt2) {
        const double f = std::bit_cast<double>(mantissa | 0x3ff0000000000000) - 1.0;
        return mantissa == 0 ? log_of_small_parts(k, f, correction)
                             : log_of_parts(k, f, correction);
    }
    ++k;
    const double f = std::bit_cast<double>(mantissa | 0x3fe0000000000000) - 1.0;
    return (0x0010000000000000 - mantissa) >> 2U == 0 ? log_of_small_parts(k, f, correction)
                                                      : log_of_parts(k, f, correction);
}

double log1p(double x) {
    if (x < -1 || std::isnan(x)) return kNaN;
    if (x == -1) return -kInfinity;
    if (x == kInfinity) return x;
    constexpr double kSqrt2Minus1 = 4.142135623730950488017e-01;
    constexpr double kSqrtHalfMinus1 = -2.928932188134524755992e-01;
    const double size = std::fabs(x);
    if (size >= kSqrt2Minus1) return log1p_far(x);
    if (size < 0x1p-54) return x;
    if (size < 0x1p-29) return x - x * x * 0.5;
    return x > kSqrtHalfMinus1 ? log_of_parts(0, x, 0) : log1p_far(x);
}

/// Odd functions are computed for positive arguments.
template <typename Function>
double odd(double x, Function function) {
    return x < 0 ? -function(-x) : function(x);
}

}  // namespace

double exp(double x) {
    if (std::isnan(x) || x == kInfinity) return x;
    if (x == -kInfinity) return 0;
    if (x > 7.09782712893384e+02) return kInfinity;
    if (x < -7.5e+02) return 0;
    const double exponent = std::nearbyint(kInverseLn2 * x);
    double r = std::fma(-0.69314718055966295651160180568695068359375, exponent, x);
    r = std::fma(-0.28235290563031577122588448175013436025525412068e-12, exponent, r);
    r *= 0.0625;
    double series = kExp.front();
    for (std::size_t i = 1; i < kExp.size(); ++i) series = std::fma(series, r, kExp[i]);
    r *= series;                               // exp(r) - 1
    for (int i = 0; i < 3; ++i) r *= 2.0 + r;  // of twice, four times, eight times r
    return scale(std::fma(r, 2.0 + r, 1.0), static_cast<int>(exponent));
}

double log(double x) {
    if (std::isnan(x) || x == kInfinity) return x;
    if (x < 0) return kNaN;
    if (x == 0) return -kInfinity;
    // Go's assembly takes the number apart by its bits: what it makes of a denormal one is wrong,
    // and the same here.
    const auto bits = std::bit_cast<std::uint64_t>(x);
    int exponent = static_cast<int>(bits >> 52U) - 1022;
    double fraction = std::bit_cast<double>((bits & kMantissa) | 0x3fe0000000000000);
    if (fraction < std::numbers::sqrt2 / 2) {
        fraction *= 2;
        --exponent;
    }
    const double k = exponent;
    const double f = fraction - 1;
    const double s = f / (2 + f);
    const double s2 = s * s;
    const double s4 = s2 * s2;
    const double odd_terms = s2 * (kLog[0] + s4 * (kLog[2] + s4 * (kLog[4] + s4 * kLog[6])));
    const double even_terms = s4 * (kLog[1] + s4 * (kLog[3] + s4 * kLog[5]));
    const double r = odd_terms + even_terms;
    const double half_square = 0.5 * f * f;
    return k * kLn2High - ((half_square - (s * (half_square + r) + k * kLn2Low)) - f);
}

double log2(double x) {
    int exponent = 0;
    const double fraction = std::isfinite(x) ? std::frexp(x, &exponent) : x;
    if (fraction == 0.5) return exponent - 1;  // a power of two
    return log(fraction) * kInverseLn2 + exponent;
}

double log10(double x) { return log(x) * kInverseLn10; }

double pow(double x, double y) {
    if (y == 0 || x == 1) return 1;
    if (y == 1) return x;
    if (std::isnan(x) || std::isnan(y)) return kNaN;
    if (x == 0) return std::isinf(y) ? (y < 0 ? kInfinity : 0) : pow_of_zero(x, y);
    if (std::isinf(y)) return pow_of_extremes(x, y);
    if (std::isinf(x)) return pow_of_infinity(x, y);
    if (y == 0.5) return std::sqrt(x);
    if (y == -0.5) return 1 / std::sqrt(x);
    return pow_of_numbers(x, y);
}

double sinh(double x) {
    return odd(x, [](double size) {
        if (size > 21) return exp(size) / 2;
        if (size > 0.5) {
            const double grown = exp(size);
            return (grown - 1 / grown) / 2;
        }
        const double square = size * size;
        const double over =
            (((-0.2630563213397497062819489e+2 * square + -0.2894211355989563807284660366e+4) *
                  square +
              -0.8991272022039509355398013511e+5) *
                 square +
             -0.6307673640497716991184787251e+6) *
            size;
        const double under = ((square + -0.173678953558233699533450911e+3) * square +
                              0.1521517378790019070696485176e+5) *
                                 square +
                             -0.6307673640497716991212077277e+6;
        return over / under;
    });
}

double cosh(double x) {
    const double size = std::fabs(x);
    if (size > 21) return exp(size) / 2;
    const double grown = exp(size);
    return (grown + 1 / grown) / 2;
}

double tanh(double x) {
    constexpr double kMaxLog = 8.8029691931113054295988e+01;
    const double size = std::fabs(x);
    if (size > 0.5 * kMaxLog) return x < 0 ? -1 : 1;
    if (size >= 0.625) {
        const double result = 1 - 2 / (exp(2 * size) + 1);
        return x < 0 ? -result : result;
    }
    if (x == 0) return x;
    const double s = x * x;
    const double over = (-9.64399179425052238628E-1 * s + -9.92877231001918586564E1) * s +
                        -1.61468768441708447952E3;
    const double under = ((s + 1.12811678491632931402E2) * s + 2.23548839060100448583E3) * s +
                         4.84406305325125486048E3;
    return x + x * s * over / under;
}

double asinh(double x) {
    if (std::isnan(x) || std::isinf(x)) return x;
    return odd(x, [](double size) {
        if (size > kLarge) return log(size) + kLn2;
        if (size > 2) return log(2 * size + 1 / (std::sqrt(size * size + 1) + size));
        if (size < kNearZero) return size;
        return log1p(size + size * size / (1 + std::sqrt(1 + size * size)));
    });
}

double acosh(double x) {
    if (x < 1 || std::isnan(x)) return kNaN;
    if (x == 1) return 0;
    if (x >= kLarge) return log(x) + kLn2;
    if (x > 2) return log(2 * x - 1 / (x + std::sqrt(x * x - 1)));
    const double t = x - 1;
    return log1p(t + std::sqrt(2 * t + t * t));
}

double atanh(double x) {
    if (x < -1 || x > 1 || std::isnan(x)) return kNaN;
    if (x == 1 || x == -1) return std::copysign(kInfinity, x);
    return odd(x, [](double size) {
        if (size < kNearZero) return size;
        const double twice = size + size;
        if (size < 0.5) return 0.5 * log1p(twice + twice * size / (1 - size));
        return 0.5 * log1p(twice / (1 - size));
    });
}

double max(double a, double b) {
    if (a == kInfinity || b == kInfinity) return kInfinity;
    if (std::isnan(a) || std::isnan(b)) return kNaN;
    if (a == 0 && b == 0) return std::signbit(a) ? b : a;
    return a > b ? a : b;
}

double min(double a, double b) {
    if (a == -kInfinity || b == -kInfinity) return -kInfinity;
    if (std::isnan(a) || std::isnan(b)) return kNaN;
    if (a == 0 && b == 0) return std::signbit(a) ? a : b;
    return a < b ? a : b;
}

}  // namespace inferscope::promql::go
