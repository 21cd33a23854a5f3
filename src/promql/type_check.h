// SPDX-License-Identifier: Apache-2.0
// What is wrong with an expression although it is well-formed: types, numbers of arguments,
// selectors that would select everything.
// Source: Prometheus 3.14, promql/parser/parse.go, checkAST; its order, since the first finding is
// the one that is shown.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "promql/ast.h"

namespace inferscope::promql {

struct Finding {
    std::size_t at = 0;  ///< in the text
    std::string text;
};

/// The first one, if any. Completes what depends on types: VectorMatching is dropped where not both
/// sides are vectors, and becomes many-to-many for set operators.
std::optional<Finding> check_types(Expr& expr, std::string_view text);

/// Of a selector that stands alone.
std::optional<Finding> check_selector(const VectorSelector& selector, std::size_t at);

}  // namespace inferscope::promql
