// SPDX-License-Identifier: Apache-2.0
#include "simulate/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/check.h"
#include "net/http_server.h"
#include "simulate/chat.h"
#include "simulate/pages.h"
#include "simulate/played_engine.h"

namespace inferscope::simulate {
namespace {

namespace asio = boost::asio;
using net::HttpRequest;
using net::ServerResponse;
using net::Task;

constexpr std::uint64_t kMaxBodyBytes = 8u << 20;
constexpr std::string_view kFaultPath = "/simulate/fault";
constexpr std::string_view kChatPath = "/v1/chat/completions";
/// How long a waiting request sleeps at most before it looks again (faults may have changed).
constexpr Nanos kLongestNap = std::chrono::milliseconds(100);
constexpr Nanos kShortestNap = std::chrono::milliseconds(1);
/// SGLang's /health gives the engine so long to generate a token (SGLANG_HEALTH_CHECK_TIMEOUT).
constexpr Nanos kHealthTimeout = std::chrono::seconds(20);

ServerResponse json(int status, std::string body) {
    return net::HttpResponse::json(status, std::move(body));
}

ServerResponse empty(int status) { return net::HttpResponse::text(status, "", "text/plain"); }

}  // namespace

class SimulatedEngine::Endpoints {
public:
    Endpoints(net::Executor executor, SimulateSettings settings)
        : settings_(std::move(settings)),
          executor_(executor),
          tick_(executor),
          engine_(settings_.engine, settings_.speed, settings_.faults, clock_.steady(),
                  clock_.wall()),
          started_(clock_.wall()),
          server_(executor, server_settings(settings_),
                  [this](HttpRequest request) { return handle(std::move(request)); }) {}

    Result<void> listen() { return server_.listen(); }
    [[nodiscard]] std::uint16_t port() const { return server_.port(); }

    Task<void> run() {
        using namespace asio::experimental::awaitable_operators;
        Task<void> both = server_.run() && play();
        co_await std::move(both);
    }

    void stop() {
        stopping_ = true;
        tick_.cancel();
        server_.stop();
    }

    Result<void> set_faults(Faults faults) {
        if (const auto checked = faults.check(settings_.engine.kind); !checked)
            return checked.error();
        engine_.set_faults(std::move(faults), clock_.steady());
        return {};
    }

    void restart() {
        started_ = clock_.wall();
        engine_.restart(clock_.steady(), started_);
    }

private:
    using Answer = Task<ServerResponse> (Endpoints::*)(HttpRequest);
    struct Endpoint {
        std::string_view method, path;
        bool vllm, sglang;
        Answer answer;
    };
    static const Endpoint kEndpoints[];

    static net::ServerSettings server_settings(const SimulateSettings& settings) {
        net::ServerSettings server;
        server.listen = settings.listen;
        server.allowed_hosts = settings.allowed_hosts;
        server.max_body_bytes = kMaxBodyBytes;
        server.server_name = "inferscope-simulate";
        return server;
    }

    // The model goes on without anybody asking, in steps short enough for the thread that it
    // shares.
    Task<void> play() {
        const Nanos period = std::clamp(
            std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(1 / settings_.speed)),
            Nanos(std::chrono::milliseconds(20)), Nanos(std::chrono::seconds(1)));
        while (!stopping_) {
            engine_.advance(clock_.steady());
            tick_.expires_after(period);
            auto [ec] = co_await tick_.async_wait(asio::as_tuple(asio::use_awaitable));
            if (ec) break;
        }
    }

    Task<void> nap(Nanos time) {
        asio::steady_timer timer(executor_);
        timer.expires_after(time);
        auto [ec] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
        static_cast<void>(ec);  // nobody cancels it
    }

    Task<ServerResponse> handle(HttpRequest request) {
        ServerResponse response = co_await answer(std::move(request));
        response.headers.set("X-Simulated", "true");
        co_return response;
    }

    Task<ServerResponse> answer(HttpRequest request) {
        const std::string path = request.path();
        if (path == kFaultPath && settings_.fault_endpoint) {
            ServerResponse changed = change_faults(request);
            co_return changed;
        }
        while (engine_.faults().frozen && !stopping_) co_await nap(kLongestNap);
        const SteadyTime begun = clock_.steady();
        engine_.advance(begun);

        const Endpoint* endpoint = find_endpoint(path);
        const bool counted = endpoint && is_counted(path);
        const std::string method = request.method;
        const std::size_t request_bytes = request.body.size();
        if (counted) engine_.http().begin(path, method);
        ServerResponse response;
        if (engine_.is_loading(begun)) {
            response =
                json(503, error_json(kind(), {503, "ServiceUnavailable", "The model is loading."}));
        } else if (!endpoint) {
            response = json(404, R"({"detail":"Not Found"})");
        } else if (method != endpoint->method && !(method == "HEAD" && endpoint->method == "GET")) {
            response = json(405, R"({"detail":"Method Not Allowed"})");
        } else {
            Task<ServerResponse> answering = (this->*endpoint->answer)(std::move(request));
            response = co_await std::move(answering);
        }
        const double seconds = to_seconds(clock_.steady() - begun);
        if (counted) {
            engine_.http().end(path, method, response.status, seconds, request_bytes,
                               response.body.size());
        } else if (path == kChatPath &&
                   response.status != 200) {  // the others are counted by the model
            engine_.http().begin(path, method);
            engine_.http().end(path, method, response.status, seconds, request_bytes,
                               response.body.size());
        }
        co_return response;
    }

    [[nodiscard]] EngineKind kind() const { return settings_.engine.kind; }

    [[nodiscard]] const Endpoint* find_endpoint(std::string_view path) const;

    /// vLLM's API server doesn't count its own monitoring; SGLang's counts everything.
    [[nodiscard]] bool is_counted(std::string_view path) const {
        if (path == kChatPath) return false;
        return kind() == EngineKind::sglang || path == "/v1/models";
    }

    ServerResponse change_faults(const HttpRequest& request) {
        if (request.method != "POST") return json(405, R"({"detail":"Method Not Allowed"})");
        bool wants_restart = false;
        auto faults = Faults::parse(request.body, wants_restart);
        if (!faults) return bad_fault(faults.error());
        if (const auto set = set_faults(std::move(*faults)); !set) return bad_fault(set.error());
        if (wants_restart) restart();
        return json(200, "{}");
    }
    ServerResponse bad_fault(const Error& error) const {
        return json(400, error_json(kind(), {400, "BadRequestError", error.text}));
    }

    Task<ServerResponse> metrics(HttpRequest) {
        if (engine_.faults().metrics_off) co_return json(404, R"({"detail":"Not Found"})");
        const SteadyTime due = clock_.steady() + engine_.faults().metrics_delay;
        while (clock_.steady() < due && !stopping_)
            co_await nap(std::min(kLongestNap, due - clock_.steady()));
        engine_.advance(clock_.steady());
        co_return net::HttpResponse::text(200, engine_.page(), page_content_type(kind()));
    }

    Task<ServerResponse> alive(HttpRequest) { co_return empty(200); }

    // SGLang lets the engine make a token: an engine that hangs fails, one that is slow is slow
    // here too.
    Task<ServerResponse> generate_health(HttpRequest) {
        const auto ticket = engine_.submit(
            {.prompt_tokens = 1, .max_tokens = 1, .output_tokens = 1, .streamed = false});
        if (!ticket) co_return empty(503);
        const SteadyTime deadline = clock_.steady() + kHealthTimeout;
        while (true) {
            const auto received = co_await progress(*ticket, deadline);
            if (!received) break;
            if (received->finished) co_return empty(200);
        }
        engine_.abort(*ticket);
        co_return empty(503);
    }

    Task<ServerResponse> version(HttpRequest) {
        co_return json(200, fmt::format(R"({{"version":"{}"}})", engine_version(kind())));
    }
    Task<ServerResponse> server_load(HttpRequest) {
        co_return json(200, fmt::format(R"({{"server_load":{}}})",
                                        engine_.model().running() + engine_.model().waiting()));
    }
    Task<ServerResponse> models(HttpRequest) {
        co_return json(200, models_json(settings_.engine, started_));
    }
    Task<ServerResponse> model_info(HttpRequest) {
        co_return json(200, model_info_json(settings_.engine));
    }
    Task<ServerResponse> server_info(HttpRequest) {
        co_return json(200, server_info_json(settings_.engine, port()));
    }

    Task<ServerResponse> chat(HttpRequest request) {
        auto parsed = parse_chat(request.body, settings_.engine);
        if (!parsed) co_return json(parsed.error().status, error_json(kind(), parsed.error()));
        if (engine_.faults().sleep)
            co_return json(503, error_json(kind(), unavailable("The engine is asleep.")));
        if (engine_.model().waiting() >= engine_.model().settings().max_waiting) {
            co_return json(503, error_json(kind(), unavailable("The waiting queue is full.")));
        }
        ChatAnswer answer(settings_.engine, *parsed, clock_.wall(), ++answers_);
        if (parsed->stream) {
            ServerResponse response;
            response.headers.set("Content-Type", "text/event-stream; charset=utf-8");
            response.stream = [this, chat_request = *parsed, answer](net::ResponseStream& out) {
                return stream_chat(out, chat_request, answer);
            };
            co_return response;
        }
        ServerResponse whole = co_await whole_chat(*parsed, std::move(answer));
        co_return whole;
    }

    static ApiError unavailable(std::string_view text) {
        return {503, "ServiceUnavailableError", std::string(text)};
    }

    Task<ServerResponse> whole_chat(ChatRequest request, ChatAnswer answer) {
        const auto ticket = engine_.submit(request.arrival);
        CHECK(ticket, "the waiting queue has room: it was asked in this very turn");
        while (true) {
            const auto received = co_await progress(*ticket, SteadyTime::max());
            if (!received)
                co_return json(
                    500, error_json(kind(), {500, "InternalServerError", "The engine died."}));
            answer.take(received->tokens);
            if (received->finished) co_return json(200, answer.whole(*received->finished));
        }
    }

    // Headers have gone out; the first event waits for the first token.
    Task<void> stream_chat(net::ResponseStream& out, ChatRequest request, ChatAnswer answer) {
        const auto ticket = engine_.submit(request.arrival);
        if (!ticket) {  // filled up since the headers
            std::string refused =
                "data: " + error_json(kind(), unavailable("The waiting queue is full.")) + "\n\n";
            co_await out.write(std::move(refused));
            co_return;
        }
        bool is_first = true;
        while (true) {
            const auto received = co_await progress(*ticket, SteadyTime::max());
            if (!received) co_return;  // no [DONE]: this is how a stream of a dead engine ends
            std::string events = std::exchange(is_first, false) ? answer.role_event() : "";
            for (int i = 0; i < received->tokens; ++i) events += answer.token_event();
            if (received->finished) {
                events += answer.finish_event(*received->finished);
                if (request.include_usage) events += answer.usage_event();
                events += ChatAnswer::done_event();
            }
            const bool client_is_there = co_await out.write(std::move(events));
            if (!client_is_there) {
                engine_.abort(*ticket);
                co_return;
            }
            if (received->finished) co_return;
        }
    }

    /// Waits for the next token or the end. Nothing when the request is lost, at `deadline`, and
    /// when we stop.
    Task<std::optional<Received>> progress(Ticket ticket, SteadyTime deadline) {
        while (true) {
            const SteadyTime now = clock_.steady();
            engine_.advance(now);
            const auto received = engine_.take(ticket);
            if (!received || received->tokens > 0 || received->finished) co_return received;
            if (stopping_ || now >= deadline) co_return std::nullopt;
            const Nanos until = engine_.until_next_event().value_or(kLongestNap);
            co_await nap(std::clamp(until, kShortestNap, kLongestNap));
        }
    }

    SimulateSettings settings_;
    net::Executor executor_;
    SystemClock clock_;
    asio::steady_timer tick_;
    PlayedEngine engine_;
    Timestamp started_;
    std::uint64_t answers_ = 0;
    bool stopping_ = false;
    net::HttpServer server_;  // last: its handler uses all of the above
};

const SimulatedEngine::Endpoints::Endpoint SimulatedEngine::Endpoints::kEndpoints[] = {
    {"GET", "/metrics", true, true, &Endpoints::metrics},
    {"GET", "/health", true, false, &Endpoints::alive},
    {"GET", "/health", false, true, &Endpoints::generate_health},
    {"GET", "/health_generate", false, true, &Endpoints::generate_health},
    {"GET", "/ping", true, true, &Endpoints::alive},
    {"GET", "/load", true, false, &Endpoints::server_load},
    {"GET", "/version", true, false, &Endpoints::version},
    {"GET", "/server_info", false, true, &Endpoints::server_info},
    {"GET", "/get_server_info", false, true, &Endpoints::server_info},
    {"GET", "/model_info", false, true, &Endpoints::model_info},
    {"GET", "/get_model_info", false, true, &Endpoints::model_info},
    {"GET", "/v1/models", true, true, &Endpoints::models},
    {"POST", kChatPath, true, true, &Endpoints::chat},
};

const SimulatedEngine::Endpoints::Endpoint* SimulatedEngine::Endpoints::find_endpoint(
    std::string_view path) const {
    const bool sglang = kind() == EngineKind::sglang;
    for (const auto& endpoint : kEndpoints) {
        if (endpoint.path == path && (sglang ? endpoint.sglang : endpoint.vllm)) return &endpoint;
    }
    return nullptr;
}

SimulatedEngine::SimulatedEngine(net::Executor executor, SimulateSettings settings)
    : executor_(std::move(executor)), settings_(std::move(settings)) {}

SimulatedEngine::~SimulatedEngine() = default;

Result<void> SimulatedEngine::listen() {
    if (const auto checked = settings_.check(); !checked) return checked.error();
    endpoints_ = std::make_unique<Endpoints>(executor_, settings_);
    return endpoints_->listen();
}

std::uint16_t SimulatedEngine::port() const { return endpoints_->port(); }
net::Task<void> SimulatedEngine::run() { return endpoints_->run(); }
void SimulatedEngine::stop() { endpoints_->stop(); }
Result<void> SimulatedEngine::set_faults(Faults faults) {
    return endpoints_->set_faults(std::move(faults));
}
void SimulatedEngine::restart() { endpoints_->restart(); }

}  // namespace inferscope::simulate
