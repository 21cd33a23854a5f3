// SPDX-License-Identifier: Apache-2.0
// What the process says of itself, and of what it doesn't do: /api/v1/status/*, rules, alerts.
// Source: Prometheus 3.14, HTTP API, "Status", "Rules", "Alerts", "Alertmanagers".
#pragma once

#include "api/answers.h"
#include "api/api.h"
#include "net/http.h"

namespace inferscope::api {

Answer config_status(const Sources& sources, net::HttpRequest request);
Answer flags_status(const Sources& sources, net::HttpRequest request);
Answer runtime_info(const Sources& sources, net::HttpRequest request);
/// `version` is that of the Prometheus whose language is spoken: Grafana chooses features by it.
Answer build_info(const Sources& sources, net::HttpRequest request);
/// The log has been replayed before anything is served.
Answer wal_replay(const Sources& sources, net::HttpRequest request);
/// No rules are evaluated and no Alertmanagers told: what Prometheus without them answers.
Answer rules(const Sources& sources, net::HttpRequest request);
Answer alerts(const Sources& sources, net::HttpRequest request);
Answer alertmanagers(const Sources& sources, net::HttpRequest request);

}  // namespace inferscope::api
