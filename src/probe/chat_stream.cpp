// SPDX-License-Identifier: Apache-2.0
#include "probe/chat_stream.h"

#include <nlohmann/json.hpp>

namespace inferscope::probe {
namespace {

using nlohmann::json;

const json* member(const json& object, const char* key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

bool has_text(const json& delta, const char* key) {
    const json* text = member(delta, key);
    return text != nullptr && text->is_string() && !text->get_ref<const std::string&>().empty();
}

// Reasoning models think first: those are tokens too. Names: vLLM, SGLang, llama.cpp.
bool carries_token(const json& choice) {
    const json* delta = member(choice, "delta");
    if (delta == nullptr) return false;
    return has_text(*delta, "content") || has_text(*delta, "reasoning_content") ||
           has_text(*delta, "reasoning") || member(*delta, "tool_calls") != nullptr;
}

void read_count(const json& usage, const char* key, std::optional<std::uint64_t>& out) {
    const json* count = member(usage, key);
    if (count != nullptr && count->is_number_unsigned()) out = count->get<std::uint64_t>();
}

}  // namespace

void ChatStream::on_bytes(std::string_view piece, SteadyTime at) {
    for (const char c : piece) {
        if (is_broken_) return;
        const bool ends_pair = c == '\n' && was_carriage_return_;
        was_carriage_return_ = c == '\r';
        if (ends_pair) continue;
        if (c != '\n' && c != '\r') {
            line_ += c;
            is_broken_ = line_.size() > kMaxLineBytes;
            continue;
        }
        on_line(line_, at);
        line_.clear();
    }
}

void ChatStream::on_line(std::string_view line, SteadyTime at) {
    if (line.empty()) return on_event(at);
    constexpr std::string_view kData = "data:";
    if (!line.starts_with(kData)) return;
    line.remove_prefix(kData.size());
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (!data_.empty()) data_ += '\n';
    data_ += line;
    is_broken_ = is_broken_ || data_.size() > kMaxLineBytes;
}

void ChatStream::on_event(SteadyTime at) {
    if (data_ == "[DONE]") {
        is_complete_ = true;
    } else if (!data_.empty()) {
        on_json(data_, at);
    }
    data_.clear();
}

void ChatStream::on_json(std::string_view text, SteadyTime at) {
    const json event = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!event.is_object()) {
        is_broken_ = true;
        return;
    }
    if (member(event, "error") != nullptr) has_error_ = true;
    if (const json* usage = member(event, "usage")) {
        read_count(*usage, "prompt_tokens", input_tokens_);
        read_count(*usage, "completion_tokens", output_tokens_);
    }
    const json* choices = member(event, "choices");
    if (choices == nullptr || !choices->is_array()) return;
    for (const auto& choice : *choices) {
        if (member(choice, "finish_reason") != nullptr) is_complete_ = true;
        if (!carries_token(choice)) continue;
        if (!first_token_) first_token_ = at;
        last_token_ = at;
    }
}

}  // namespace inferscope::probe
