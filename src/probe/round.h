// SPDX-License-Identifier: Apache-2.0
// What the answers of one round of probes mean. Plain functions: no socket, no clock.
#pragma once

#include <string_view>

#include "probe/answers.h"
#include "probe/endpoints.h"
#include "probe/exchange.h"
#include "probe/probe_result.h"

namespace inferscope::probe {

/// Fills what the health look tells: reachable, loaded, loading, needs_key, status, phase, error,
/// why, latency. An engine that can't be reached loses its version and sleep state: another one may
/// come back.
void note_health(ProbeResult& result, const Endpoints& endpoints, const Exchange& health);

/// Fills models, or needs_key.
void note_models(ProbeResult& result, const Exchange& answer, const Result<ModelList>& models);

/// Fills asleep and is_router. False if the engine has no such endpoint (don't ask it again).
bool note_sleep(ProbeResult& result, const Endpoints& endpoints, const Exchange& answer);

/// Fills the version if the answer has one.
void note_version(ProbeResult& result, const Endpoints& endpoints, const Exchange& answer);

/// The answer as a list of models; fails for every status but 200, too.
Result<ModelList> read_models(const Exchange& answer);

constexpr bool wants_key(int status) { return status == 401 || status == 403; }

}  // namespace inferscope::probe
