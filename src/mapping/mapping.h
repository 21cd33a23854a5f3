// SPDX-License-Identifier: Apache-2.0
// Which unified name an engine's family has: data (deploy/mapping/metrics_config.yaml), not code.
// The schema is GPUStack's (`gpustack_metrics`, `runtime_mapping`: a stock file loads unchanged)
// plus a third key, `inferscope`, for what that schema can't say. docs/mapping.md describes all of
// it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/yaml.h"
#include "mapping/selector.h"

namespace inferscope::mapping {

enum class Kind : std::uint8_t {
    engine,
    router,    ///< re-exports its engines' names: never unified, or they would count twice
    exporter,  ///< of a GPU (DCGM): its names are published in one spelling, but it is no engine
};

/// What a target is, as far as it is known.
struct Identity {
    std::string runtime;  ///< canonical: "vLLM", "SGLang", "MindIE", "llama.cpp", ...; empty: none
                          ///< that we know
    std::string version;  ///< as the engine spells it; empty: unknown
    Kind kind = Kind::engine;

    [[nodiscard]] bool is_engine() const { return !runtime.empty() && kind == Kind::engine; }
    bool operator==(const Identity&) const = default;
};

/// Which series of a page tell an engine's state; each selector's `family` is a sample's name, in
/// the mapping's spelling. Each list is ordered, newest spelling first: the first that the page has
/// counts, but for `progress`.
struct Signals {
    std::vector<Selector> running;   ///< requests in the batch
    std::vector<Selector> waiting;   ///< requests queued
    std::vector<Selector> kv_usage;  ///< moves while a long prefill runs, when no counter does
    std::vector<Selector> progress;  ///< all of them count: any that moves is progress
    std::vector<Selector> sleeping;  ///< above 0 while the model is put to sleep
    /// The progress counters move only when a request (or its prefill) ends: that they stand still
    /// proves nothing for as long as a request may take.
    bool progress_at_end = false;
};

/// One parsed and checked mapping file. Immutable: replaced whole. Thread: any.
class Mapping {
public:
    /// Validates everything: rules that name unified families that don't exist, bad version ranges,
    /// unknown keys. A file without the key `inferscope` (GPUStack's own) gets the built-in one.
    /// `warnings` (may be null) gets what is odd but harmless.
    static Result<std::shared_ptr<const Mapping>, ParseError> parse(
        std::string_view text, std::string_view file, const yaml::Limits& limits = {},
        std::vector<ParseError>* warnings = nullptr);
    /// The embedded deploy/mapping/metrics_config.yaml.
    static std::shared_ptr<const Mapping> built_in();
    static std::string_view built_in_text();

    Mapping();
    ~Mapping();
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;

    /// As GPUStack's GET /metrics/config answers: one JSON object with the keys that the file has.
    /// Posting it back gives the same mapping.
    [[nodiscard]] const std::string& to_json() const;

    /// Which engine made a page with these sample and label names; runtime is empty if none fits. A
    /// prefix alone is not enough where engines share names (MindIE and NIM); routers are told by
    /// their labels and own families. No page tells its engine's version: that comes from the
    /// endpoints.
    [[nodiscard]] Identity recognise(std::span<const std::string_view> sample_names,
                                     std::span<const std::string_view> label_names) const;
    /// "vllm", "VLLM", "ascend-mindie" -> the canonical runtime; empty if unknown.
    [[nodiscard]] std::string canonical_runtime(std::string_view name) const;
    /// The identity of a target whose kind was configured or told by an endpoint; runtime is empty
    /// if unknown.
    [[nodiscard]] Identity identity(std::string_view runtime, std::string_view version) const;
    /// Of a canonical runtime; empty lists where nothing is known. Lives as long as the mapping.
    [[nodiscard]] const Signals& signals(std::string_view runtime) const;

    struct Rules;  ///< in rules.h, for this folder only
    [[nodiscard]] const Rules& rules() const { return *rules_; }

private:
    std::unique_ptr<Rules> rules_;
};

}  // namespace inferscope::mapping
