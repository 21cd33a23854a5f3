// SPDX-License-Identifier: Apache-2.0
// The binary operators on numbers, and over columns at once. Set operators and `</`, `>/` are not
// here. Source: Prometheus, promql/engine.go (scalarBinop, vectorElemBinop); Go's package math.
#pragma once

#include <span>

#include "promql/ast.h"

namespace inferscope::promql {

/// Of two scalars; comparisons give 1 or 0.
double binary_value(BinaryOp op, double left, double right);

/// What becomes of a comparison between vectors, or of a vector and a scalar.
enum class Comparison : unsigned char {
    filters,     ///< the vector's value (the left one of two vectors') stays where it holds
    gives_bool,  ///< `bool`: 1 where it holds, otherwise 0
};

/// Two vectors' columns, step by step; absent where one of them is. `out` may be one of the inputs.
/// All are of equal length.
void binary_columns(BinaryOp op, Comparison comparison, std::span<const double> left,
                    std::span<const double> right, std::span<double> out);

/// A vector's column with a scalar on its right, one for each step.
void binary_column_scalar(BinaryOp op, Comparison comparison, std::span<const double> left,
                          std::span<const double> scalar, std::span<double> out);

/// A scalar on the left. A filter leaves the vector's value, which stands on the right.
void binary_scalar_column(BinaryOp op, Comparison comparison, std::span<const double> scalar,
                          std::span<const double> right, std::span<double> out);

/// Scalars of both sides, step by step, where a NaN of any bits is a number like others.
void binary_scalars(BinaryOp op, std::span<const double> left, std::span<const double> right,
                    std::span<double> out);

}  // namespace inferscope::promql
