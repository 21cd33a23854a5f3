// SPDX-License-Identifier: Apache-2.0
#include "simulate/chat.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"

namespace inferscope::simulate {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kBytesPerToken = 4;
constexpr int kTokensPerMessage = 5;  ///< of the chat template
/// What clients that set no max_tokens may get at most.
constexpr int kDefaultMaxTokens = 4096;

std::string text_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ApiError bad_request(std::string text) { return {400, "BadRequestError", std::move(text)}; }

const Json* member(const Json& object, const char* name) {
    const auto at = object.find(name);
    return at == object.end() || at->is_null() ? nullptr : &*at;
}

bool flag(const Json& object, const char* name) {
    const Json* value = member(object, name);
    return value && value->is_boolean() && value->get<bool>();
}

/// A positive whole number; nothing if it isn't there, an error if it is something else.
Result<std::optional<int>, ApiError> token_limit(const Json& request, const char* name) {
    const Json* value = member(request, name);
    if (!value) return std::nullopt;
    const bool whole = value->is_number_integer();
    if (!whole || value->get<std::int64_t>() < 1) {
        return bad_request(
            fmt::format("{} must be at least 1, got {}", name, quote_for_message(text_of(*value))));
    }
    return static_cast<int>(std::min<std::int64_t>(value->get<std::int64_t>(), 1'000'000));
}

/// The text of all messages, one behind the other.
Result<std::string, ApiError> prompt_text(const Json& messages) {
    std::string text;
    for (const auto& message : messages) {
        if (!message.is_object() || !message.contains("role"))
            return bad_request("a message has no role");
        const Json* content = member(message, "content");
        if (!content) continue;
        if (content->is_string()) text += content->get_ref<const std::string&>();
        if (!content->is_array()) continue;
        for (const auto& part : *content) {
            const Json* part_text = part.is_object() ? member(part, "text") : nullptr;
            if (part_text && part_text->is_string())
                text += part_text->get_ref<const std::string&>();
        }
    }
    return text;
}

Json usage_of(int prompt, int cached, int answer) {
    Json usage{{"prompt_tokens", prompt},
               {"total_tokens", prompt + answer},
               {"completion_tokens", answer}};
    usage["prompt_tokens_details"] = {{"cached_tokens", cached}};
    return usage;
}

std::string_view to_string(FinishReason reason) {
    return reason == FinishReason::length ? "length" : "stop";
}

std::uint64_t mixed(std::uint64_t value) {  // splitmix64 (Steele, Lea, Flood, 2014)
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

std::string event(const Json& chunk) { return "data: " + text_of(chunk) + "\n\n"; }

}  // namespace

std::string error_json(EngineKind kind, const ApiError& error) {
    const Json inner{
        {"message", error.text}, {"type", error.type}, {"param", nullptr}, {"code", error.status}};
    if (kind == EngineKind::vllm_v1) return text_of({{"error", inner}});
    Json flat{{"object", "error"}};
    flat.update(inner);
    return text_of(flat);
}

Result<ChatRequest, ApiError> parse_chat(std::string_view body, const EngineSettings& settings) {
    const Json json = Json::parse(body, nullptr, false);
    if (!json.is_object()) return bad_request("the body is not a JSON object");
    const Json* messages = member(json, "messages");
    if (!messages || !messages->is_array() || messages->empty()) {
        return bad_request("messages: a list with at least one message is required");
    }
    const Json* model = member(json, "model");
    const bool our_model =
        model && model->is_string() && model->get_ref<const std::string&>() == settings.model_name;
    if (settings.kind != EngineKind::sglang && model && !our_model) {
        return ApiError{
            404, "NotFoundError",
            fmt::format("The model {} does not exist.", quote_for_message(text_of(*model), 128))};
    }
    const Json* n = member(json, "n");
    if (n && *n != 1) return bad_request("n must be 1: the simulation gives one answer");
    const auto text = prompt_text(*messages);
    if (!text) return text.error();
    const auto max_tokens = token_limit(json, "max_tokens");
    if (!max_tokens) return max_tokens.error();
    const auto max_completion = token_limit(json, "max_completion_tokens");
    if (!max_completion) return max_completion.error();

    ChatRequest chat;
    chat.stream = flag(json, "stream");
    const Json* stream_options = member(json, "stream_options");
    chat.include_usage =
        stream_options && stream_options->is_object() && flag(*stream_options, "include_usage");
    chat.seed = mixed(stable_hash(*text) ^ settings.seed);
    auto& arrival = chat.arrival;
    const auto prompt_tokens = text->size() / kBytesPerToken + kTokensPerMessage * messages->size();
    const auto longest = static_cast<std::size_t>(settings.context_tokens()) - 1;
    if (prompt_tokens > longest) {
        return bad_request(
            fmt::format("This model's maximum context length is {} tokens. However, the "
                        "messages have {} tokens.",
                        settings.context_tokens(), prompt_tokens));
    }
    arrival.prompt_tokens = static_cast<int>(prompt_tokens);
    const int room = settings.context_tokens() - arrival.prompt_tokens;
    arrival.max_tokens =
        std::min(room, max_completion->value_or(max_tokens->value_or(kDefaultMaxTokens)));
    arrival.output_tokens = Random(chat.seed).length(settings.workload.output);
    if (flag(json, "ignore_eos"))
        arrival.output_tokens = arrival.max_tokens + 1;  // ends with "length"
    arrival.streamed = chat.stream;
    return chat;
}

ChatAnswer::ChatAnswer(const EngineSettings& settings, const ChatRequest& request, Timestamp now,
                       std::uint64_t number)
    : kind_(settings.kind),
      model_(settings.model_name),
      id_(fmt::format("chatcmpl-{:016x}{:016x}", request.seed, mixed(number))),
      created_(now / 1000),
      seed_(request.seed),
      prompt_tokens_(request.arrival.prompt_tokens),
      cached_tokens_(request.arrival.cached_tokens) {}

std::string ChatAnswer::next_word() {
    constexpr std::array kSyllables{"ka", "lo", "mi", "ne", "ru", "sa", "ti",  "vo",  "da",  "fe",
                                    "gi", "hu", "jo", "be", "pa", "zu", "qui", "she", "tra", "wen"};
    std::uint64_t bits = mixed(seed_ + static_cast<std::uint64_t>(tokens_));
    std::string word = tokens_++ == 0 ? "" : " ";
    const auto syllables = 1 + bits % 3;
    for (std::uint64_t i = 0; i < syllables; ++i) {
        bits /= 32;
        word += kSyllables[bits % kSyllables.size()];
    }
    return word;
}

std::string ChatAnswer::role_event() const {
    return event({{"id", id_},
                  {"object", "chat.completion.chunk"},
                  {"created", created_},
                  {"model", model_},
                  {"choices", Json::array({{{"index", 0},
                                            {"delta", {{"role", "assistant"}, {"content", ""}}},
                                            {"logprobs", nullptr},
                                            {"finish_reason", nullptr}}})}});
}

std::string ChatAnswer::token_event() {
    return event({{"id", id_},
                  {"object", "chat.completion.chunk"},
                  {"created", created_},
                  {"model", model_},
                  {"choices", Json::array({{{"index", 0},
                                            {"delta", {{"content", next_word()}}},
                                            {"logprobs", nullptr},
                                            {"finish_reason", nullptr}}})}});
}

std::string ChatAnswer::finish_event(FinishReason reason) const {
    return event({{"id", id_},
                  {"object", "chat.completion.chunk"},
                  {"created", created_},
                  {"model", model_},
                  {"choices", Json::array({{{"index", 0},
                                            {"delta", Json::object()},
                                            {"logprobs", nullptr},
                                            {"finish_reason", to_string(reason)}}})}});
}

std::string ChatAnswer::usage_event() const {
    return event({{"id", id_},
                  {"object", "chat.completion.chunk"},
                  {"created", created_},
                  {"model", model_},
                  {"choices", Json::array()},
                  {"usage", usage_of(prompt_tokens_, cached_tokens_, tokens_)}});
}

void ChatAnswer::take(int tokens) {
    for (int i = 0; i < tokens; ++i) text_ += next_word();
}

std::string ChatAnswer::whole(FinishReason reason) const {
    return text_of(
        {{"id", id_},
         {"object", "chat.completion"},
         {"created", created_},
         {"model", model_},
         {"choices", Json::array({{{"index", 0},
                                   {"message", {{"role", "assistant"}, {"content", text_}}},
                                   {"logprobs", nullptr},
                                   {"finish_reason", to_string(reason)}}})},
         {"usage", usage_of(prompt_tokens_, cached_tokens_, tokens_)}});
}

std::string models_json(const EngineSettings& settings, Timestamp started) {
    const char* owner = settings.kind == EngineKind::sglang ? "sglang" : "vllm";
    Json card{{"id", settings.model_name},
              {"object", "model"},
              {"created", started / 1000},
              {"owned_by", owner},
              {"root", settings.model_name},
              {"parent", nullptr},
              {"max_model_len", settings.context_tokens()}};
    if (settings.kind != EngineKind::sglang) card["permission"] = Json::array();
    return text_of({{"object", "list"}, {"data", Json::array({card})}});
}

std::string model_info_json(const EngineSettings& settings) {
    return text_of({{"model_path", settings.model_name},
                    {"tokenizer_path", settings.model_name},
                    {"is_generation", true},
                    {"preferred_sampling_params", nullptr},
                    {"weight_version", "default"},
                    {"has_image_understanding", false},
                    {"has_audio_understanding", false},
                    {"model_type", "llama"},
                    {"architectures", Json::array({"LlamaForCausalLM"})}});
}

std::string server_info_json(const EngineSettings& settings, int port) {
    return text_of({{"model_path", settings.model_name},
                    {"served_model_name", settings.model_name},
                    {"port", port},
                    {"enable_metrics", true},
                    {"context_length", settings.context_tokens()},
                    {"max_running_requests", settings.max_num_seqs},
                    {"internal_states", Json::array()},
                    {"version", engine_version(settings.kind)}});
}

}  // namespace inferscope::simulate
