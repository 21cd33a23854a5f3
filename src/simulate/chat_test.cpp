// SPDX-License-Identifier: Apache-2.0
#include "simulate/chat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace inferscope::simulate {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr std::string_view kHello =
    R"({"model": "simulated/demo-8b", "messages": [{"role": "user", "content":
    "Tell me a long story about a small engine."}], "max_tokens": 5, "ignore_eos": true})";

/// The JSON of each event.
std::vector<std::string> events_of(std::string_view stream) {
    std::vector<std::string> events;
    while (!stream.empty()) {
        EXPECT_TRUE(stream.starts_with("data: ")) << stream;
        const auto end = stream.find("\n\n");
        if (end == stream.npos) break;
        events.emplace_back(stream.substr(6, end - 6));
        stream.remove_prefix(end + 2);
    }
    return events;
}

TEST(Chat, ReadsWhatTheModelNeeds) {
    const auto chat = parse_chat(kHello, {});
    ASSERT_TRUE(chat) << chat.error().text;
    EXPECT_EQ(chat->arrival.prompt_tokens, 42 / 4 + 5);
    EXPECT_EQ(chat->arrival.max_tokens, 5);
    EXPECT_GT(chat->arrival.output_tokens, 5);  // ignore_eos: runs into its limit
    EXPECT_FALSE(chat->stream);
}

TEST(Chat, ReadsPartsOfContentAndTheNewerNameOfTheLimit) {
    const auto chat = parse_chat(
        R"({"messages": [{"role": "system", "content": null},
                         {"role": "user", "content": [{"type": "text", "text": "12345678"}, {"type": "image_url"}]}],
            "max_completion_tokens": 7, "stream": true, "stream_options": {"include_usage": true}})",
        {});
    ASSERT_TRUE(chat) << chat.error().text;
    EXPECT_EQ(chat->arrival.prompt_tokens, 2 + 10);
    EXPECT_EQ(chat->arrival.max_tokens, 7);
    EXPECT_TRUE(chat->stream);
    EXPECT_TRUE(chat->include_usage);
}

TEST(Chat, RefusesAsTheEngineDoes) {
    EngineSettings settings;
    settings.max_model_len = 16;
    const std::pair<std::string_view, int> cases[] = {
        {"", 400},
        {"{", 400},
        {"[]", 400},
        {"{}", 400},
        {R"({"messages": []})", 400},
        {R"({"messages": ["hi"]})", 400},
        {R"({"messages": [{"content": "hi"}]})", 400},
        {R"({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 0})", 400},
        {R"({"messages": [{"role": "user", "content": "hi"}], "max_tokens": "9"})", 400},
        {R"({"messages": [{"role": "user", "content": "hi"}], "n": 2})", 400},
        {R"({"messages": [{"role": "user", "content": "hi"}], "model": "other"})", 404},
        {R"({"messages": [{"role": "user", "content": "hi"}], "model": 5})", 404},
        {R"({"messages": [{"role": "user", "content": "012345678901234567890123456789012345678901234567"}]})",
         400},
    };
    for (const auto& [body, status] : cases) {
        const auto chat = parse_chat(body, settings);
        ASSERT_FALSE(chat) << body;
        EXPECT_EQ(chat.error().status, status) << body;
    }
    settings.kind = EngineKind::sglang;
    EXPECT_TRUE(parse_chat(R"({"messages": [{"role": "user", "content": "hi"}], "model": "other"})",
                           settings));
}

TEST(Chat, WritesErrorsInTheEnginesForm) {
    const ApiError error{404, "NotFoundError", "no \"x\""};
    const auto v1 = json::parse(error_json(EngineKind::vllm_v1, error));
    EXPECT_EQ(v1["error"]["code"], 404);
    EXPECT_EQ(v1["error"]["type"], "NotFoundError");
    const auto sglang = json::parse(error_json(EngineKind::sglang, error));
    EXPECT_EQ(sglang["object"], "error");
    EXPECT_EQ(sglang["message"], "no \"x\"");
}

TEST(Chat, StreamsRoleTokensEndUsageDone) {
    const auto request = parse_chat(kHello, {});
    ASSERT_TRUE(request);
    ChatAnswer answer({}, *request, 1795306847123, 1);
    std::string stream = answer.role_event();
    for (int i = 0; i < 5; ++i) stream += answer.token_event();
    stream += answer.finish_event(FinishReason::length);
    stream += answer.usage_event();
    stream += ChatAnswer::done_event();

    const auto events = events_of(stream);
    ASSERT_EQ(events.size(), 9u);
    EXPECT_EQ(events.back(), "[DONE]");
    const auto role = json::parse(events[0]);
    EXPECT_EQ(role["object"], "chat.completion.chunk");
    EXPECT_EQ(role["created"], 1795306847);
    EXPECT_EQ(role["choices"][0]["delta"]["role"], "assistant");
    std::string text;
    for (std::size_t i = 1; i <= 5; ++i) {
        const auto chunk = json::parse(events[i]);
        EXPECT_EQ(chunk["id"], role["id"]);
        EXPECT_TRUE(chunk["choices"][0]["finish_reason"].is_null());
        text += chunk["choices"][0]["delta"]["content"].get<std::string>();
    }
    EXPECT_EQ(json::parse(events[6])["choices"][0]["finish_reason"], "length");
    const auto usage = json::parse(events[7]);
    EXPECT_TRUE(usage["choices"].empty());
    EXPECT_EQ(usage["usage"]["completion_tokens"], 5);
    EXPECT_EQ(usage["usage"]["total_tokens"], 5 + 15);

    ChatAnswer whole({}, *request, 1795306847123, 2);
    whole.take(5);
    const auto body = json::parse(whole.whole(FinishReason::length));
    EXPECT_EQ(body["choices"][0]["message"]["content"], text);  // the same prompt, the same words
    EXPECT_EQ(body["usage"]["completion_tokens"], 5);
    EXPECT_NE(body["id"], role["id"]);
}

TEST(Chat, TellsAboutTheModel) {
    EngineSettings settings;
    settings.kv_blocks = 64;
    const auto models = json::parse(models_json(settings, 1795306847123));
    EXPECT_EQ(models["data"][0]["id"], "simulated/demo-8b");
    EXPECT_EQ(models["data"][0]["max_model_len"], 1024);  // what the cache holds
    settings.kind = EngineKind::sglang;
    const auto info = json::parse(server_info_json(settings, 8000));
    EXPECT_THAT(info["version"].get<std::string>(), HasSubstr("+simulated"));
    EXPECT_EQ(json::parse(model_info_json(settings))["is_generation"], true);
}

}  // namespace
}  // namespace inferscope::simulate
