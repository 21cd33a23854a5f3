// SPDX-License-Identifier: Apache-2.0
#include "promql/binary_functions.h"

#include <cmath>
#include <concepts>
#include <cstddef>

#include "base/check.h"
#include "promql/go_math.h"
#include "promql/step_values.h"

namespace inferscope::promql {
namespace {

using Column = std::span<const double>;

struct Add {
    static double of(double a, double b) { return a + b; }
};
struct Sub {
    static double of(double a, double b) { return a - b; }
};
struct Mul {
    static double of(double a, double b) { return a * b; }
};
struct Div {
    static double of(double a, double b) { return a / b; }
};
struct Mod {
    static double of(double a, double b) { return std::fmod(a, b); }
};
struct Pow {
    static double of(double a, double b) { return go::pow(a, b); }
};
struct Atan2 {
    static double of(double a, double b) { return go::atan2(a, b); }
};
struct Equal {
    static bool of(double a, double b) { return a == b; }
};
struct NotEqual {
    static bool of(double a, double b) { return a != b; }
};
struct Less {
    static bool of(double a, double b) { return a < b; }
};
struct LessOrEqual {
    static bool of(double a, double b) { return a <= b; }
};
struct Greater {
    static bool of(double a, double b) { return a > b; }
};
struct GreaterOrEqual {
    static bool of(double a, double b) { return a >= b; }
};

/// `visit` gets the operator as a type, so that its loop is compiled for it.
template <typename Visit>
decltype(auto) with_operator(BinaryOp op, const Visit& visit) {
    switch (op) {
        case BinaryOp::add:
            return visit(Add{});
        case BinaryOp::sub:
            return visit(Sub{});
        case BinaryOp::mul:
            return visit(Mul{});
        case BinaryOp::div:
            return visit(Div{});
        case BinaryOp::mod:
            return visit(Mod{});
        case BinaryOp::pow:
            return visit(Pow{});
        case BinaryOp::atan2:
            return visit(Atan2{});
        case BinaryOp::equal:
            return visit(Equal{});
        case BinaryOp::not_equal:
            return visit(NotEqual{});
        case BinaryOp::less:
            return visit(Less{});
        case BinaryOp::less_or_equal:
            return visit(LessOrEqual{});
        case BinaryOp::greater:
            return visit(Greater{});
        case BinaryOp::greater_or_equal:
            return visit(GreaterOrEqual{});
        case BinaryOp::trim_upper:
        case BinaryOp::trim_lower:
        case BinaryOp::set_and:
        case BinaryOp::set_or:
        case BinaryOp::set_unless:
            break;
    }
    CHECK(false, "no operator on numbers");
    return visit(Add{});
}

enum class Vectors : unsigned char { both, left, right };

/// Which sides are vectors decides who may be absent and whose value a filter leaves.
template <typename Op, Vectors kVectors>
void loop(Comparison comparison, Column left, Column right, std::span<double> out) {
    constexpr bool kIsComparison = std::same_as<decltype(Op::of(0.0, 0.0)), bool>;
    const bool filters = comparison == Comparison::filters;
    for (std::size_t at = 0; at < out.size(); ++at) {
        const double a = left[at];
        const double b = right[at];
        const bool lacks_left = kVectors != Vectors::right && is_absent(a);
        const bool lacks_right = kVectors != Vectors::left && is_absent(b);
        double result = kAbsent;
        if (!lacks_left && !lacks_right) {
            if constexpr (kIsComparison) {
                const bool holds = Op::of(a, b);
                const double kept = kVectors == Vectors::right ? b : a;
                const double filtered = holds ? kept : kAbsent;
                result = filters ? filtered : static_cast<double>(holds);
            } else {
                result = Op::of(a, b);
            }
        }
        out[at] = result;
    }
}

template <Vectors kVectors>
void columns(BinaryOp op, Comparison comparison, Column left, Column right, std::span<double> out) {
    with_operator(op, [&]<typename Op>(Op) { loop<Op, kVectors>(comparison, left, right, out); });
}

}  // namespace

double binary_value(BinaryOp op, double left, double right) {
    return with_operator(op,
                         [&]<typename Op>(Op) { return static_cast<double>(Op::of(left, right)); });
}

void binary_columns(BinaryOp op, Comparison comparison, Column left, Column right,
                    std::span<double> out) {
    columns<Vectors::both>(op, comparison, left, right, out);
}

void binary_column_scalar(BinaryOp op, Comparison comparison, Column left, Column scalar,
                          std::span<double> out) {
    columns<Vectors::left>(op, comparison, left, scalar, out);
}

void binary_scalar_column(BinaryOp op, Comparison comparison, Column scalar, Column right,
                          std::span<double> out) {
    columns<Vectors::right>(op, comparison, scalar, right, out);
}

void binary_scalars(BinaryOp op, Column left, Column right, std::span<double> out) {
    with_operator(op, [&]<typename Op>(Op) {
        for (std::size_t at = 0; at < out.size(); ++at) {
            out[at] = static_cast<double>(Op::of(left[at], right[at]));
        }
    });
}

}  // namespace inferscope::promql
