// SPDX-License-Identifier: Apache-2.0
#include "promql/query_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "telemetry/matcher.h"

namespace inferscope::promql {
namespace {

constexpr std::size_t kRowsOfBlock = 64;
// Below so many values another thread costs more than it saves.
constexpr std::size_t kWorthwhile = 65'536;
constexpr std::string_view kExecution = "query execution";
constexpr std::string_view kEvaluation = "expression evaluation";

bool is_past(SteadyTime deadline) { return std::chrono::steady_clock::now() >= deadline; }

}  // namespace

QueryError execution_error(std::string text) {
    return {QueryError::Kind::execution, std::move(text)};
}

QueryState::QueryState(std::string_view query, const EngineOptions& options, const Limits& limits,
                       bool wants_step_stats, const Steps& steps)
    : annotations(query, !options.language.is_prometheus2()),
      options_(options),
      limits_(limits),
      steps_(steps),
      delays_name_removal_(options.language.has(Feature::delayed_name_removal)),
      budget_(limits.max_samples),
      samples_by_step_(wants_step_stats ? steps.count : 0) {}

bool QueryState::must_stop() const {
    return (limits_.cancelled != nullptr && limits_.cancelled->load(std::memory_order_relaxed)) ||
           is_past(limits_.deadline);
}

Outcome<void> QueryState::check() const {
    if (limits_.cancelled != nullptr && limits_.cancelled->load(std::memory_order_relaxed)) {
        return QueryError{QueryError::Kind::canceled,
                          fmt::format("query was canceled in {}", kEvaluation)};
    }
    if (is_past(limits_.deadline)) {
        return QueryError{QueryError::Kind::timeout,
                          fmt::format("query timed out in {}", kEvaluation)};
    }
    return {};
}

QueryError QueryState::too_many_samples() const {
    return execution_error(
        fmt::format("query processing would load too many samples into memory in {}", kExecution));
}

bool QueryState::is_label_name(std::string_view name) const {
    return is_prometheus2() ? is_legacy_label_name(name) : !name.empty() && is_valid_utf8(name);
}

Outcome<Matrix> QueryState::make_matrix(std::size_t rows, std::size_t steps) {
    // Divided, so that nothing overflows.
    if (steps > budget_.most() || (steps > 0 && rows > budget_.most() / steps))
        return too_many_samples();
    if (!budget_.take(rows * steps)) {
        budget_.give_back(rows * steps);
        return too_many_samples();
    }
    return Matrix(budget_, rows, steps);
}

Outcome<void> QueryState::for_each_part(std::size_t parts, std::size_t cost,
                                        const std::function<void(std::size_t)>& work) const {
    const auto unless_stopped = [&](std::size_t part) {
        if (!must_stop()) work(part);
    };
    if (options_.parallel && parts > 1 && cost >= kWorthwhile) {
        options_.parallel(parts, unless_stopped);
    } else {
        for (std::size_t part = 0; part < parts; ++part) unless_stopped(part);
    }
    return check();
}

Outcome<void> QueryState::for_each_block(
    std::size_t rows, std::size_t cost,
    const std::function<void(std::size_t, std::size_t)>& work) const {
    const auto blocks = (rows + kRowsOfBlock - 1) / kRowsOfBlock;
    return for_each_part(blocks, cost, [&](std::size_t block) {
        const auto begin = block * kRowsOfBlock;
        work(begin, std::min(begin + kRowsOfBlock, rows));
    });
}

void QueryState::count_samples(const Steps& steps, std::size_t step, std::size_t samples) {
    samples_queried_ += samples;
    if (samples_by_step_.empty()) return;
    // Of a subquery's steps, those behind the last one of the query count as the last.
    const auto since = steps.time(step) - steps_.start;
    const auto at = since <= 0 ? 0U : static_cast<std::size_t>(since / steps_.interval);
    samples_by_step_[std::min(at, samples_by_step_.size() - 1)] += samples;
}

void QueryState::write_stats(QueryStats& stats) const {
    stats.samples_queried = samples_queried_;
    stats.peak_samples = budget_.peak();
    for (std::size_t step = 0; step < samples_by_step_.size(); ++step) {
        stats.samples_by_step.push_back(
            {steps_.time(step), static_cast<double>(samples_by_step_[step])});
    }
}

}  // namespace inferscope::promql
