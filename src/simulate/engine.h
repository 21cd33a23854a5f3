// SPDX-License-Identifier: Apache-2.0
// Which engine is played and how big it is; what is wrong with it. Pure: no server, no sockets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "simulate/model.h"

namespace inferscope::simulate {

enum class EngineKind : std::uint8_t { vllm_v0, vllm_v1, sglang };

/// "vllm-v0", "vllm-v1", "sglang".
std::string_view to_string(EngineKind kind);
/// Fails with invalid_argument, naming the kinds there are.
Result<EngineKind> parse_engine_kind(std::string_view text);

/// What is wrong with the engine, for demonstrations and tests. All off by default.
struct Faults {
    bool hang = false;  ///< takes requests and answers /metrics, but nothing progresses
    bool frozen =
        false;  ///< the process is stopped: connects, answers nothing, its time stands still
    bool sleep = false;        ///< weights offloaded, work refused (vllm-v1 only)
    bool metrics_off = false;  ///< /metrics answers 404
    Millis metrics_delay{0};   ///< before /metrics answers
    /// Every path answers 503 for so long, counted from when the fault is set; the model's time
    /// stands still.
    Millis loading{0};
    /// Left out of the page: as their TYPE lines name them.
    std::vector<std::string> missing_families = {};

    /// Fails with limit_exceeded, or with invalid_argument for what such an engine doesn't do.
    [[nodiscard]] Result<void> check(EngineKind kind) const;
    /// Reads a JSON object with these members (`metrics_delay_ms`, `loading_ms`): what is absent is
    /// off. Unknown members are refused. `restart` is returned through `restart`.
    static Result<Faults> parse(std::string_view json, bool& restart);
};

struct EngineSettings {
    EngineKind kind = EngineKind::vllm_v1;
    std::string model_name = "simulated/demo-8b";
    WorkloadSettings workload;
    std::uint64_t seed = 1;
    /// In blocks of 16 tokens, whatever the engine's own page size.
    int kv_blocks = 2048;
    int max_num_seqs = 64;
    int max_model_len = 32768;

    /// Prompt and answer together: max_model_len, or what the KV cache holds if that is less.
    [[nodiscard]] int context_tokens() const;
    /// Fails with invalid_argument, naming the setting, what came and the bound.
    [[nodiscard]] Result<void> check() const;
};

/// The queueing model that plays such an engine: its batching, its page size, its histograms'
/// bounds.
ModelSettings model_settings(const EngineSettings& settings);
/// E.g. "0.20.0+simulated".
std::string_view engine_version(EngineKind kind);

}  // namespace inferscope::simulate
