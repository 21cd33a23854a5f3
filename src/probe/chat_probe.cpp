// SPDX-License-Identifier: Apache-2.0
#include "probe/chat_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "probe/schedule.h"
#include "telemetry/families.h"

namespace inferscope::probe {
namespace {

using nlohmann::json;

struct ChatFamilies {
    FamilyPtr success = make_family("vllm_request_success_total", MetricType::counter,
                                    "Synthetic chat requests that were answered whole.");
    FamilyPtr error = make_family("vllm_request_error_total", MetricType::counter,
                                  "Synthetic chat requests that failed, by type.");
    FamilyPtr input_tokens = make_family("vllm_input_tokens_per_request", MetricType::histogram,
                                         "Prompt tokens of a synthetic chat request.");
    FamilyPtr output_tokens = make_family("vllm_output_tokens_per_request", MetricType::histogram,
                                          "Generated tokens of a synthetic chat request.");
    FamilyPtr ttft = make_family("inferscope_probe_ttft_seconds", MetricType::histogram,
                                 "Synthetic chat request: time until the first token.");
    FamilyPtr e2e = make_family("inferscope_probe_e2e_seconds", MetricType::histogram,
                                "Synthetic chat request: time until the last token.");
};

const ChatFamilies& chat_families() {
    static const ChatFamilies all;
    return all;
}

// As vLLM has them for lengths, time to first token and end-to-end time.
const std::vector<double> kTokenBounds = {1,   2,    5,    10,   20,    50,    100,   200,
                                          500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};
const std::vector<double> kTtftBounds = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08,
                                         0.1,   0.25,  0.5,  0.75, 1.0,  2.5,  5.0,
                                         7.5,   10.0,  20.0, 40.0, 80.0};
const std::vector<double> kE2eBounds = {0.05, 0.1,  0.3,  0.5,  0.8,  1.0,  1.5,  2.0,  2.5,
                                        5.0,  10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0};

std::string error_type(const ChatStream& stream, const Exchange& exchange) {
    if (exchange.status != 0 && exchange.status != 200)
        return fmt::format("http_{}", exchange.status);
    if (exchange.status == 0 && exchange.error.code == Errc::timeout) {
        return outcome_of(exchange) == Outcome::silent ? "timeout" : "connection_error";
    }
    if (stream.has_error()) return "stream_error";
    if (exchange.status == 0)
        return exchange.error.phase == net::Phase::body ? "incomplete" : "connection_error";
    if (stream.is_broken()) return "invalid_response";
    return stream.is_complete() ? "" : "incomplete";
}

// An answer of the longest allowed length, some hundred bytes of JSON for each token.
constexpr std::uint64_t kMaxAnswerBytes = 8u << 20;

net::ClientSettings client_settings(const ProbeSettings& settings) {
    auto client = settings.client;
    client.max_body_bytes = kMaxAnswerBytes;
    return client;
}

std::optional<Nanos> since(SteadyTime sent, std::optional<SteadyTime> event) {
    return event ? std::optional<Nanos>(*event - sent) : std::nullopt;
}

}  // namespace

ChatOutcome judge_chat(const ChatStream& stream, const Exchange& exchange, SteadyTime sent) {
    return {.error_type = error_type(stream, exchange),
            .ttft = since(sent, stream.first_token()),
            .e2e = since(sent, stream.last_token()),
            .input_tokens = stream.input_tokens(),
            .output_tokens = stream.output_tokens()};
}

ChatMetrics::ChatMetrics()
    : input_tokens_(kTokenBounds),
      output_tokens_(kTokenBounds),
      ttft_(kTtftBounds),
      e2e_(kE2eBounds) {}

void ChatMetrics::on_outcome(const ChatOutcome& outcome) {
    if (!outcome.error_type.empty()) {
        ++errors_[outcome.error_type];
        return;
    }
    ++successes_;
    if (outcome.input_tokens) input_tokens_.observe(static_cast<double>(*outcome.input_tokens));
    if (outcome.output_tokens) output_tokens_.observe(static_cast<double>(*outcome.output_tokens));
    if (outcome.ttft) ttft_.observe(to_seconds(*outcome.ttft));
    if (outcome.e2e) e2e_.observe(to_seconds(*outcome.e2e));
}

void ChatMetrics::write(RowWriter& rows) const {
    const ChatFamilies& f = chat_families();
    rows.set(f.success, {}, static_cast<double>(successes_));
    for (const auto& [type, count] : errors_)
        rows.set(f.error, {{"error_type", type}}, static_cast<double>(count));
    input_tokens_.write(rows, f.input_tokens, {});
    output_tokens_.write(rows, f.output_tokens, {});
    ttft_.write(rows, f.ttft, {});
    e2e_.write(rows, f.e2e, {});
}

std::string chat_body(const ChatSettings& settings, std::string_view model) {
    const json body = {
        {"model", model},
        {"messages", json::array({{{"role", "user"}, {"content", settings.prompt}}})},
        {"max_tokens", settings.max_tokens},
        {"temperature", 0},
        {"stream", true},
        {"stream_options", {{"include_usage", true}}}};
    return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

ChatProbe::ChatProbe(net::Executor executor, const Clock& clock, const EngineProbe& probe,
                     ChatSettings settings, Appender& appender)
    : executor_(executor),
      clock_(clock),
      probe_(probe),
      settings_(std::move(settings)),
      client_(executor, probe.settings().base, client_settings(probe.settings())),
      rows_(appender, "chat probe " + probe.settings().base.redacted(), probe.settings().labels) {}

std::optional<std::string> ChatProbe::model() const {
    const ProbeResult& found = probe_.result();
    const bool may_ask = found.loaded && !found.needs_key && found.asleep != true;
    if (!may_ask) return std::nullopt;
    if (!settings_.model.empty()) return settings_.model;
    if (found.is_router || found.models.empty()) return std::nullopt;
    return found.models.front().id;
}

net::Task<void> ChatProbe::run_once() {
    const auto asked = model();
    if (!asked) co_return;
    const auto outcome = co_await ask(chat_body(settings_, *asked));
    if (!outcome) co_return;
    metrics_.on_outcome(*outcome);
    metrics_.write(rows_);
    if (auto appended = rows_.flush(clock_.wall()); !appended) {
        log::warning("chat probe {}: {}", probe_.settings().base.redacted(), appended.error().text);
    }
}

net::Task<std::optional<ChatOutcome>> ChatProbe::ask(std::string body) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = target_below(probe_.settings().base, "/v1/chat/completions");
    request.headers = probe_.settings().headers;
    request.headers.set("Content-Type", "application/json");
    request.headers.set("Accept", "text/event-stream");
    request.body = std::move(body);
    ChatStream stream;
    const auto on_piece = [this, &stream](std::string_view piece) {
        stream.on_bytes(piece, clock_.steady());
    };
    const SteadyTime sent = clock_.steady();
    auto answer = co_await client_.send_streaming(std::move(request), on_piece, settings_.timeout);
    client_.close();  // until the next request the engine would have dropped it, and a POST isn't
                      // repeated
    const bool cancelled = co_await is_cancelled();
    const auto exchange = Exchange::from(std::move(answer), clock_.steady() - sent);
    if (cancelled || exchange.was_cancelled()) co_return std::nullopt;
    co_return judge_chat(stream, exchange, sent);
}

net::Task<void> ChatProbe::run() {
    if (!settings_.enabled) co_return;
    co_await end_by_value();
    SteadyTime start =
        spread_start(clock_.steady(), settings_.interval, probe_.settings().base.redacted());
    while (true) {
        const bool goes_on = co_await wait_until(executor_, start);
        if (!goes_on) co_return;
        co_await run_once();
        start = std::max(start + settings_.interval, clock_.steady());
    }
}

}  // namespace inferscope::probe
