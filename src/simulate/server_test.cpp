// SPDX-License-Identifier: Apache-2.0
#include "simulate/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <nlohmann/json.hpp>

#include "net/http_client.h"

namespace inferscope::simulate {
namespace {

namespace asio = boost::asio;
using net::HttpResponse;
using net::Task;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

using Reply = Result<HttpResponse, net::FetchError>;

SimulateSettings quick_engine(EngineKind kind) {
    SimulateSettings settings;
    settings.engine.kind = kind;
    settings.engine.model_name = "m";
    settings.engine.workload.requests_per_second = 0;
    settings.speed = 100;  // a token takes 0.1 ms
    settings.fault_endpoint = true;
    return settings;
}

/// An engine on a free port, in a loop that turns while an exchange is awaited.
class Running {
public:
    explicit Running(SimulateSettings settings) : engine_(io_.get_executor(), std::move(settings)) {
        const auto listening = engine_.listen();
        EXPECT_TRUE(listening) << listening.error().text;
        asio::co_spawn(io_, engine_.run(), [this](std::exception_ptr) { ended_ = true; });
    }
    ~Running() {
        engine_.stop();
        io_.run_for(seconds(5));
        EXPECT_TRUE(ended_);
    }

    Reply send(std::string method, std::string target, std::string body = "",
               Nanos time_limit = seconds(10)) {
        std::optional<Reply> reply;
        asio::co_spawn(io_,
                       exchange(std::move(method), std::move(target), std::move(body), time_limit),
                       [&reply](std::exception_ptr, Reply got) { reply.emplace(std::move(got)); });
        while (!reply && !io_.stopped()) io_.run_one();
        return std::move(*reply);
    }
    HttpResponse get(std::string target) { return must(send("GET", std::move(target))); }
    HttpResponse post(std::string target, std::string body) {
        return must(send("POST", std::move(target), std::move(body)));
    }
    SimulatedEngine& engine() { return engine_; }

private:
    static HttpResponse must(Reply reply) {
        if (!reply) throw std::runtime_error(reply.error().text);
        return std::move(*reply);
    }

    Task<Reply> exchange(std::string method, std::string target, std::string body,
                         Nanos time_limit) {
        net::Url url;
        url.host = "127.0.0.1";
        url.port = engine_.port();
        net::HttpClient client(io_.get_executor(), url, {});
        net::HttpRequest request;
        request.method = std::move(method);
        request.target = std::move(target);
        request.body = std::move(body);
        if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
        Reply reply = co_await client.send(std::move(request), time_limit);
        co_return reply;
    }

    asio::io_context io_;
    SimulatedEngine engine_;
    bool ended_ = false;
};

constexpr const char* kChat = "/v1/chat/completions";

std::string chat_body(int max_tokens, bool stream) {
    return json{{"model", "m"},
                {"messages", json::array({{{"role", "user"}, {"content", "hello there"}}})},
                {"max_tokens", max_tokens},
                {"ignore_eos", true},
                {"stream", stream},
                {"stream_options", {{"include_usage", true}}}}
        .dump();
}

TEST(SimulatedEngine, SaysInEveryAnswerThatItIsASimulation) {
    Running engine(quick_engine(EngineKind::vllm_v1));
    for (const char* path : {"/health", "/metrics", "/v1/models", "/nothing-there"}) {
        const auto response = engine.get(path);
        EXPECT_EQ(response.headers.get("Server"), "inferscope-simulate") << path;
        EXPECT_EQ(response.headers.get("X-Simulated"), "true") << path;
    }
    EXPECT_THAT(engine.get("/version").body, HasSubstr("+simulated"));
}

TEST(SimulatedEngine, AnswersThePathsOfItsEngineOnly) {
    const std::tuple<EngineKind, const char*, int> cases[] = {
        {EngineKind::vllm_v1, "/health", 200},      {EngineKind::vllm_v1, "/ping", 200},
        {EngineKind::vllm_v1, "/load", 200},        {EngineKind::vllm_v1, "/version", 200},
        {EngineKind::vllm_v1, "/server_info", 404}, {EngineKind::vllm_v0, "/version", 200},
        {EngineKind::vllm_v1, kChat, 405},          {EngineKind::sglang, "/health", 200},
        {EngineKind::sglang, "/version", 404},      {EngineKind::sglang, "/load", 404},
        {EngineKind::sglang, "/server_info", 200},  {EngineKind::sglang, "/get_model_info", 200},
        {EngineKind::sglang, "/v1/models", 200},
    };
    for (const auto& [kind, path, status] : cases) {
        Running engine(quick_engine(kind));
        EXPECT_EQ(engine.get(path).status, status) << to_string(kind) << " " << path;
    }
}

TEST(SimulatedEngine, AnswersMetricsWithItsEnginesContentType) {
    Running vllm(quick_engine(EngineKind::vllm_v1));
    EXPECT_EQ(vllm.get("/metrics").headers.get("Content-Type"),
              "text/plain; version=1.0.0; charset=utf-8");
    Running sglang(quick_engine(EngineKind::sglang));
    const auto page = sglang.get("/metrics");
    EXPECT_EQ(page.headers.get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_THAT(
        page.body,
        HasSubstr("sglang:http_requests_active{endpoint=\"/metrics\",method=\"GET\"} 1.0\n"));
}

TEST(SimulatedEngine, CompletesAChatAndCountsIt) {
    Running engine(quick_engine(EngineKind::vllm_v1));
    const auto response = engine.post(kChat, chat_body(7, false));
    ASSERT_EQ(response.status, 200) << response.body;
    const auto answer = json::parse(response.body);
    EXPECT_EQ(answer["usage"]["completion_tokens"], 7);
    EXPECT_EQ(answer["choices"][0]["finish_reason"], "length");
    EXPECT_FALSE(answer["choices"][0]["message"]["content"].get<std::string>().empty());

    const auto page = engine.get("/metrics").body;
    EXPECT_THAT(page,
                HasSubstr("vllm:generation_tokens_total{engine=\"0\",model_name=\"m\"} 7.0\n"));
    EXPECT_THAT(page, HasSubstr("http_requests_total{handler=\"/v1/chat/"
                                "completions\",method=\"POST\",status=\"2xx\"} 1.0\n"));
}

TEST(SimulatedEngine, StreamsAChatAsEvents) {
    for (const auto kind : {EngineKind::vllm_v0, EngineKind::vllm_v1, EngineKind::sglang}) {
        Running engine(quick_engine(kind));
        const auto response = engine.post(kChat, chat_body(20, true));
        ASSERT_EQ(response.status, 200);
        EXPECT_TRUE(response.headers.get("Content-Type").starts_with("text/event-stream"));
        EXPECT_TRUE(response.body.ends_with("\n\ndata: [DONE]\n\n"));
        EXPECT_THAT(response.body, HasSubstr("\"completion_tokens\":20"));
        int events = 0;
        for (std::size_t at = 0; (at = response.body.find("data: ", at)) != std::string::npos; ++at)
            ++events;
        EXPECT_EQ(events, 1 + 20 + 1 + 1 + 1);  // role, tokens, finish, usage, [DONE]
    }
}

TEST(SimulatedEngine, RefusesABadChatInTheEnginesForm) {
    Running engine(quick_engine(EngineKind::vllm_v1));
    const auto response = engine.post(kChat, "{}");
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(json::parse(response.body)["error"]["type"], "BadRequestError");
    EXPECT_THAT(engine.get("/metrics").body, HasSubstr("status=\"4xx\"} 1.0\n"));
}

TEST(SimulatedEngine, TakesFaultsOverHttpOnlyWhenTold) {
    auto settings = quick_engine(EngineKind::vllm_v1);
    settings.fault_endpoint = false;
    Running closed(settings);
    EXPECT_EQ(closed.post("/simulate/fault", R"({"metrics_off": true})").status, 404);
    EXPECT_EQ(closed.get("/metrics").status, 200);

    Running open(quick_engine(EngineKind::vllm_v1));
    EXPECT_EQ(open.post("/simulate/fault", R"({"metrics_off": true})").status, 200);
    EXPECT_EQ(open.get("/metrics").status, 404);
    EXPECT_EQ(open.post("/simulate/fault", R"({"metrcs_off": true})").status, 400);
    EXPECT_EQ(open.post("/simulate/fault", "{}").status, 200);
    EXPECT_EQ(open.get("/metrics").status, 200);
}

TEST(SimulatedEngine, AnswersNothingWhileItIsFrozen) {
    Running engine(quick_engine(EngineKind::vllm_v1));
    ASSERT_TRUE(engine.engine().set_faults({.frozen = true}));
    const auto silent = engine.send("GET", "/health", "", milliseconds(200));
    ASSERT_FALSE(silent);
    EXPECT_EQ(silent.error().code, Errc::timeout);
    EXPECT_EQ(silent.error().phase, net::Phase::headers);
    ASSERT_TRUE(engine.engine().set_faults({}));
    EXPECT_EQ(engine.get("/health").status, 200);
}

TEST(SimulatedEngine, StaysHealthyButMakesNoTokensWhileItHangs) {
    Running engine(quick_engine(EngineKind::vllm_v1));
    ASSERT_TRUE(engine.engine().set_faults({.hang = true}));
    const auto unanswered = engine.send("POST", kChat, chat_body(100, false), milliseconds(300));
    EXPECT_FALSE(unanswered);
    EXPECT_EQ(engine.get("/health").status, 200);
    const auto page = engine.get("/metrics").body;
    EXPECT_THAT(page, HasSubstr("vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 1.0\n"));
    EXPECT_THAT(page,
                HasSubstr("vllm:generation_tokens_total{engine=\"0\",model_name=\"m\"} 1.0\n"));
}

TEST(SimulatedEngine, AnswersMetricsLateWhenTheyAreSlow) {
    Running engine(quick_engine(EngineKind::vllm_v1));
    ASSERT_TRUE(engine.engine().set_faults({.metrics_delay = Millis(5000)}));
    EXPECT_FALSE(engine.send("GET", "/metrics", "", milliseconds(200)));
    EXPECT_EQ(engine.get("/health").status, 200);
}

TEST(SimulatedEngine, Answers503WhileItLoadsAndWhileItSleeps) {
    Running engine(quick_engine(EngineKind::vllm_v1));
    ASSERT_TRUE(engine.engine().set_faults({.loading = Millis(60'000)}));
    EXPECT_EQ(engine.get("/health").status, 503);
    EXPECT_EQ(engine.get("/metrics").status, 503);
    ASSERT_TRUE(engine.engine().set_faults({.sleep = true}));
    EXPECT_EQ(engine.get("/health").status, 200);
    EXPECT_EQ(engine.post(kChat, chat_body(3, false)).status, 503);
}

TEST(SimulatedEngine, StartsAgainWithItsCountersAtZero) {
    Running engine(quick_engine(EngineKind::vllm_v1));
    ASSERT_EQ(engine.post(kChat, chat_body(7, false)).status, 200);
    EXPECT_EQ(engine.post("/simulate/fault", R"({"restart": true})").status, 200);
    EXPECT_THAT(engine.get("/metrics").body,
                HasSubstr("vllm:generation_tokens_total{engine=\"0\",model_name=\"m\"} 0.0\n"));
}

TEST(SimulatedEngine, RefusesSettingsBeforeItListens) {
    asio::io_context io;
    auto settings = quick_engine(EngineKind::vllm_v1);
    settings.speed = 0;
    SimulatedEngine engine(io.get_executor(), settings);
    const auto listening = engine.listen();
    ASSERT_FALSE(listening);
    EXPECT_THAT(listening.error().text, HasSubstr("speed"));
}

TEST(SimulatedEngine, HasADemonstrationWhoseSettingsAreGood) {
    for (const auto& settings : demo_settings()) EXPECT_TRUE(settings.check());
    EXPECT_EQ(demo_settings().size(), 3u);
}

}  // namespace
}  // namespace inferscope::simulate
