// SPDX-License-Identifier: Apache-2.0
// The parts of the parser that read selectors and lists of labels.
// Source: Prometheus 3.14 and 2.42, promql/parser/generated_parser.y.
#pragma once

#include <string>
#include <vector>

#include "promql/ast.h"
#include "promql/lexeme_reader.h"

namespace inferscope::promql {

/// Whether a metric may have that name where an expression starts: most keywords are such, too.
bool is_metric_name(LexemeKind kind);

/// `{a="b"}`, or nothing where no brace follows; `name` is what stood before, or of kind `end`.
Expr read_selector(LexemeReader& reader, const Lexeme& name);

/// `(a, b)`: of `by`, `on`, `group_left` ...
std::vector<std::string> read_labels(LexemeReader& reader);

}  // namespace inferscope::promql
