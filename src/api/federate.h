// SPDX-License-Identifier: Apache-2.0
// /federate: the newest samples of what `match[]` selects, as a page for another Prometheus.
// Source: Prometheus 3.14, web/federate.go.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "api/answers.h"
#include "api/api.h"
#include "net/http.h"
#include "telemetry/labels.h"
#include "telemetry/sample.h"

namespace inferscope::api {

Answer federate(const Sources& sources, net::HttpRequest request);

struct FederatedSample {
    Labels labels;
    Sample sample;
};

/// The page in the text format, with times; every family is untyped. `external` labels are added
/// to series that don't have them, and an empty `instance` to those without one, so that the
/// reader doesn't put its own there. Series without a name are left out.
std::string federated_page(std::vector<FederatedSample> samples, const Labels& external);

}  // namespace inferscope::api
