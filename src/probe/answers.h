// SPDX-License-Identifier: Apache-2.0
// Reads the engines' answers to probes. Bounded: what a stranger sends is cut or refused, and of
// answers that hold secrets (SGLang's server arguments) only the field that was asked for leaves
// this file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "probe/probe_result.h"

namespace inferscope::probe {

/// More models than this are counted, not kept.
inline constexpr std::size_t kMaxModels = 256;
/// Longer names and versions are cut.
inline constexpr std::size_t kMaxTextBytes = 512;

struct ModelList {
    std::vector<ModelCard> models;  ///< at most kMaxModels
    std::size_t total = 0;
};

/// OpenAI's `{"data": [{"id": ..., "owned_by": ..., "root": ..., "max_model_len": ...}]}`. What a
/// card lacks is "unknown"; llama.cpp's `meta.n_ctx` stands in for max_model_len. Fails if it isn't
/// such an object.
Result<ModelList> parse_models(std::string_view body);

/// The value of one key of the top-level object: a string, number or boolean as text. Nothing if
/// the key is missing, its value is a list or an object, or the text isn't JSON.
std::optional<std::string> top_level_value(std::string_view body, std::string_view key);

}  // namespace inferscope::probe
