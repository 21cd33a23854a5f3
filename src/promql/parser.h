// SPDX-License-Identifier: Apache-2.0
// PromQL's text -> its tree. Recursive descent, operators by precedence climbing.
// Of several errors the one is given that Prometheus meets, and shows, first.
// Source: Prometheus 3.14 and 2.42, promql/parser/generated_parser.y and parse.go.
#pragma once

#include <string_view>

#include "base/result.h"
#include "promql/ast.h"
#include "promql/language.h"

namespace inferscope::promql {

/// How high the tree of a query may be: operators in a row make it so, too.
inline constexpr std::size_t kMostHeight = 1024;

/// Fails with the place and Prometheus's words. Never gives null.
Result<ExprPtr, ParseError> parse_query(std::string_view text, Language language = Language());

/// "1:5: parse error: ...", as Prometheus's API answers it.
std::string to_api_text(const ParseError& error);

}  // namespace inferscope::promql
