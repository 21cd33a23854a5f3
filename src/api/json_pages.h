// SPDX-License-Identifier: Apache-2.0
// JSON answers in Prometheus's shapes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "discovery/target.h"
#include "net/http.h"
#include "scrape/target_scrape.h"

namespace inferscope::api {

/// {"status":"error","errorType":...,"error":...}. Source: Prometheus, HTTP API, "Format overview".
net::HttpResponse json_error(int status, std::string_view error_type, std::string_view text);
/// /api/v1/targets. Source: Prometheus, HTTP API, "Targets"; `inferscope` holds what that shape
/// lacks. `state`: "active", "dropped" or "any".
std::string targets_json(const std::vector<scrape::TargetStatus>& active,
                         const std::vector<discovery::DroppedTarget>& dropped,
                         std::string_view state);

/// Milliseconds since the epoch as RFC 3339 in UTC: "2026-11-22T01:02:03.004Z".
std::string rfc3339(Timestamp time);

}  // namespace inferscope::api
