// SPDX-License-Identifier: Apache-2.0
// Which unified name an engine's family has: data (deploy/mapping/metrics_config.yaml), not code.
// The schema is GPUStack's (`gpustack_metrics`, `runtime_mapping`: a stock file loads unchanged) plus a third key,
// `inferscope`, for what that schema can't say.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/yaml.h"
#include "telemetry/metadata.h"

namespace inferscope::mapping {

/// What a target is, as far as it is known.
struct Identity {
    std::string runtime;  ///< "vLLM", "SGLang", "MindIE", "llama.cpp", "TGI", "LMDeploy", "TensorRT-LLM", "NIM"; empty: no engine
    std::string version;  ///< as the engine spells it; empty: unknown
    bool is_router = false;  ///< re-exports its engines' names: never unified

    bool operator==(const Identity&) const = default;
};

/// One parsed and checked mapping file. Immutable: replaced whole.
class Mapping {
public:
    /// Validates everything: rules that name unified families that don't exist, bad version ranges, unknown keys.
    /// `warnings` (may be null) gets what is odd but harmless.
    static Result<std::shared_ptr<const Mapping>, ParseError> parse(std::string_view text, std::string_view file,
                                                                    const yaml::Limits& limits = {},
                                                                    std::vector<ParseError>* warnings = nullptr);
    /// The embedded deploy/mapping/metrics_config.yaml.
    static std::shared_ptr<const Mapping> built_in();
    static std::string_view built_in_text();

    Mapping();
    ~Mapping();
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;

    /// As GPUStack's GET /metrics/config answers: one JSON object with the same keys as the file.
    [[nodiscard]] std::string to_json() const;

    /// Which engine made a page with these families; runtime is empty if none fits. A prefix alone is not enough
    /// where engines share names (MindIE and NIM); routers are told by their labels.
    [[nodiscard]] Identity recognise(std::span<const std::string_view> sample_names,
                                     std::span<const std::string_view> label_names) const;
    /// "vllm", "VLLM", "ascend-mindie" -> the canonical runtime; empty if unknown.
    [[nodiscard]] std::string canonical_runtime(std::string_view name) const;

    struct Rules;  ///< in mapping.cpp and target_mapping.cpp
    [[nodiscard]] const Rules& rules() const { return *rules_; }

private:
    std::unique_ptr<Rules> rules_;
};

}  // namespace inferscope::mapping
