// SPDX-License-Identifier: Apache-2.0
// The /metrics page of each engine that is played: the families, labels and order of the real ones,
// as vLLM 0.5 (V0), vLLM of 2026-08 (V1) and SGLang of 2026-08 write them. Sources: pages captured
// from the engines' own metric code; vllm/engine/metrics.py, vllm/v1/metrics/loggers.py, sglang
// observability/metrics_collector.py. The HELP texts are ours.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "simulate/engine.h"
#include "simulate/http_activity.h"
#include "simulate/model.h"

namespace inferscope::simulate {

/// What a page is made from. All of it outlives the call.
struct PageState {
    const EngineSettings& settings;
    const QueueingModel& model;
    const HttpActivity& http;
    const Faults& faults;
    Timestamp started = 0;  ///< of the simulated process, or of its latest restart
};

std::string render_page(const PageState& state);
/// As the engine answers a client that asks for text. (SGLang has OpenMetrics too, which isn't
/// played.)
std::string_view page_content_type(EngineKind kind);

/// The engine's own histogram bounds. Those in tokens of vLLM end with `max_model_len`.
BucketBounds bucket_bounds(EngineKind kind, int max_model_len);

/// The API server's handlers with the simulated traffic among them: what went through the model was
/// HTTP too.
std::vector<HandlerActivity> all_handlers(const PageState& state);

// One for each engine; they append.
void render_vllm_v0(std::string& out, const PageState& state);
void render_vllm_v1(std::string& out, const PageState& state);
void render_sglang(std::string& out, const PageState& state);

}  // namespace inferscope::simulate
