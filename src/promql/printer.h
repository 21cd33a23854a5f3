// SPDX-License-Identifier: Apache-2.0
// A tree -> PromQL that parses into the same tree.
// Source: Prometheus 3.14 and 2.42, promql/parser/printer.go and prettier.go.
#pragma once

#include <string>

#include "promql/ast.h"
#include "promql/language.h"

namespace inferscope::promql {

/// On one line, as Prometheus names a query in its log and its metrics.
std::string to_text(const Expr& expr, Dialect dialect = Dialect::prometheus3);

/// As /api/v1/format_query answers it: what is longer than 100 bytes is broken up, each level two
/// blanks further in.
std::string to_pretty_text(const Expr& expr, Dialect dialect = Dialect::prometheus3);

/// Parsed and printed prettily. Fails as parse_query does.
Result<std::string, ParseError> format_query(std::string_view text, Language language = Language());

/// An arithmetic expression of durations, as it stands between brackets.
std::string to_text(const DurationExpr& expr);

}  // namespace inferscope::promql
