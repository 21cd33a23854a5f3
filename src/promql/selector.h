// SPDX-License-Identifier: Apache-2.0
// A selector as PromQL writes it: `http_requests_total{job="a", code=~"5.."}[5m]`.
// Source: Prometheus, "Querying basics", and the grammar of its UTF-8 names (`{"a.b", "c.d"="e"}`).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "promql/parser.h"
#include "telemetry/matcher.h"

namespace inferscope::promql {

struct Selector {
    std::vector<Matcher> matchers;  ///< the metric's name is one of them, the first one if it stood
                                    ///< before the braces
    std::optional<Millis> range;    ///< of a range selector; positive
};

/// Fails with the place and Prometheus's words: a selector that isn't one, a regular expression
/// that doesn't compile, no matcher that refuses the empty string (that would be every series).
Result<Selector, ParseError> parse_selector(std::string_view text,
                                            RegexDialect dialect = RegexDialect::prometheus3);

}  // namespace inferscope::promql
