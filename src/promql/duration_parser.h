// SPDX-License-Identifier: Apache-2.0
// The part of the parser that reads lengths of time: `5m`, `300`, `-1h`, `step() * 2`.
// Source: Prometheus 3.14 and 2.42, promql/parser/generated_parser.y.
#pragma once

#include "promql/ast.h"
#include "promql/lexeme_reader.h"

namespace inferscope::promql {

/// Between brackets: more than 0.
Duration read_positive_duration(LexemeReader& reader);

/// Behind `offset`. Ends behind its first number or call; behind a parenthesis it goes on.
Duration read_offset(LexemeReader& reader);

/// The seconds of a lexeme that is a number or a duration.
double read_seconds(LexemeReader& reader, const Lexeme& lexeme);

}  // namespace inferscope::promql
