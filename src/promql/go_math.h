// SPDX-License-Identifier: Apache-2.0
// Elementary functions that give the same bits as Go's package math on amd64, where Prometheus's
// results come from; those of the C library differ in the last bit now and then.
// Source: Go's src/math; its methods are those of FreeBSD's msun (logarithms), Cephes (circular
// functions, tanh), Hart & Cheney #2029 (sinh) and N. Shibata's SLEEF (exp, with fused
// multiply-add as on each amd64 since 2013).
#pragma once

#include <limits>

namespace inferscope::promql::go {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double exp(double x);
double log(double x);
double log2(double x);
double log10(double x);
/// 1 for y = 0 or x = 1, whatever the other; pow(-1, ±Inf) = 1.
double pow(double x, double y);

double sin(double x);
double cos(double x);
double tan(double x);
double asin(double x);
double acos(double x);
double atan(double x);
double atan2(double y, double x);

double sinh(double x);
double cosh(double x);
double tanh(double x);
double asinh(double x);
double acosh(double x);
double atanh(double x);

/// An infinity that decides wins over NaN: max(+Inf, NaN) = +Inf, min(-Inf, NaN) = -Inf. Zeros are
/// told apart by sign.
double max(double a, double b);
double min(double a, double b);

}  // namespace inferscope::promql::go
