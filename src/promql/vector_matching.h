// SPDX-License-Identifier: Apache-2.0
// Binary operators between two instant vectors: which series belong together, and what they make.
// Source: Prometheus 3.14 and 2.42, promql/engine.go (VectorBinop, VectorAnd, VectorOr,
// VectorUnless); its errors, which are judged step by step, and the first of them.
#pragma once

#include "promql/ast.h"
#include "promql/query_state.h"
#include "promql/value.h"

namespace inferscope::promql {

/// Whether the result means something else than its operands, so that it loses their name.
[[nodiscard]] bool changes_meaning(BinaryOp op, Dialect dialect);

/// `and`, `or`, `unless`.
[[nodiscard]] Outcome<VectorValue> combine_sets(const Binary& node, VectorValue left,
                                                VectorValue right, std::size_t steps,
                                                QueryState& query);

/// All other operators.
[[nodiscard]] Outcome<VectorValue> match_vectors(const Binary& node, VectorValue left,
                                                 VectorValue right, std::size_t steps,
                                                 QueryState& query);

}  // namespace inferscope::promql
