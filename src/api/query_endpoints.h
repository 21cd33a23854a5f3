// SPDX-License-Identifier: Apache-2.0
// Endpoints that take PromQL, in the shapes of Prometheus's HTTP API.
#pragma once

#include "api/answers.h"
#include "api/api.h"
#include "net/http.h"

namespace inferscope::api {

Answer query(const Sources& sources, net::HttpRequest request);
Answer query_range(const Sources& sources, net::HttpRequest request);
/// Exemplars of the series of all selectors in an expression.
Answer query_exemplars(const Sources& sources, net::HttpRequest request);
Answer format_query(const Sources& sources, net::HttpRequest request);
Answer parse_query(const Sources& sources, net::HttpRequest request);

}  // namespace inferscope::api
