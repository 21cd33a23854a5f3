// SPDX-License-Identifier: Apache-2.0
// Lengths of time that depend on the query, computed once it is known.
// Source: Prometheus 3.14, promql/durations.go.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "promql/ast.h"

namespace inferscope::promql {

/// Sets Duration::value wherever there is an expression. `step` and `range` are those of the query,
/// both 0 for an instant one. Fails with Prometheus's words: not positive where it must be, not
/// finite, too long, a division by zero.
Result<void> resolve_durations(Expr& expr, Millis step, Millis range);

}  // namespace inferscope::promql
