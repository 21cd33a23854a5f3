// SPDX-License-Identifier: Apache-2.0
// The OpenAI chat interface as the engines speak it: reads requests, writes answers, chunks and
// errors. The words are nonsense, the same for the same prompt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "simulate/engine.h"
#include "simulate/model.h"

namespace inferscope::simulate {

struct ApiError {
    int status = 400;
    std::string type;  ///< as the engine names it: "BadRequestError"
    std::string text;
};
/// The body of an error as such an engine writes it.
std::string error_json(EngineKind kind, const ApiError& error);

struct ChatRequest {
    Arrival arrival;
    bool stream = false;
    bool include_usage = false;
    std::uint64_t seed = 0;  ///< of the answer's words
};

/// Reads the body of a POST /v1/chat/completions. Tokens of the prompt are estimated: 4 bytes are
/// one. The answer's length is drawn as the workload's are, or is max_tokens with "ignore_eos".
/// Fails as the engine does: no JSON, no messages, a model it doesn't have (404; SGLang takes any
/// name), a prompt over max_model_len.
Result<ChatRequest, ApiError> parse_chat(std::string_view body, const EngineSettings& settings);

/// Writes one answer, whole or as events ("data: {...}\n\n").
class ChatAnswer {
public:
    ChatAnswer(const EngineSettings& settings, const ChatRequest& request, Timestamp now,
               std::uint64_t number);

    std::string role_event() const;
    /// The next word.
    std::string token_event();
    std::string finish_event(FinishReason reason) const;
    std::string usage_event() const;
    static std::string_view done_event() { return "data: [DONE]\n\n"; }

    /// Adds `tokens` words to the whole answer.
    void take(int tokens);
    std::string whole(FinishReason reason) const;

private:
    std::string next_word();

    EngineKind kind_;
    std::string model_, id_, text_;
    std::int64_t created_;
    std::uint64_t seed_;
    int prompt_tokens_, cached_tokens_, tokens_ = 0;
};

/// GET /v1/models.
std::string models_json(const EngineSettings& settings, Timestamp started);
/// GET /model_info and /server_info of SGLang.
std::string model_info_json(const EngineSettings& settings);
std::string server_info_json(const EngineSettings& settings, int port);

}  // namespace inferscope::simulate
