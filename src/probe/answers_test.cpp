// SPDX-License-Identifier: Apache-2.0
#include "probe/answers.h"

#include <gtest/gtest.h>

#include "probe/endpoints.h"
#include "probe/round.h"

namespace inferscope::probe {
namespace {

TEST(Answers, ReadsVllmsCards) {
    const auto list = parse_models(
        R"({"object":"list","data":[{"id":"q","object":"model","created":1,"owned_by":"vllm","root":"/m/q",)"
        R"("parent":null,"max_model_len":32768},{"id":"lora","owned_by":"vllm","root":"/l","parent":"q"}]})");
    ASSERT_TRUE(list);
    EXPECT_EQ(list->total, 2);
    EXPECT_EQ(list->models[0], (ModelCard{"q", "vllm", "/m/q", 32768}));
    EXPECT_EQ(list->models[1], (ModelCard{"lora", "vllm", "/l", std::nullopt}));
}

// As in a capture of llama.cpp's server, b10587.
TEST(Answers, ReadsLlamaCppsCardsWhichLackRootAndMaxModelLen) {
    const auto list = parse_models(
        R"({"models":[{"name":"random-tiny"}],"object":"list","data":[{"id":"random-tiny","owned_by":"llamacpp",)"
        R"("meta":{"n_ctx":4096,"n_ctx_train":32768}}]})");
    ASSERT_TRUE(list);
    EXPECT_EQ(list->models[0], (ModelCard{"random-tiny", "llamacpp", "unknown", 4096}));
}

TEST(Answers, SaysUnknownForFieldsOfAnotherType) {
    const auto list = parse_models(R"({"data":[{"id":7,"root":null,"max_model_len":"many"}]})");
    ASSERT_TRUE(list);
    EXPECT_EQ(list->models[0], (ModelCard{"unknown", "unknown", "unknown", std::nullopt}));
}

TEST(Answers, RefusesWhatIsNoListOfModels) {
    for (const auto* text :
         {"", "[]", "{", R"({"data":{}})", R"({"error":"x"})", "<html>", "\xff"}) {
        EXPECT_FALSE(parse_models(text)) << text;
    }
}

TEST(Answers, KeepsABoundedNumberOfBoundedCardsButCountsAll) {
    std::string text = R"({"data":[)";
    for (int i = 0; i < 300; ++i) text += R"({"id":")" + std::string(2000, 'm') + "\"},";
    text.back() = ']';
    text += '}';
    const auto list = parse_models(text);
    ASSERT_TRUE(list);
    EXPECT_EQ(list->total, 300);
    EXPECT_EQ(list->models.size(), kMaxModels);
    EXPECT_EQ(list->models[0].id.size(), kMaxTextBytes);
}

TEST(Answers, CutsTextBetweenCharacters) {
    const auto value = top_level_value(R"({"v":"x)" + std::string(510, 'a') + "\xc3\xa4\"}", "v");
    ASSERT_TRUE(value);
    EXPECT_EQ(value->size(), 511);
}

TEST(Answers, TakesOnlyTheOuterKeyOutOfAnAnswerFullOfSecrets) {
    const std::string body =
        R"({"api_key":"sk-1","internal_states":[{"version":"inner"}],"args":{"version":"no"},)"
        R"("version":"0.5.3","z":{"version":"later"}})";
    EXPECT_EQ(top_level_value(body, "version"), "0.5.3");
}

TEST(Answers, FindsNoVersionWhereThereIsNone) {
    EXPECT_FALSE(top_level_value(R"({"a":{"version":"1"}})", "version"));
    EXPECT_FALSE(top_level_value(R"(["version","1"])", "version"));
    EXPECT_FALSE(top_level_value(R"({"version":)", "version"));
    EXPECT_FALSE(top_level_value(R"({"version":null})", "version"));
}

TEST(Answers, SurvivesDeepNesting) {
    EXPECT_FALSE(top_level_value("{\"a\":" + std::string(200'000, '['), "version"));
    EXPECT_FALSE(parse_models("{\"data\":" + std::string(200'000, '[')));
}

TEST(Endpoints, AreFoundByAnySpellingOfTheKind) {
    EXPECT_EQ(endpoints_of("vLLM").version, "/version");
    EXPECT_EQ(endpoints_of("llama.cpp").version_key, "build_info");
    EXPECT_EQ(endpoints_of("TensorRT-LLM").kind, "tensorrtllm");
    EXPECT_EQ(endpoints_of("ascend-mindie").health, "/v2/health/ready");
    EXPECT_EQ(endpoints_of("something new").health, "/v1/models");
}

TEST(Endpoints, NeverGenerateLoadOrWake) {
    EXPECT_NE(endpoints_of("sglang").health, "/health");  // generates a token
    EXPECT_NE(endpoints_of("tgi").health, "/health");     // runs a prefill
    for (const auto& row : all_endpoints()) {
        for (const auto path : {row.health, row.models, row.version, row.version_old, row.sleep}) {
            EXPECT_EQ(path.find("model="), std::string_view::npos) << path;
            EXPECT_EQ(path.find("generate"), std::string_view::npos) << path;
            EXPECT_EQ(path.find("wake"), std::string_view::npos) << path;
            const bool is_props = path.starts_with("/props");
            EXPECT_EQ(is_props, path.find("autoload=false") != std::string_view::npos) << path;
        }
    }
}

Exchange answer(int status, std::string body = {}) {
    Exchange exchange;
    exchange.status = status;
    exchange.body = std::move(body);
    return exchange;
}

TEST(Round, TellsLoadingFromDeadByTheKindOfEngine) {
    ProbeResult result;
    note_health(result, endpoints_of("llama.cpp"), answer(503));
    EXPECT_TRUE(result.reachable && result.loading && !result.loaded);
    EXPECT_EQ(result.why, "loads its model: HTTP 503 from /health");
    note_health(result, endpoints_of("vllm"),
                answer(503));  // its port opens when the model is loaded
    EXPECT_TRUE(result.reachable && !result.loading && !result.loaded);
    EXPECT_EQ(result.why, "HTTP 503 from /health");
}

TEST(Round, SaysThatAKeyIsNeeded) {
    ProbeResult result;
    note_health(result, endpoints_of("sglang"), answer(401));
    EXPECT_TRUE(result.reachable && result.needs_key && !result.loaded);
    EXPECT_EQ(result.why, "needs a key: HTTP 401 from /v1/models");
    note_health(result, endpoints_of("llama.cpp"), answer(200));
    EXPECT_FALSE(result.needs_key);
    const Exchange models = answer(403);
    note_models(result, models, read_models(models));
    EXPECT_TRUE(result.loaded && result.needs_key);
}

TEST(Round, ForgetsVersionAndSleepOfAnEngineThatHasGone) {
    ProbeResult result;
    note_version(result, endpoints_of("vllm"), answer(200, R"({"version":"0.11.0"})"));
    result.asleep = true;
    EXPECT_EQ(result.version, "0.11.0");
    Exchange refused;
    refused.error.code = Errc::connection_refused;
    refused.error.text = "connection refused";
    note_health(result, endpoints_of("vllm"), refused);
    EXPECT_EQ(result.version, "");
    EXPECT_EQ(result.asleep, std::nullopt);
    EXPECT_EQ(result.error_type, "connection_error");
    EXPECT_EQ(result.why, "connection refused");
    EXPECT_EQ(result.phase, net::Phase::connect);
}

// Bodies as in captures of llama.cpp's server, b10587.
TEST(Round, SeesASleepingModelAndARouterInTheProps) {
    const auto& paths = endpoints_of("llama.cpp");
    ProbeResult result;
    EXPECT_TRUE(note_sleep(result, paths, answer(200, R"({"total_slots":4,"is_sleeping":true})")));
    EXPECT_EQ(result.asleep, true);
    EXPECT_FALSE(result.is_router);
    EXPECT_TRUE(note_sleep(result, paths, answer(200, R"({"role":"router","max_instances":2})")));
    EXPECT_EQ(result.asleep, std::nullopt);
    EXPECT_TRUE(result.is_router);
    EXPECT_FALSE(note_sleep(result, paths, answer(404)));
}

}  // namespace
}  // namespace inferscope::probe
