// SPDX-License-Identifier: Apache-2.0
#include "promql/plan.h"

#include <algorithm>
#include <array>

#include "promql/windows.h"

namespace inferscope::promql {
namespace {

// Beyond, times are as good as infinite, and their sums still fit.
constexpr Timestamp kFurthest = Timestamp{1} << 61;

// What these give depends on the step even where their arguments don't (AtModifierUnsafeFunctions).
constexpr std::array<std::string_view, 11> kStepDependent{
    "day_of_month", "day_of_week",    "day_of_year", "days_in_month", "hour", "minute",
    "month",        "predict_linear", "time",        "timestamp",     "year"};

Timestamp bounded(Timestamp time) { return std::clamp(time, -kFurthest, kFurthest); }

}  // namespace

const Expr& without_parens(const Expr& expr) {
    const auto* inner = &expr;
    while (const auto* const paren = inner->as<Paren>()) inner = paren->expr.get();
    return *inner;
}

Plan::Plan(const Expr& expr, const QueryState& query, Timestamp end)
    : query_(query), start_(query.steps().start), end_(end) {
    static_cast<void>(mark_invariant(expr));
    look_at(expr, query.steps());
    unite_reads();
}

std::optional<double> Plan::constant_of(const Call& call) const {
    const auto name = call.function->name;
    if (name == "start") return static_cast<double>(start_) / 1000;
    if (name == "end") return static_cast<double>(end_) / 1000;
    if (name == "range") return seconds(end_ - start_);
    if (name == "step") return start_ == end_ ? 0 : seconds(query_.steps().interval);
    return std::nullopt;
}

bool Plan::mark_invariant(const Call& call) {
    if (constant_of(call)) return true;
    bool are_invariant = true;
    for (const auto& argument : call.arguments)
        are_invariant = mark_invariant(without_parens(*argument)) && are_invariant;
    const auto name = call.function->name;
    if (std::ranges::find(kStepDependent, name) == kStepDependent.end()) return are_invariant;
    return name == "timestamp" && !query_.is_prometheus2() && are_invariant &&
           without_parens(*call.arguments[0]).as<VectorSelector>() != nullptr;
}

bool Plan::mark_invariant(const Expr& expr) {
    bool is_invariant = false;
    if (const auto* const vector = expr.as<VectorSelector>()) {
        is_invariant = vector->at.is_set();
    } else if (const auto* const range = expr.as<RangeSelector>()) {
        is_invariant = range->vector.at.is_set();
    } else if (const auto* const subquery = expr.as<Subquery>()) {
        static_cast<void>(mark_invariant(*subquery->expr));
        is_invariant = subquery->at.is_set();
    } else if (const auto* const aggregate = expr.as<Aggregate>()) {
        if (aggregate->parameter) static_cast<void>(mark_invariant(*aggregate->parameter));
        is_invariant = mark_invariant(*aggregate->expr);
    } else if (const auto* const call = expr.as<Call>()) {
        is_invariant = mark_invariant(*call);
    } else {
        is_invariant = true;
        for (const auto* const child : children(expr))
            is_invariant = mark_invariant(*child) && is_invariant;
    }
    if (is_invariant) invariant_.insert(&expr);
    return is_invariant;
}

Timestamp Plan::time_of(const AtModifier& at) const {
    if (at.kind == AtModifier::Kind::start) return start_;
    return at.kind == AtModifier::Kind::end ? end_ : bounded(at.time);
}

LookTimes Plan::look_times(const VectorSelector& selector, const Steps& steps) const {
    const auto offset = selector.offset.value.count();
    if (selector.at.is_set()) return {time_of(selector.at) - offset, 0};
    return {steps.start - offset, steps.interval};
}

LookTimes Plan::timestamp_times(const VectorSelector& selector, const Steps& steps) const {
    if (selector.at.is_set()) return {time_of(selector.at), 0};
    return look_times(selector, steps);
}

LookTimes Plan::range_times(const AtModifier& at, const Duration& offset,
                            const Steps& steps) const {
    if (!at.is_set()) return {steps.start - offset.value.count(), steps.interval};
    // In 2.42 `@` says only where the first window is, in functions that depend on the step.
    return {time_of(at) - offset.value.count(), query_.is_prometheus2() ? steps.interval : 0};
}

Steps Plan::subquery_steps(const Subquery& subquery, const Steps& steps) const {
    if (steps.count == 0) return {steps.start, steps.interval, 0};
    const auto times = range_times(subquery.at, subquery.offset, steps);
    const auto until = times.first + static_cast<Timestamp>(steps.count - 1) * times.interval;
    const auto before = times.first - subquery.range.value.count();
    const auto step = subquery.step.value.count();
    const auto interval = step != 0 ? step : query_.options().default_step.count();
    Timestamp start = before / interval * interval;
    const bool is_outside = query_.is_prometheus2() ? start < before : start <= before;
    if (is_outside) start += interval;
    if (until < start) return {start, interval, 0};
    const auto count = static_cast<std::size_t>((until - start) / interval) + 1;
    return {start, interval, std::min(count, query_.max_samples() + 1)};
}

void Plan::look_at(const Expr& expr, Steps steps) {
    if (is_step_invariant(expr)) steps = steps.first();
    if (steps.count == 0) return;
    if (const auto* const vector = expr.as<VectorSelector>()) {
        need(*vector, look_times(*vector, steps), query_.lookback(), steps);
    } else if (const auto* const range = expr.as<RangeSelector>()) {
        need(range->vector, range_times(range->vector.at, range->vector.offset, steps),
             range->range.value.count(), steps);
    } else if (const auto* const subquery = expr.as<Subquery>()) {
        look_at(*subquery->expr, subquery_steps(*subquery, steps));
    } else if (const auto* const call = expr.as<Call>()) {
        look_at_call(*call, steps);
    } else {
        for (const auto* const child : children(expr)) look_at(*child, steps);
    }
}

void Plan::look_at_call(const Call& call, const Steps& steps) {
    for (std::size_t i = 0; i < call.arguments.size(); ++i) {
        const auto& argument = without_parens(*call.arguments[i]);
        const auto* const vector = argument.as<VectorSelector>();
        if (call.function->name == "timestamp" && vector != nullptr) {
            need(*vector, timestamp_times(*vector, steps), query_.lookback(), steps);
        } else if (call.function->name != "info" || i == 0) {
            look_at(argument, steps);
        }
    }
}

void Plan::need(const VectorSelector& selector, const LookTimes& times, Timestamp range,
                const Steps& steps) {
    auto from = times.first - range + (query_.is_prometheus2() ? 0 : 1);
    auto to = times.first + static_cast<Timestamp>(steps.count - 1) * times.interval;
    if (selector.window != VectorSelector::Window::plain) from -= query_.lookback();
    if (selector.window == VectorSelector::Window::smoothed) to += query_.lookback();
    places_[&selector] = reads_.size();
    reads_.push_back({&selector.matchers, {bounded(from), bounded(to)}});
}

/// One read for what has the same matchers and times that touch.
void Plan::unite_reads() {
    std::vector<PlannedRead> united;
    std::vector<std::size_t> moved;
    for (const auto& read : reads_) {
        const auto same = std::ranges::find_if(united, [&](const PlannedRead& other) {
            return read.span.from <= other.span.to && other.span.from <= read.span.to &&
                   *read.matchers == *other.matchers;
        });
        moved.push_back(static_cast<std::size_t>(same - united.begin()));
        if (same == united.end()) {
            united.push_back(read);
            continue;
        }
        same->span.from = std::min(same->span.from, read.span.from);
        same->span.to = std::max(same->span.to, read.span.to);
    }
    for (auto& [selector, place] : places_) place = moved[place];
    reads_ = std::move(united);
}

}  // namespace inferscope::promql
