// SPDX-License-Identifier: Apache-2.0
// Probes against peers on loopback that answer by path, byte for byte.
#include "probe/engine_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <map>

#include "net/loopback_for_tests.h"
#include "probe/chat_probe.h"
#include "telemetry/recording_appender.h"

namespace inferscope::probe {
namespace {

using namespace std::chrono_literals;
using namespace net::testing;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

std::string reply(int status, std::string_view body = "",
                  std::string_view type = "application/json") {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: " + std::string(type) +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

constexpr std::string_view kModels =
    R"({"data":[{"id":"q","owned_by":"vllm","root":"Q/q","max_model_len":4096}]})";

/// An engine: what it answers by "METHOD /path", and what it was asked. A path that isn't listed
/// never answers.
class FakeEngine {
public:
    FakeEngine(asio::io_context& io, std::map<std::string, std::string> answers)
        : answers_(std::move(answers)),
          server_(io, [this](Socket socket) { return talk(*this, socket); }) {}

    [[nodiscard]] net::Url url() const { return server_.url(); }
    [[nodiscard]] int connections() const { return server_.accepted(); }

    std::map<std::string, std::string>& answers() { return answers_; }
    std::vector<std::string> asked;
    std::string last_request;

private:
    static net::Task<void> talk(FakeEngine& self, Socket socket) {
        while (true) {
            self.last_request = co_await read_request(socket);
            if (self.last_request.empty()) co_return;
            const std::string line = self.last_request.substr(0, self.last_request.find(" HTTP/"));
            self.asked.push_back(line);
            const auto known = self.answers_.find(line);
            if (known == self.answers_.end()) {
                co_await pause(socket->get_executor(), 1h);
                co_return;
            }
            const bool written = co_await write_all(socket, known->second);
            if (!written) co_return;
        }
    }

    std::map<std::string, std::string> answers_;
    RawServer server_;
};

net::Task<bool> done_after(net::Task<void> task) {
    co_await std::move(task);
    co_return true;
}

struct Bench {
    asio::io_context io;
    SystemClock clock;
    RecordingAppender appender;
    std::vector<ProbeResult> results;

    ProbeSettings settings(const net::Url& url, std::string kind) {
        ProbeSettings made;
        made.kind = std::move(kind);
        made.base = url;
        made.timeout = 100ms;
        return made;
    }
    std::unique_ptr<EngineProbe> probe(ProbeSettings settings) {
        return std::make_unique<EngineProbe>(
            io.get_executor(), clock, std::move(settings), appender,
            [this](const ProbeResult& r) { results.push_back(r); });
    }
    void round(EngineProbe& probe) { wait_for(io, done_after(probe.run_once())); }
};

TEST(EngineProbe, AsksAVllmForHealthModelsAndOnceForItsVersionOverOneConnection) {
    Bench bench;
    FakeEngine engine(bench.io, {{"GET /health", reply(200)},
                                 {"GET /v1/models", reply(200, kModels)},
                                 {"GET /version", reply(200, R"({"version":"0.11.0"})")}});
    auto settings = bench.settings(engine.url(), "vLLM");
    settings.labels = Labels::from({{"instance", "gpu7:8000"}, {"engine", "vllm"}});
    const auto probe = bench.probe(settings);
    bench.round(*probe);
    bench.round(*probe);
    EXPECT_THAT(engine.asked, ElementsAre("GET /health", "GET /v1/models", "GET /version",
                                          "GET /health", "GET /v1/models"));
    EXPECT_EQ(engine.connections(), 1);
    ASSERT_EQ(bench.results.size(), 2);
    const auto& result = bench.results[1];
    EXPECT_TRUE(result.reachable && result.loaded && !result.loading && !result.needs_key);
    EXPECT_EQ(result.http_status, 200);
    EXPECT_EQ(result.version, "0.11.0");
    EXPECT_THAT(result.models, ElementsAre(ModelCard{"q", "vllm", "Q/q", 4096}));
    const auto series = bench.appender.latest();
    EXPECT_THAT(series,
                Contains(Pair("vllm_service_up{engine=\"vllm\",instance=\"gpu7:8000\"}", 1)));
    EXPECT_THAT(
        series,
        Contains(
            Pair("vllm_probe_request_success_total{engine=\"vllm\",instance=\"gpu7:8000\"}", 4)));
}

TEST(EngineProbe, NeverAsksSglangsHealthSinceItGenerates) {
    Bench bench;
    FakeEngine engine(bench.io, {{"GET /v1/models", reply(200, kModels)},
                                 {"GET /server_info", reply(404)},
                                 {"GET /get_server_info",
                                  reply(200, R"({"api_key":"sk-1","version":"0.5.3"})")}});
    const auto probe = bench.probe(bench.settings(engine.url(), "sglang"));
    bench.round(*probe);
    EXPECT_THAT(engine.asked,
                ElementsAre("GET /v1/models", "GET /server_info", "GET /get_server_info"));
    EXPECT_TRUE(bench.results.at(0).loaded);
    EXPECT_EQ(bench.results[0].version, "0.5.3");
    EXPECT_EQ(bench.appender.latest().at("vllm_probe_request_success_total"),
              2);  // one answer serves both looks
}

TEST(EngineProbe, NoticesASleepingLlamaCppWithoutWakingIt) {
    Bench bench;
    FakeEngine engine(bench.io, {{"GET /health", reply(200, R"({"status":"ok"})")},
                                 {"GET /v1/models", reply(200, kModels)},
                                 {"GET /props?autoload=false",
                                  reply(200, R"({"build_info":"b10587","is_sleeping":true})")}});
    const auto probe = bench.probe(bench.settings(engine.url(), "llama.cpp"));
    bench.round(*probe);
    EXPECT_EQ(bench.results.at(0).asleep, true);
    EXPECT_EQ(bench.results[0].version, "b10587");
    engine.answers()["GET /props?autoload=false"] =
        reply(200, R"({"build_info":"b10587","is_sleeping":false})");
    bench.round(*probe);
    EXPECT_EQ(bench.results.at(1).asleep, false);
}

TEST(EngineProbe, LeavesLockedEndpointsAloneUntilTheKeyRetry) {
    Bench bench;
    FakeEngine engine(bench.io, {{"GET /health", reply(200)}, {"GET /v1/models", reply(401)}});
    const auto probe = bench.probe(bench.settings(engine.url(), "llamacpp"));
    bench.round(*probe);
    bench.round(*probe);
    EXPECT_THAT(engine.asked, ElementsAre("GET /health", "GET /v1/models", "GET /health"));
    EXPECT_TRUE(bench.results.at(0).needs_key);
    EXPECT_EQ(bench.results[0].why, "needs a key: HTTP 401 from its list of models");
    EXPECT_EQ(bench.appender.latest().at("vllm_exporter_scrape_errors_total{endpoint=\"models\"}"),
              1);
}

TEST(EngineProbe, SaysLoadedZeroUpOneForAServerThatConnectsAndNeverAnswers) {
    Bench bench;
    FakeEngine engine(bench.io, {});
    const auto probe = bench.probe(bench.settings(engine.url(), "vllm"));
    bench.round(*probe);
    const auto& result = bench.results.at(0);
    EXPECT_TRUE(result.reachable && result.timed_out && !result.loaded);
    EXPECT_EQ(result.error_type, "timeout");
    EXPECT_EQ(result.phase, net::Phase::headers);
    EXPECT_THAT(result.why, HasSubstr("no answer within 100ms"));
    const auto series = bench.appender.latest();
    EXPECT_EQ(series.at("vllm_service_up"), 1);
    EXPECT_EQ(series.at("vllm_model_loaded"), 0);
    EXPECT_EQ(series.at("vllm_probe_request_error_total{error_type=\"timeout\"}"), 1);
    EXPECT_EQ(series.at("vllm_exporter_scrape_errors_total{endpoint=\"health\"}"), 1);
    EXPECT_EQ(series.at("vllm_exporter_scrape_errors_total{endpoint=\"models\"}"), 1);
}

TEST(EngineProbe, SaysUpZeroWhereNobodyListens) {
    Bench bench;
    net::Url url;
    {
        asio::io_context closed;
        url = RawServer(closed, nullptr).url();  // a port that was just free
    }
    const auto probe = bench.probe(bench.settings(url, "vllm"));
    bench.round(*probe);
    EXPECT_FALSE(bench.results.at(0).reachable || bench.results[0].timed_out);
    EXPECT_EQ(bench.appender.latest().at("vllm_service_up"), 0);
    EXPECT_EQ(bench.appender.latest().at(
                  "vllm_probe_request_error_total{error_type=\"connection_error\"}"),
              1);
}

TEST(EngineProbe, ReadsNoMoreThanItsBound) {
    Bench bench;
    FakeEngine engine(bench.io, {{"GET /v1/models", reply(200, std::string(2u << 20, ' '))}});
    auto settings = bench.settings(engine.url(), "");
    settings.timeout = 2s;
    const auto probe = bench.probe(settings);
    bench.round(*probe);
    EXPECT_TRUE(bench.results.at(0).reachable);
    EXPECT_FALSE(bench.results[0].loaded);
    EXPECT_EQ(bench.appender.latest().at("vllm_exporter_scrape_errors_total{endpoint=\"models\"}"),
              1);
}

TEST(EngineProbe, AsksBelowTheBaseUrlsPathWithItsOwnHeaders) {
    Bench bench;
    FakeEngine engine(bench.io, {{"GET /a/v1/models", reply(200, kModels)}});
    auto settings = bench.settings(engine.url().with_target("/a/"), "");
    settings.headers = {{"Authorization", "Bearer sk-1"}};
    const auto probe = bench.probe(settings);
    bench.round(*probe);
    EXPECT_THAT(engine.asked, ElementsAre("GET /a/v1/models"));
    EXPECT_THAT(engine.last_request, HasSubstr("Authorization: Bearer sk-1\r\n"));
}

TEST(EngineProbe, RunsRoundAfterRoundUntilCancelledAndAppendsNothingForACancelledRound) {
    Bench bench;
    FakeEngine engine(bench.io, {{"GET /v1/models", reply(200, kModels)}});
    auto settings = bench.settings(engine.url(), "");
    settings.interval = 1ms;
    settings.timeout = 10s;
    const auto probe = bench.probe(settings);
    asio::cancellation_signal stop;
    bool ended = false;
    asio::co_spawn(bench.io, probe->run(),
                   asio::bind_cancellation_slot(stop.slot(),
                                                [&](std::exception_ptr error) { ended = !error; }));
    while (bench.results.size() < 3 && bench.io.run_one() > 0) {
    }
    engine.answers().clear();  // the next round hangs
    while (engine.asked.size() <= bench.results.size() && bench.io.run_one() > 0) {
    }
    const auto rows = bench.appender.groups().at(0).rows.size();
    stop.emit(asio::cancellation_type::terminal);
    while (!ended && bench.io.run_one() > 0) {
    }
    EXPECT_TRUE(ended);
    EXPECT_FALSE(probe->is_busy());
    EXPECT_EQ(bench.appender.groups().at(0).rows.size(), rows);
}

constexpr std::string_view kChat =
    ":\n\n"
    "data: "
    "{\"choices\":[{\"finish_reason\":null,\"delta\":{\"role\":\"assistant\",\"content\":null}}]}"
    "\n\n"
    "data: {\"choices\":[{\"finish_reason\":null,\"delta\":{\"content\":\"OK\"}}]}\n\n"
    "data: {\"choices\":[{\"finish_reason\":\"stop\",\"delta\":{}}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":18,\"completion_tokens\":2}}\n\n"
    "data: [DONE]\n\n";

struct ChatBench : Bench {
    FakeEngine engine{io,
                      {{"GET /v1/models", reply(200, kModels)},
                       {"POST /v1/chat/completions", reply(200, kChat, "text/event-stream")}}};
    std::unique_ptr<EngineProbe> found = probe(settings(engine.url(), ""));
};

TEST(ChatProbe, MeasuresTokensAndTimesOfOneStreamedRequest) {
    ChatBench bench;
    bench.round(*bench.found);
    RecordingAppender rows;
    ChatProbe chat(bench.io.get_executor(), bench.clock, *bench.found, ChatSettings{}, rows);
    wait_for(bench.io, done_after(chat.run_once()));
    const auto series = rows.latest();
    EXPECT_EQ(series.at("vllm_request_success_total"), 1);
    for (const std::string type :
         {"timeout", "connection_error", "stream_error", "invalid_response", "incomplete"}) {
        EXPECT_EQ(series.at("vllm_request_error_total{error_type=\"" + type + "\"}"), 0);
    }
    EXPECT_EQ(series.at("vllm_input_tokens_per_request_sum"), 18);
    EXPECT_EQ(series.at("vllm_output_tokens_per_request_sum"), 2);
    EXPECT_EQ(series.at("inferscope_probe_ttft_seconds_count"), 1);
    EXPECT_GT(series.at("inferscope_probe_ttft_seconds_sum"), 0);
    EXPECT_EQ(series.at("inferscope_probe_e2e_seconds_count"), 1);
}

TEST(ChatProbe, AsksNobodyWhoMustNotBeAsked) {
    ChatBench bench;
    RecordingAppender rows;
    ChatProbe chat(bench.io.get_executor(), bench.clock, *bench.found, ChatSettings{}, rows);
    wait_for(bench.io, done_after(chat.run_once()));  // no round yet: not known to be ready
    EXPECT_THAT(bench.engine.asked, IsEmpty());
    EXPECT_EQ(chat.model(), std::nullopt);
    bench.round(*bench.found);
    EXPECT_EQ(chat.model(), "q");
    wait_for(bench.io, done_after(chat.run()));  // not enabled
    EXPECT_THAT(bench.engine.asked, ElementsAre("GET /v1/models"));
    EXPECT_THAT(rows.groups(), IsEmpty());
}

TEST(ChatProbe, NamesTheErrorByItsType) {
    struct Case {
        std::string answer;
        std::string type;
    };
    const Case cases[] = {
        {reply(400, R"({"error":{"message":"too long"}})"), "http_400"},
        {reply(200, "data: nonsense\n\n"), "invalid_response"},
        {reply(200, "data: {\"error\":{\"message\":\"x\"}}\n\n"), "stream_error"},
        {reply(200, "data: {\"choices\":[{\"delta\":{\"content\":\"OK\"}}]}\n\n"), "incomplete"},
    };
    for (const auto& [answer, type] : cases) {
        ChatBench bench;
        bench.round(*bench.found);
        bench.engine.answers()["POST /v1/chat/completions"] = answer;
        RecordingAppender rows;
        ChatProbe chat(bench.io.get_executor(), bench.clock, *bench.found, ChatSettings{}, rows);
        wait_for(bench.io, done_after(chat.run_once()));
        const auto series = rows.latest();
        EXPECT_EQ(series.at("vllm_request_success_total"), 0);
        EXPECT_THAT(series,
                    Contains(Pair("vllm_request_error_total{error_type=\"" + type + "\"}", 1)));
        EXPECT_EQ(series.at("inferscope_probe_ttft_seconds_count"), 0);
    }
}

TEST(ChatProbe, CallsSilenceATimeoutAndAClosedStreamIncomplete) {
    const ChatStream nothing;
    Exchange exchange;
    exchange.error.code = Errc::timeout;
    exchange.error.phase = net::Phase::headers;
    EXPECT_EQ(judge_chat(nothing, exchange, {}).error_type, "timeout");
    exchange.error.phase = net::Phase::connect;
    EXPECT_EQ(judge_chat(nothing, exchange, {}).error_type, "connection_error");
    exchange.error.code = Errc::unavailable;
    exchange.error.phase = net::Phase::body;
    EXPECT_EQ(judge_chat(nothing, exchange, {}).error_type, "incomplete");
}

TEST(ChatProbe, SendsWhatIsConfigured) {
    ChatSettings settings;
    settings.prompt = "Say \"hi\"";
    settings.max_tokens = 3;
    EXPECT_EQ(
        chat_body(settings, "q"),
        R"({"max_tokens":3,"messages":[{"content":"Say \"hi\"","role":"user"}],"model":"q","stream":true,)"
        R"("stream_options":{"include_usage":true},"temperature":0})");
}

}  // namespace
}  // namespace inferscope::probe
