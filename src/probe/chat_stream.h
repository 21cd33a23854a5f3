// SPDX-License-Identifier: Apache-2.0
// Follows one streamed chat completion: when its first token came, when its last, how many there
// were, how it ended. Pure: every time is passed in. Server-sent events as in WHATWG HTML, section
// "Server-sent events".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace inferscope::probe {

/// Thread: confined to one.
class ChatStream {
public:
    /// A line longer than this ends the following: `is_broken()`.
    static constexpr std::size_t kMaxLineBytes = 1u << 20;

    /// Bytes as they arrive, cut anywhere. Comment lines (pings) and the event with the role are no
    /// tokens; of two events in one piece both count at its time.
    void on_bytes(std::string_view piece, SteadyTime at);

    [[nodiscard]] std::optional<SteadyTime> first_token() const { return first_token_; }
    [[nodiscard]] std::optional<SteadyTime> last_token() const { return last_token_; }
    /// From the `usage` object, where the engine sends one.
    [[nodiscard]] std::optional<std::uint64_t> input_tokens() const { return input_tokens_; }
    [[nodiscard]] std::optional<std::uint64_t> output_tokens() const { return output_tokens_; }
    /// A finish_reason or `[DONE]` came.
    [[nodiscard]] bool is_complete() const { return is_complete_; }
    /// The engine reported an error inside of the stream.
    [[nodiscard]] bool has_error() const { return has_error_; }
    /// An event that isn't JSON, or a line over the limit.
    [[nodiscard]] bool is_broken() const { return is_broken_; }

private:
    void on_line(std::string_view line, SteadyTime at);
    void on_event(SteadyTime at);
    void on_json(std::string_view text, SteadyTime at);

    std::string line_;
    std::string data_;
    bool was_carriage_return_ = false;
    std::optional<SteadyTime> first_token_, last_token_;
    std::optional<std::uint64_t> input_tokens_, output_tokens_;
    bool is_complete_ = false;
    bool has_error_ = false;
    bool is_broken_ = false;
};

}  // namespace inferscope::probe
