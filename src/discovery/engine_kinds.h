// SPDX-License-Identifier: Apache-2.0
// Where each engine shows its metrics and what switches them on. Data, for discovery and for
// messages; what the metrics mean is mapping's. Source: the engines' documentation and source,
// versions of 2026.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace inferscope::discovery {

struct EngineKind {
    std::string_view kind;  ///< "vllm", "sglang", ...: lower case, as `engines: - kind:` spells it
    std::string_view metrics_path;  ///< of the text exposition
    std::uint16_t port;             ///< its API listens there by default
    std::uint16_t metrics_port;     ///< 0: the API's own
    /// What to do when no metrics are found; empty where they can't be switched off.
    std::string_view advice;
};

std::span<const EngineKind> engine_kinds();
/// By any case; null for an unknown kind.
const EngineKind* find_engine_kind(std::string_view kind);

/// "/metrics" for unknown kinds.
std::string_view default_metrics_path(std::string_view kind);
/// Why an engine of this kind may answer, but show no metrics: "restart it with --enable-metrics".
/// Empty: unknown.
std::string_view missing_metrics_advice(std::string_view kind);

}  // namespace inferscope::discovery
