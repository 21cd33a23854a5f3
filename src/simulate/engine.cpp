// SPDX-License-Identifier: Apache-2.0
#include "simulate/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "base/yaml.h"
#include "simulate/pages.h"

namespace inferscope::simulate {
namespace {

constexpr std::array<std::pair<EngineKind, std::string_view>, 3> kKinds{{
    {EngineKind::vllm_v0, "vllm-v0"},
    {EngineKind::vllm_v1, "vllm-v1"},
    {EngineKind::sglang, "sglang"},
}};

/// Tokens in a setting's KV block.
constexpr int kBlockTokens = 16;
constexpr std::size_t kMaxModelNameBytes = 256;
constexpr std::size_t kMaxMissingFamilies = 200;
constexpr Millis kLongestFault = std::chrono::hours(24);

template <class T>
Result<void> check_range(std::string_view name, T value, T lowest, T highest) {
    if (value >= lowest && value <= highest) return {};
    return Error{Errc::invalid_argument, fmt::format("simulate: {} is {}, allowed are {} to {}",
                                                     name, value, lowest, highest)};
}

Result<void> check_lengths(std::string_view name, const LengthDistribution& lengths) {
    const bool ordered =
        lengths.minimum >= 1 && lengths.minimum <= lengths.maximum && lengths.maximum <= 1'000'000;
    if (ordered && lengths.median > 0 && lengths.sigma >= 0 && lengths.sigma <= 5) return {};
    return Error{
        Errc::invalid_argument,
        fmt::format("simulate: {} lengths need median > 0, sigma 0 to 5 and 1 <= minimum <= "
                    "maximum <= 1000000; came median {}, sigma {}, minimum {}, maximum {}",
                    name, lengths.median, lengths.sigma, lengths.minimum, lengths.maximum)};
}

Result<void> check_workload(const WorkloadSettings& workload) {
    const std::array checks{
        check_range("request rate", workload.requests_per_second, 0.0, 1000.0),
        check_range("wave depth", workload.wave_depth, 0.0, 1.0),
        check_range("burst factor", workload.burst_factor, 1.0, 100.0),
        check_range("max tokens", workload.max_tokens, 1, 1'000'000),
        check_range("cached prompt share", workload.cached_prompt_share, 0.0, 1.0),
        check_range("aborted share", workload.aborted_share, 0.0, 1.0),
        check_range("streamed share", workload.streamed_share, 0.0, 1.0),
        check_lengths("prompt", workload.prompt),
        check_lengths("output", workload.output),
    };
    for (const auto& check : checks) {
        if (!check) return check.error();
    }
    if (workload.burst_length < Nanos::zero() || workload.burst_length > workload.burst_period) {
        return Error{Errc::invalid_argument, "simulate: a burst is longer than the period it ends"};
    }
    return {};
}

}  // namespace

std::string_view to_string(EngineKind kind) {
    return std::ranges::find(kKinds, kind, &decltype(kKinds)::value_type::first)->second;
}

Result<EngineKind> parse_engine_kind(std::string_view text) {
    const auto at = std::ranges::find(kKinds, text, &decltype(kKinds)::value_type::second);
    if (at != kKinds.end()) return at->first;
    return Error{Errc::invalid_argument,
                 fmt::format("no simulated engine is called '{}': use vllm-v0, vllm-v1 or sglang",
                             quote_for_message(text))};
}

Result<Faults> Faults::parse(std::string_view json, bool& restart) {
    auto document = yaml::parse(json, "fault", yaml::kStrangerLimits);
    if (!document) return document.error().error();
    yaml::Diagnostics diagnostics("fault");
    yaml::MapReader reader(*document, "fault", diagnostics);
    Faults faults;
    std::uint64_t delay = 0, loading = 0;
    reader.read("hang", faults.hang);
    reader.read("frozen", faults.frozen);
    reader.read("sleep", faults.sleep);
    reader.read("metrics_off", faults.metrics_off);
    reader.read("metrics_delay_ms", delay);
    reader.read("loading_ms", loading);
    reader.read("missing_families", faults.missing_families);
    reader.read("restart", restart);
    reader.finish();
    if (!diagnostics.ok()) return diagnostics.error()->error();
    const auto longest =
        static_cast<std::uint64_t>(kLongestFault.count()) + 1;  // check() refuses it
    delay = std::min(delay, longest);
    loading = std::min(loading, longest);
    faults.metrics_delay = Millis(delay);
    faults.loading = Millis(loading);
    return faults;
}

int EngineSettings::context_tokens() const {
    return static_cast<int>(
        std::min<std::int64_t>(max_model_len, std::int64_t{kv_blocks} * kBlockTokens));
}

Result<void> EngineSettings::check() const {
    const std::array checks{
        check_range("KV blocks", kv_blocks, 8, 10'000'000),
        check_range("max num seqs", max_num_seqs, 1, 2048),
        check_range("max model len", max_model_len, 16, 10'000'000),
        check_range("length of the model name", model_name.size(), std::size_t{1},
                    kMaxModelNameBytes),
        check_workload(workload),
    };
    for (const auto& check : checks) {
        if (!check) return check.error();
    }
    if (!is_valid_utf8(model_name)) {
        return Error{Errc::invalid_argument, "simulate: the model name is not UTF-8"};
    }
    return {};
}

Result<void> Faults::check(EngineKind kind) const {
    if (missing_families.size() > kMaxMissingFamilies) {
        return Error{Errc::limit_exceeded,
                     fmt::format("fault: {} missing_families, allowed are {}",
                                 missing_families.size(), kMaxMissingFamilies)};
    }
    if (std::max(metrics_delay, loading) > kLongestFault) {
        return Error{Errc::limit_exceeded,
                     fmt::format("fault: metrics_delay_ms and loading_ms are at most {}",
                                 kLongestFault.count())};
    }
    if (sleep && kind != EngineKind::vllm_v1) {
        return Error{Errc::invalid_argument,
                     fmt::format("fault: sleep is vllm-v1's, this is {}", to_string(kind))};
    }
    return {};
}

ModelSettings model_settings(const EngineSettings& settings) {
    ModelSettings model;
    model.workload = settings.workload;
    model.seed = settings.seed;
    model.bounds = bucket_bounds(settings.kind, settings.context_tokens());
    model.block_tokens = kBlockTokens;
    model.kv_blocks = settings.kv_blocks;
    model.max_num_seqs = settings.max_num_seqs;
    model.max_batched_tokens = std::max(2048, settings.max_num_seqs);
    model.max_model_len = settings.context_tokens();
    if (settings.kind != EngineKind::vllm_v1) model.batching = Batching::prefill_first;
    if (settings.kind == EngineKind::sglang) {  // pages of one token; reports every 40 decode steps
        model.block_tokens = 1;
        model.kv_blocks = settings.kv_blocks * kBlockTokens;
        model.report_every_decode_steps = 40;
        model.throughput_window = Nanos::zero();
    }
    return model;
}

std::string_view engine_version(EngineKind kind) {
    switch (kind) {
        case EngineKind::vllm_v0:
            return "0.5.4+simulated";
        case EngineKind::vllm_v1:
            return "0.20.0+simulated";
        case EngineKind::sglang:
            return "0.5.12+simulated";
    }
    return "";
}

}  // namespace inferscope::simulate
