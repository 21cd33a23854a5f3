// SPDX-License-Identifier: Apache-2.0
// Evaluates an expression at all steps at once: each node once, into columns.
// Source: Prometheus 3.14 and 2.42, promql/engine.go and functions.go.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "promql/ast.h"
#include "promql/plan.h"
#include "promql/query_state.h"
#include "promql/series_columns.h"
#include "promql/value.h"
#include "promql/window_functions.h"
#include "telemetry/queryable.h"

namespace inferscope::promql {

/// Of one query; confined to its thread. What it is given outlives it.
class Evaluator {
public:
    Evaluator(const Queryable& stored, const Plan& plan, QueryState& query)
        : stored_(stored), plan_(plan), query_(query) {}

    /// Reads what the selectors need. To be called once, before all else.
    [[nodiscard]] Outcome<void> read();
    /// Not of a range vector.
    [[nodiscard]] Outcome<Value> evaluate(const Expr& expr, const Steps& steps);
    /// Of a range vector that is the whole of an instant query: sorted by labels.
    [[nodiscard]] Outcome<std::vector<QuerySeries>> evaluate_range(const Expr& expr,
                                                                   const Steps& steps);

private:
    /// A range vector and where its windows lie.
    struct Range {
        const SeriesColumns* columns = nullptr;
        WindowSpec spec{};
        std::optional<SeriesColumns> own;  ///< of a subquery
        VectorSelector::Window window = VectorSelector::Window::plain;

        [[nodiscard]] const SeriesColumns& all() const { return own ? *own : *columns; }
    };
    using CallHandler = Outcome<Value> (Evaluator::*)(const Call& call, ByteRange place,
                                                      const Steps& steps);
    struct NamedHandler {
        std::string_view name;
        CallHandler handler;
    };

    // evaluator.cpp
    [[nodiscard]] Outcome<Value> evaluate_node(const Expr& expr, const Steps& steps);
    [[nodiscard]] Outcome<Value> repeat(Value once, const Steps& steps);
    [[nodiscard]] Outcome<Value> nothing(const Expr& expr);
    [[nodiscard]] Outcome<Value> negate(const Unary& unary, const Steps& steps);
    [[nodiscard]] Outcome<Value> trim(const Binary& binary, ByteRange place, const Steps& steps);
    [[nodiscard]] Outcome<Value> combine(const Binary& binary, ByteRange place, const Steps& steps);
    [[nodiscard]] Outcome<Value> combine_scalars(const Binary& binary, const Steps& steps);
    [[nodiscard]] Outcome<Value> combine_with_scalar(const Binary& binary, const Steps& steps,
                                                     bool is_scalar_left);
    [[nodiscard]] Outcome<Value> aggregate(const Aggregate& node, const Steps& steps);
    [[nodiscard]] Outcome<VectorValue> vector(const Expr& expr, const Steps& steps);
    [[nodiscard]] Outcome<ScalarValue> scalar(const Expr& expr, const Steps& steps);
    [[nodiscard]] Outcome<ScalarValue> constant(double value, const Steps& steps);

    // selecting.cpp
    [[nodiscard]] Outcome<Selection> read_selection(const PlannedRead& planned);
    [[nodiscard]] const SeriesColumns& columns_of(const VectorSelector& selector) const;
    [[nodiscard]] Outcome<VectorValue> select(const VectorSelector& selector, const Steps& steps);
    [[nodiscard]] Outcome<VectorValue> select_smoothed(const VectorSelector& selector,
                                                       const Steps& steps);
    [[nodiscard]] Outcome<VectorValue> select_times(const VectorSelector& selector,
                                                    const Steps& steps);
    [[nodiscard]] Outcome<VectorValue> look_back(const SeriesColumns& columns,
                                                 const WindowSpec& spec, const Steps& steps,
                                                 bool gives_times);
    [[nodiscard]] Outcome<Range> range_of(const Expr& expr, const Steps& steps);

    // calls.cpp
    [[nodiscard]] Outcome<Value> call(const Call& call, ByteRange place, const Steps& steps);
    [[nodiscard]] Outcome<Value> call_value_function(const Call& call, const Steps& steps);
    [[nodiscard]] Outcome<Value> call_time(const Call& call, ByteRange place, const Steps& steps);
    [[nodiscard]] Outcome<Value> call_pi(const Call& call, ByteRange place, const Steps& steps);
    [[nodiscard]] Outcome<Value> call_scalar(const Call& call, ByteRange place, const Steps& steps);
    [[nodiscard]] Outcome<Value> call_vector(const Call& call, ByteRange place, const Steps& steps);
    [[nodiscard]] Outcome<Value> call_timestamp(const Call& call, ByteRange place,
                                                const Steps& steps);
    [[nodiscard]] Outcome<Value> call_absent(const Call& call, ByteRange place, const Steps& steps);
    [[nodiscard]] Outcome<Value> call_extreme_of(const Call& call, ByteRange place,
                                                 const Steps& steps);
    [[nodiscard]] Outcome<Value> call_of_native_histograms(const Call& call, ByteRange place,
                                                           const Steps& steps);

    // calls_over_time.cpp
    [[nodiscard]] static WindowSpec seen_by(const Range& range, Timestamp lookback);
    [[nodiscard]] static QueryError refuse_window(const Call& call, VectorSelector::Window window);
    [[nodiscard]] Outcome<VectorValue> evaluate_windows(const WindowFunctionInfo& info,
                                                        const Range& range,
                                                        const WindowParameters& parameters,
                                                        const Steps& steps);
    void annotate_windows(const Call& call, const SeriesColumns& columns,
                          const WindowFunctionInfo& info, const VectorValue& result);
    [[nodiscard]] Outcome<void> name_results(const WindowFunctionInfo& info, VectorValue& result);
    void warn_of_quantiles(std::span<const double> quantiles, const VectorValue& result,
                           ByteRange place);
    [[nodiscard]] Outcome<Value> call_over_time(const Call& call, const Steps& steps);
    [[nodiscard]] Outcome<Value> call_absent_over_time(const Call& call, ByteRange place,
                                                       const Steps& steps);

    // calls_of_labels.cpp
    [[nodiscard]] Outcome<Value> call_label_replace(const Call& call, ByteRange place,
                                                    const Steps& steps);
    [[nodiscard]] Outcome<Value> call_label_join(const Call& call, ByteRange place,
                                                 const Steps& steps);
    [[nodiscard]] Outcome<Value> call_sort(const Call& call, ByteRange place, const Steps& steps);
    [[nodiscard]] Outcome<Value> call_sort_by_label(const Call& call, ByteRange place,
                                                    const Steps& steps);

    // calls_of_info.cpp
    [[nodiscard]] Outcome<Value> call_info(const Call& call, ByteRange place, const Steps& steps);

    // calls_of_buckets.cpp
    [[nodiscard]] Outcome<Value> call_histogram_quantile(const Call& call, ByteRange place,
                                                         const Steps& steps);
    [[nodiscard]] Outcome<Value> call_histogram_quantiles(const Call& call, ByteRange place,
                                                          const Steps& steps);
    [[nodiscard]] Outcome<Value> call_histogram_fraction(const Call& call, ByteRange place,
                                                         const Steps& steps);

    static const NamedHandler* find_handler(std::string_view name);

    const Queryable& stored_;
    const Plan& plan_;
    QueryState& query_;
    std::vector<SeriesColumns> reads_;  // as planned
};

}  // namespace inferscope::promql
