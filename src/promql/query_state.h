// SPDX-License-Identifier: Apache-2.0
// What one query has for itself while it runs: its limits, its memory, its annotations, counts.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "promql/annotations.h"
#include "promql/engine.h"
#include "promql/series_labels.h"
#include "promql/steps.h"

namespace inferscope::promql {

template <class T>
using Outcome = Result<T, QueryError>;

QueryError execution_error(std::string text);

/// Values in memory, against their bound. Confined to one thread.
class SampleBudget {
public:
    explicit SampleBudget(std::size_t most) : most_(most) {}

    /// False if there would be too many; they count all the same until they are given back.
    bool take(std::size_t values) {
        used_ += values;
        peak_ = std::max(peak_, used_);
        return used_ <= most_;
    }
    void give_back(std::size_t values) { used_ -= values; }
    [[nodiscard]] std::size_t most() const { return most_; }
    [[nodiscard]] std::size_t peak() const { return peak_; }

private:
    std::size_t most_;
    std::size_t used_ = 0;
    std::size_t peak_ = 0;
};

/// Rows of one value for each step, in one buffer. What is new in it is not initialized.
class Matrix {
public:
    Matrix() = default;
    Matrix(Matrix&& other) noexcept { swap(other); }
    Matrix& operator=(Matrix&& other) noexcept {
        Matrix moved(std::move(other));
        swap(moved);
        return *this;
    }
    ~Matrix() {
        if (budget_ != nullptr) budget_->give_back(rows_ * steps_);
    }

    [[nodiscard]] std::size_t rows() const { return rows_; }
    [[nodiscard]] std::size_t steps() const { return steps_; }
    [[nodiscard]] std::span<double> row(std::size_t at) {
        return {values_.get() + at * steps_, steps_};
    }
    [[nodiscard]] std::span<const double> row(std::size_t at) const {
        return {values_.get() + at * steps_, steps_};
    }

private:
    friend class QueryState;
    Matrix(SampleBudget& budget, std::size_t rows, std::size_t steps)
        : budget_(&budget),
          rows_(rows),
          steps_(steps),
          values_(std::make_unique_for_overwrite<double[]>(rows * steps)) {}
    void swap(Matrix& other) noexcept {
        std::swap(budget_, other.budget_);
        std::swap(rows_, other.rows_);
        std::swap(steps_, other.steps_);
        std::swap(values_, other.values_);
    }

    SampleBudget* budget_ = nullptr;
    std::size_t rows_ = 0;
    std::size_t steps_ = 0;
    std::unique_ptr<double[]> values_;
};

/// Confined to the query's thread, but for what is said to be for any.
class QueryState {
public:
    struct Limits {
        SteadyTime deadline;
        const std::atomic<bool>* cancelled = nullptr;
        std::size_t max_samples = 0;
        Millis lookback{0};
    };

    QueryState(std::string_view query, const EngineOptions& options, const Limits& limits,
               bool wants_step_stats, const Steps& steps);

    [[nodiscard]] const EngineOptions& options() const { return options_; }
    [[nodiscard]] bool is_prometheus2() const { return options_.language.is_prometheus2(); }
    [[nodiscard]] Dialect dialect() const { return options_.language.dialect(); }
    /// Whether a query may make a label of that name.
    [[nodiscard]] bool is_label_name(std::string_view name) const;
    [[nodiscard]] bool delays_name_removal() const { return delays_name_removal_; }
    [[nodiscard]] Timestamp lookback() const { return limits_.lookback.count(); }
    [[nodiscard]] std::size_t max_samples() const { return limits_.max_samples; }
    [[nodiscard]] const Steps& steps() const { return steps_; }

    /// Fails when the query is cancelled or out of time.
    [[nodiscard]] Outcome<void> check() const;
    /// The same, in short; any thread.
    [[nodiscard]] bool must_stop() const;
    /// Fails if that would be too many values.
    [[nodiscard]] Outcome<Matrix> make_matrix(std::size_t rows, std::size_t steps);
    [[nodiscard]] QueryError too_many_samples() const;

    /// Calls `work` for the parts 0, 1, ... of the whole, on several threads where that pays; then
    /// looks whether the query must stop. `cost`: about how many values all of them touch.
    [[nodiscard]] Outcome<void> for_each_part(std::size_t parts, std::size_t cost,
                                              const std::function<void(std::size_t)>& work) const;
    /// The same for blocks [begin, end) of rows.
    [[nodiscard]] Outcome<void> for_each_block(
        std::size_t rows, std::size_t cost,
        const std::function<void(std::size_t, std::size_t)>& work) const;

    /// Samples that the store gave for the steps of `steps`.
    void count_samples(const Steps& steps, std::size_t step, std::size_t samples);
    [[nodiscard]] bool counts_steps() const { return !samples_by_step_.empty(); }
    void count_samples(std::size_t samples) { samples_queried_ += samples; }
    void write_stats(QueryStats& stats) const;

    Annotations annotations;
    LabelStore labels;

private:
    const EngineOptions& options_;
    Limits limits_;
    Steps steps_;
    bool delays_name_removal_;
    SampleBudget budget_;
    std::size_t samples_queried_ = 0;
    std::vector<std::size_t> samples_by_step_;  // empty: not wanted
};

}  // namespace inferscope::promql
