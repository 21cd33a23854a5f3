// SPDX-License-Identifier: Apache-2.0
// A tree as Prometheus 3 answers it from /api/v1/parse_query.
// Source: Prometheus 3.14, web/api/v1/translate_ast.go.
#pragma once

#include <string>

#include "promql/ast.h"

namespace inferscope::promql {

/// One JSON object, its names sorted; what isn't UTF-8 becomes U+FFFD.
std::string to_json(const Expr& expr);

}  // namespace inferscope::promql
