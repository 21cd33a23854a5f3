// SPDX-License-Identifier: Apache-2.0
#include "simulate/config.h"

#include <fmt/format.h>

namespace inferscope::simulate {

Result<void> SimulateSettings::check() const {
    if (const auto checked = engine.check(); !checked) return checked.error();
    if (const auto checked = faults.check(engine.kind); !checked) return checked.error();
    if (speed >= 0.01 && speed <= 1000) return {};
    return Error{Errc::invalid_argument,
                 fmt::format("simulate: speed is {}, allowed are 0.01 to 1000", speed)};
}

std::vector<SimulateSettings> demo_settings() {
    std::vector<SimulateSettings> engines(3);
    auto& bursty = engines[0].engine;
    bursty.seed = 11;
    bursty.model_name = "simulated/llama-8b";
    bursty.workload.requests_per_second = 2;
    bursty.workload.burst_factor = 6;
    bursty.workload.burst_length = std::chrono::seconds(40);
    bursty.workload.burst_period = std::chrono::minutes(5);

    auto& calm = engines[1].engine;
    calm.kind = EngineKind::sglang;
    calm.seed = 12;
    calm.model_name = "simulated/qwen-7b";
    calm.workload.requests_per_second = 1.5;
    calm.workload.cached_prompt_share = 0.8;

    auto& crowded = engines[2].engine;
    crowded.kind = EngineKind::vllm_v0;
    crowded.seed = 13;
    crowded.model_name = "simulated/mistral-7b";
    crowded.workload.requests_per_second = 3;
    crowded.kv_blocks = 400;
    return engines;
}

}  // namespace inferscope::simulate
