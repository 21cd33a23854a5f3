// SPDX-License-Identifier: Apache-2.0
#include "promql/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "promql/durations.h"
#include "promql/evaluator.h"
#include "promql/parser.h"

namespace inferscope::promql {
namespace {

// As good as forever. The longest duration that can be written is more than the clock can count to.
constexpr Millis kLongestTimeout = std::chrono::hours(365 * 24);

QueryError bad_data(std::string text) { return {QueryError::Kind::bad_data, std::move(text)}; }

Nanos since(SteadyTime begin) {
    return std::chrono::duration_cast<Nanos>(std::chrono::steady_clock::now() - begin);
}

/// "scalar", "string", "instant vector", "range vector", as the refusal of a range query has them.
Outcome<void> check_range_type(const Expr& expr) {
    const auto type = type_of(expr);
    if (type == ValueType::scalar || type == ValueType::instant_vector) return {};
    return bad_data(fmt::format(
        "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
        to_string(type)));
}

Outcome<ExprPtr> prepare(std::string_view text, const QueryTimes& times, const Language& language) {
    auto parsed = parse_query(text, language);
    if (!parsed) return bad_data(to_api_text(parsed.error()));
    auto expr = *std::move(parsed);
    if (times.step.count() > 0) {
        if (auto fits = check_range_type(*expr); !fits) return fits.error();
    }
    const Millis range(times.end - times.start);
    if (auto resolved = resolve_durations(*expr, times.step, range); !resolved)
        return bad_data(resolved.error().text);
    return expr;
}

Steps steps_of(const QueryTimes& times) {
    if (times.step.count() <= 0) return {times.start, 1, 1};
    if (times.end < times.start) return {times.start, times.step.count(), 0};
    const auto count = static_cast<std::uint64_t>(times.end - times.start) /
                       static_cast<std::uint64_t>(times.step.count());
    return {times.start, times.step.count(), static_cast<std::size_t>(count) + 1};
}

std::vector<Sample> samples_of(std::span<const double> column, const Steps& steps) {
    std::vector<Sample> samples(column.size());
    std::size_t present = 0;
    for (std::size_t step = 0; step < column.size(); ++step) {
        samples[present] = {steps.time(step), column[step]};
        present += is_present(column[step]) ? 1 : 0;
    }
    samples.resize(present);
    return samples;
}

/// Finished labels and samples of a vector, series without any left out.
Outcome<std::vector<QuerySeries>> series_of(VectorValue vector, const Steps& steps,
                                            const QueryState& query) {
    if (query.delays_name_removal()) {
        for (auto& labels : vector.labels) labels.finish();
        if (auto merged = merge_same_labels(vector); !merged) return merged.error();
    }
    std::vector<QuerySeries> all;
    for (std::size_t row = 0; row < vector.size(); ++row) {
        auto samples = samples_of(std::as_const(vector.values).row(row), steps);
        if (!samples.empty()) all.push_back({vector.labels[row].build(), std::move(samples)});
    }
    return all;
}

}  // namespace

/// How many queries run. The others wait in no particular order.
class Engine::Turns {
public:
    explicit Turns(std::size_t most) : most_(most) {}

    /// Taken, if there was one in time, and given back.
    class Turn {
    public:
        Turn(Turns& turns, SteadyTime deadline, const std::atomic<bool>* cancelled)
            : turns_(turns), is_taken_(turns.take(deadline, cancelled)) {}
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        ~Turn() {
            if (is_taken_) turns_.give_back();
        }
        explicit operator bool() const { return is_taken_; }

    private:
        Turns& turns_;
        bool is_taken_;
    };

private:
    /// False if there was no turn until `deadline`, or `cancelled` was set meanwhile.
    bool take(SteadyTime deadline, const std::atomic<bool>* cancelled) {
        std::unique_lock lock(mutex_);
        const auto is_cancelled = [&] { return cancelled != nullptr && cancelled->load(); };
        while (running_ >= most_) {
            if (is_cancelled() || std::chrono::steady_clock::now() >= deadline) return false;
            // Nobody wakes us when the query is cancelled.
            freed_.wait_until(lock, std::min(deadline, std::chrono::steady_clock::now() + kLook));
        }
        ++running_;
        return true;
    }
    void give_back() {
        {
            const std::scoped_lock lock(mutex_);
            --running_;
        }
        freed_.notify_one();
    }

    static constexpr Millis kLook{20};

    std::mutex mutex_;
    std::condition_variable freed_;
    std::size_t most_;
    std::size_t running_ = 0;
};

/// One query from its text to its answer.
class Engine::Run {
public:
    Run(const Queryable& stored, const EngineOptions& options, Turns& turns,
        const QueryOptions& query_options)
        : stored_(stored), options_(options), turns_(turns), query_options_(query_options) {}

    Result<QueryAnswer, QueryError> run(std::string_view text, const QueryTimes& times) {
        const auto begin = std::chrono::steady_clock::now();
        auto timeout = std::min(options_.timeout, kLongestTimeout);
        if (query_options_.timeout.count() > 0) timeout = std::min(timeout, query_options_.timeout);
        limits_ = {
            begin + timeout, query_options_.cancelled, options_.max_samples,
            query_options_.lookback.count() > 0 ? query_options_.lookback : options_.lookback};
        auto expr = prepare(text, times, options_.language);
        if (!expr) return expr.error();
        const Turns::Turn turn(turns_, limits_.deadline, query_options_.cancelled);
        answer_.stats.queue = since(begin);
        if (!turn) return refuse_turn();
        if (auto evaluated = evaluate(text, **expr, times); !evaluated) return evaluated.error();
        answer_.stats.exec_total = since(begin);
        return std::move(answer_);
    }

private:
    [[nodiscard]] QueryError refuse_turn() const {
        const bool is_cancelled =
            query_options_.cancelled != nullptr && query_options_.cancelled->load();
        if (is_cancelled) return {QueryError::Kind::canceled, "query was canceled in query queue"};
        return {QueryError::Kind::timeout, "query timed out in query queue"};
    }

    Outcome<void> evaluate(std::string_view text, const Expr& expr, const QueryTimes& times) {
        const auto begin = std::chrono::steady_clock::now();
        const auto steps = steps_of(times);
        QueryState query(text, options_, limits_, query_options_.wants_step_stats, steps);
        const Plan plan(expr, query, times.end);
        for (const auto& read : plan.reads())
            answer_.read_until = std::max(answer_.read_until, read.span.to);
        Evaluator evaluator(stored_, plan, query);
        if (auto read = evaluator.read(); !read) return read;
        answer_.stats.preparation = since(begin);
        const auto inner = std::chrono::steady_clock::now();
        auto answered = times.step.count() > 0 ? answer_range(evaluator, expr, steps, query)
                                               : answer_instant(evaluator, expr, steps, query);
        if (!answered) return answered;
        answer_.stats.inner_eval = since(inner);
        answer_.stats.eval_total = since(begin);
        answer_.warnings = query.annotations.warnings();
        answer_.infos = query.annotations.infos();
        query.write_stats(answer_.stats);
        return {};
    }

    Outcome<void> answer_range(Evaluator& evaluator, const Expr& expr, const Steps& steps,
                               const QueryState& query) {
        answer_.type = ValueType::range_vector;
        auto value = evaluator.evaluate(expr, steps);
        if (!value) return value.error();
        if (auto* const scalar = std::get_if<ScalarValue>(&*value)) {
            auto samples = samples_of(std::as_const(*scalar).column(), steps);
            if (!samples.empty()) answer_.series.push_back({Labels(), std::move(samples)});
            return {};
        }
        auto series = series_of(std::get<VectorValue>(*std::move(value)), steps, query);
        if (!series) return series.error();
        answer_.series = *std::move(series);
        sort();
        return {};
    }

    Outcome<void> answer_instant(Evaluator& evaluator, const Expr& expr, const Steps& steps,
                                 const QueryState& query) {
        answer_.type = type_of(expr);
        if (answer_.type == ValueType::range_vector) {
            auto series = evaluator.evaluate_range(expr, steps);
            if (!series) return series.error();
            answer_.series = *std::move(series);
            return {};
        }
        auto value = evaluator.evaluate(expr, steps);
        if (!value) return value.error();
        answer_.scalar.time = steps.start;
        if (auto* const text = std::get_if<StringValue>(&*value)) {
            answer_.text = std::move(text->text);
        } else if (const auto* const scalar = std::get_if<ScalarValue>(&*value)) {
            answer_.scalar.value = scalar->column()[0];
        } else {
            auto vector = std::get<VectorValue>(*std::move(value));
            const bool is_ordered = vector.is_ordered;
            auto series = series_of(std::move(vector), steps, query);
            if (!series) return series.error();
            answer_.series = *std::move(series);
            if (!is_ordered) sort();
        }
        return {};
    }

    void sort() {
        const auto begin = std::chrono::steady_clock::now();
        const auto places = sorted_places(answer_.series.size(), [this](std::size_t at) {
            return SeriesLabels(answer_.series[at].labels);
        });
        std::vector<QuerySeries> sorted;
        sorted.reserve(places.size());
        for (const auto place : places) sorted.push_back(std::move(answer_.series[place]));
        answer_.series = std::move(sorted);
        answer_.stats.result_sort = since(begin);
    }

    const Queryable& stored_;
    const EngineOptions& options_;
    Turns& turns_;
    const QueryOptions& query_options_;
    QueryState::Limits limits_{};
    QueryAnswer answer_;
};

Engine::Engine(const Queryable& stored, EngineOptions options)
    : stored_(stored),
      options_(std::move(options)),
      turns_(std::make_unique<Turns>(std::max<std::size_t>(options_.max_concurrency, 1))) {}

Engine::~Engine() = default;

Result<QueryAnswer, QueryError> Engine::instant(std::string_view text, Timestamp time,
                                                const QueryOptions& options) const {
    return Run(stored_, options_, *turns_, options).run(text, {time, time, Millis(0)});
}

Result<QueryAnswer, QueryError> Engine::range(std::string_view text, const QueryTimes& times,
                                              const QueryOptions& options) const {
    return Run(stored_, options_, *turns_, options).run(text, times);
}

}  // namespace inferscope::promql
