// SPDX-License-Identifier: Apache-2.0
#include "promql/durations.h"

#include <fmt/format.h>

#include <cmath>

#include "promql/formats.h"
#include "promql/windows.h"

namespace inferscope::promql {
namespace {

class DurationResolver {
public:
    DurationResolver(Millis step, Millis range)
        : step_(seconds(step.count())), range_(seconds(range.count())) {}

    void resolve(Expr& expr) {
        if (auto* const vector = expr.as<VectorSelector>()) {
            resolve(vector->offset, true);
        } else if (auto* const range = expr.as<RangeSelector>()) {
            resolve(range->range, false);
            resolve(range->vector.offset, true);
        } else if (auto* const subquery = expr.as<Subquery>()) {
            resolve(subquery->offset, true);
            resolve(subquery->step, false);
            resolve(subquery->range, false);
        }
        for (auto* const child : children(expr)) resolve(*child);
    }
    [[nodiscard]] const std::string& error() const { return error_; }

private:
    void resolve(Duration& duration, bool may_be_negative) {
        if (!duration.expr) return;
        const double seconds = seconds_of(*duration.expr);
        if (!std::isfinite(seconds)) return fail(*duration.expr, "duration is NaN or infinite");
        if (seconds <= 0 && !may_be_negative)
            return fail(*duration.expr, "duration must be greater than 0");
        if (!is_duration_in_range(seconds)) return fail(*duration.expr, "duration is out of range");
        duration.value = Millis(static_cast<std::int64_t>(seconds * 1000));
    }

    double seconds_of(const DurationExpr& expr) {
        using Op = DurationExpr::Op;
        const double left = expr.left ? seconds_of(*expr.left) : 0;
        const double right = expr.right ? seconds_of(*expr.right) : 0;
        switch (expr.op) {
            case Op::literal:
                return expr.seconds;
            case Op::step:
                return step_;
            case Op::range:
                return range_;
            case Op::min_of:
                return std::isnan(left) || std::isnan(right) ? std::nan("") : std::min(left, right);
            case Op::max_of:
                return std::isnan(left) || std::isnan(right) ? std::nan("") : std::max(left, right);
            case Op::plus:
                return right;
            case Op::minus:
                return -right;
            case Op::add:
                return left + right;
            case Op::sub:
                return left - right;
            case Op::mul:
                return left * right;
            case Op::div:
                if (right == 0) fail(expr, "division by zero");
                return left / right;
            case Op::mod:
                if (right == 0) fail(expr, "modulo by zero");
                return std::fmod(left, right);
            case Op::pow:
                return std::pow(left, right);
        }
        return 0;
    }

    void fail(const DurationExpr& expr, std::string_view text) {
        if (error_.empty())
            error_ = fmt::format("{}:{}: {}", expr.range.begin, expr.range.end, text);
    }

    double step_;
    double range_;
    std::string error_;
};

}  // namespace

Result<void> resolve_durations(Expr& expr, Millis step, Millis range) {
    DurationResolver resolver(step, range);
    resolver.resolve(expr);
    if (!resolver.error().empty()) return Error{Errc::invalid_argument, resolver.error()};
    return {};
}

}  // namespace inferscope::promql
