// SPDX-License-Identifier: Apache-2.0
// Parameters of Prometheus's HTTP API. Source: Prometheus, web/api/v1: errors have its words.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/http.h"
#include "promql/selector.h"

namespace inferscope::api {

/// Prometheus's minTime and maxTime: everything.
inline constexpr Timestamp kMinTime = std::numeric_limits<Timestamp>::min() / 4;
inline constexpr Timestamp kMaxTime = std::numeric_limits<Timestamp>::max() / 4;

/// Seconds since the epoch ("1435781451.781"), or RFC 3339 ("2015-07-01T20:10:51.781Z").
std::optional<Timestamp> parse_time(std::string_view text);
/// `otherwise` if the parameter isn't there.
Result<Timestamp> time_parameter(const net::HttpRequest& request, std::string_view name,
                                 Timestamp otherwise);
Result<Timestamp> needed_time_parameter(const net::HttpRequest& request, std::string_view name);

/// Seconds ("0.5", "1e3") or a duration ("1m30s"), in seconds. Fails with Prometheus's words.
Result<double> parse_seconds(std::string_view text);
/// 0 (no bound) if it isn't there.
Result<std::size_t> limit_parameter(const net::HttpRequest& request, std::string_view name);
/// All values of `match[]`, as selectors without ranges. Fails if there are none and `is_needed`.
Result<std::vector<promql::Selector>> match_parameters(const net::HttpRequest& request,
                                                       bool is_needed);

}  // namespace inferscope::api
