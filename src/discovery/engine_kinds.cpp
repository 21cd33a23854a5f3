// SPDX-License-Identifier: Apache-2.0
#include "discovery/engine_kinds.h"

#include <algorithm>

namespace inferscope::discovery {
namespace {

constexpr EngineKind kKinds[] = {
    {"vllm", "/metrics", 8000, 0, "restart it without --disable-log-stats"},
    {"sglang", "/metrics", 30000, 0, "restart it with --enable-metrics"},
    {"llama.cpp", "/metrics", 8080, 0, "restart it with --metrics"},
    {"tgi", "/metrics", 3000, 0, ""},
    {"lmdeploy", "/metrics", 23333, 0, "restart it without --disable-metrics"},
    {"tensorrt-llm", "/prometheus/metrics", 8000, 0,
     "set return_perf_metrics: true in the file that --extra_llm_api_options names, and restart "
     "it"},
    {"mindie", "/metrics", 1025, 1027,
     "restart it with MIES_SERVICE_MONITOR_MODE=1 in its environment"},
    {"triton", "/metrics", 8000, 8002, "restart it without --allow-metrics=false"},
    {"nim", "/v1/metrics", 8000, 0, ""},
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::span<const EngineKind> engine_kinds() { return kKinds; }

const EngineKind* find_engine_kind(std::string_view kind) {
    for (const auto& known : kKinds) {
        if (same_word(known.kind, kind)) return &known;
    }
    return nullptr;
}

std::string_view default_metrics_path(std::string_view kind) {
    const auto* const known = find_engine_kind(kind);
    return known != nullptr ? known->metrics_path : "/metrics";
}

std::string_view missing_metrics_advice(std::string_view kind) {
    const auto* const known = find_engine_kind(kind);
    return known != nullptr ? known->advice : "";
}

}  // namespace inferscope::discovery
