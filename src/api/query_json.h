// SPDX-License-Identifier: Apache-2.0
// A query's answer as JSON. Source: Prometheus 3.14, web/api/v1/json_codec.go, util/stats.
#pragma once

#include <cstddef>
#include <string>

#include "promql/engine.h"

namespace inferscope::api {

/// Leaves out the series behind the first `limit`; 0 is no limit. True if there were any.
bool cut_to_limit(promql::QueryAnswer& answer, std::size_t limit);

/// {"resultType":...,"result":...}, and "stats" if they are wanted.
void append_json(std::string& out, const promql::QueryAnswer& answer, bool with_stats);

}  // namespace inferscope::api
