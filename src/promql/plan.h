// SPDX-License-Identifier: Apache-2.0
// What is known of a query before it is evaluated: which parts don't depend on the step, at which
// times each subquery is evaluated, which samples each selector can see.
// Source: Prometheus 3.14 and 2.42, promql/engine.go (PreprocessExpr, getTimeRangesForSelector).
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <string_view>
#include <vector>

#include "promql/ast.h"
#include "promql/query_state.h"
#include "promql/steps.h"

namespace inferscope::promql {

/// Without the parentheses around it.
const Expr& without_parens(const Expr& expr);

/// Step k looks at the time first + k * interval.
struct LookTimes {
    Timestamp first = 0;
    Timestamp interval = 0;  ///< 0: `@`
};

/// Of the samples of one selector: both ends included.
struct TimeSpan {
    Timestamp from = 0;
    Timestamp to = 0;
};

/// One read of the store, which may serve several selectors.
struct PlannedRead {
    const std::vector<Matcher>* matchers = nullptr;
    TimeSpan span{};
};

class Plan {
public:
    /// `expr` outlives this; its durations are resolved. `end`: of the query, which its last step
    /// needn't be.
    Plan(const Expr& expr, const QueryState& query, Timestamp end);

    [[nodiscard]] bool is_step_invariant(const Expr& expr) const {
        return invariant_.contains(&expr);
    }
    [[nodiscard]] const std::vector<PlannedRead>& reads() const { return reads_; }
    /// Its place among them.
    [[nodiscard]] std::size_t read_of(const VectorSelector& selector) const {
        return places_.at(&selector);
    }

    /// Where an instant vector's lookback ends, or a range's windows.
    [[nodiscard]] LookTimes look_times(const VectorSelector& selector, const Steps& steps) const;
    [[nodiscard]] LookTimes range_times(const AtModifier& at, const Duration& offset,
                                        const Steps& steps) const;
    /// Those of timestamp(selector), which forgets the offset where there is an `@`.
    [[nodiscard]] LookTimes timestamp_times(const VectorSelector& selector,
                                            const Steps& steps) const;
    /// Of what stands in the subquery. Too many are cut to one more than the bound on samples.
    [[nodiscard]] Steps subquery_steps(const Subquery& subquery, const Steps& steps) const;
    /// What start(), end(), range() and step() are, if `call` is one of them.
    [[nodiscard]] std::optional<double> constant_of(const Call& call) const;

private:
    [[nodiscard]] bool mark_invariant(const Expr& expr);
    [[nodiscard]] bool mark_invariant(const Call& call);
    [[nodiscard]] Timestamp time_of(const AtModifier& at) const;

    void look_at(const Expr& expr, Steps steps);
    void look_at_call(const Call& call, const Steps& steps);
    void need(const VectorSelector& selector, const LookTimes& times, Timestamp range,
              const Steps& steps);
    void unite_reads();

    const QueryState& query_;
    Timestamp start_;
    Timestamp end_;
    absl::flat_hash_set<const Expr*> invariant_;
    absl::flat_hash_map<const VectorSelector*, std::size_t> places_;
    std::vector<PlannedRead> reads_;
};

}  // namespace inferscope::promql
