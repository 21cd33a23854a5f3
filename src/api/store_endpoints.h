// SPDX-License-Identifier: Apache-2.0
// Endpoints that read and tend the store, in the shapes of Prometheus's HTTP API.
#pragma once

#include "api/answers.h"
#include "api/api.h"
#include "net/http.h"

namespace inferscope::api {

Answer series(const Sources& sources, net::HttpRequest request);
Answer label_names(const Sources& sources, net::HttpRequest request);
/// Path: /api/v1/label/NAME/values. A name that isn't a legacy one comes as U__..., as Prometheus
/// 3 escapes it.
Answer label_values(const Sources& sources, net::HttpRequest request);
Answer metadata(const Sources& sources, net::HttpRequest request);
Answer tsdb_status(const Sources& sources, net::HttpRequest request);
Answer flush(const Sources& sources, net::HttpRequest request);
Answer delete_series(const Sources& sources, net::HttpRequest request);
Answer snapshot(const Sources& sources, net::HttpRequest request);

}  // namespace inferscope::api
