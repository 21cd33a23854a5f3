// SPDX-License-Identifier: Apache-2.0
// The synthetic chat request: off unless configured, since it makes the engine work. It measures
// what a user would feel: time to the first token, time to the last one, success.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "probe/chat_stream.h"
#include "probe/engine_probe.h"

namespace inferscope::probe {

/// One request's result.
struct ChatOutcome {
    /// Empty for success; else timeout, connection_error, http_400 (… 599), stream_error (the
    /// engine said so in the stream), invalid_response (not an event stream), incomplete (it ended
    /// before its end).
    std::string error_type;
    std::optional<Nanos> ttft;  ///< request sent -> first event with a token
    std::optional<Nanos> e2e;   ///< request sent -> last event with a token
    std::optional<std::uint64_t> input_tokens, output_tokens;
};
ChatOutcome judge_chat(const ChatStream& stream, const Exchange& exchange, SteadyTime sent);

/// The names of mission row D3, and two of our own. All error types but those by status (http_...)
/// are there from the start, at 0. Thread: confined to one.
class ChatMetrics {
public:
    ChatMetrics();
    /// Times and tokens count for successes only.
    void on_outcome(const ChatOutcome& outcome);
    void write(RowWriter& rows) const;

private:
    std::uint64_t successes_ = 0;
    std::map<std::string, std::uint64_t> errors_{{"timeout", 0},
                                                 {"connection_error", 0},
                                                 {"stream_error", 0},
                                                 {"invalid_response", 0},
                                                 {"incomplete", 0}};
    Histogram input_tokens_, output_tokens_, ttft_, e2e_;
};

/// OpenAI's request body: streamed, with usage. Bytes that aren't UTF-8 are replaced.
std::string chat_body(const ChatSettings& settings, std::string_view model);

/// Asks only an engine that its probe has found ready: never one that loads, sleeps, wants a key or
/// routes to models that might have to be loaded. Thread: confined to the executor.
class ChatProbe {
public:
    /// `probe`, `clock` and `appender` outlive it. Place, credentials and labels are the probe's.
    ChatProbe(net::Executor executor, const Clock& clock, const EngineProbe& probe,
              ChatSettings settings, Appender& appender);

    /// One request, if the engine may be asked now.
    net::Task<void> run_once();
    /// One at the settings' interval until cancelled; returns at once if it isn't enabled.
    net::Task<void> run();

    /// The model that would be asked now; nothing if the engine mustn't be.
    [[nodiscard]] std::optional<std::string> model() const;

private:
    /// Nothing if cancelled.
    net::Task<std::optional<ChatOutcome>> ask(std::string body);

    net::Executor executor_;
    const Clock& clock_;
    const EngineProbe& probe_;
    ChatSettings settings_;
    net::HttpClient client_;
    RowWriter rows_;
    ChatMetrics metrics_;
};

}  // namespace inferscope::probe
