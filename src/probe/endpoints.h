// SPDX-License-Identifier: Apache-2.0
// Where each kind of engine is asked how it does, without harming it: no path here generates a
// token, loads a model or wakes one that sleeps.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace inferscope::probe {

/// The paths of one kind of engine; an empty one means that it has none. Views of constants.
struct Endpoints {
    std::string_view kind;    ///< as normal_kind() writes it; empty: any OpenAI-compatible server
    std::string_view health;  ///< 200 = ready; where it equals `models`, one request serves both
    std::string_view models;  ///< OpenAI's list of models
    std::string_view version;
    std::string_view version_old;  ///< asked where `version` answers 404
    std::string_view version_key;  ///< top-level key of the answer
    std::string_view sleep;        ///< tells whether the model sleeps; asked each round
    std::string_view sleep_key;
    int loading_status =
        503;  ///< what `health` answers while the model loads; 0: its port is closed until then
};

/// "llama.cpp", "TensorRT-LLM", "vLLM" -> "llamacpp", "tensorrtllm", "vllm": letters and digits in
/// lower case, "ascend-mindie" -> "mindie".
std::string normal_kind(std::string_view kind);

/// Any spelling; a kind that isn't known is asked as an OpenAI-compatible server.
const Endpoints& endpoints_of(std::string_view kind);

/// All rows, the one for unknown kinds last.
std::span<const Endpoints> all_endpoints();

}  // namespace inferscope::probe
