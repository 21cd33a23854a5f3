// SPDX-License-Identifier: Apache-2.0
// HTTP/1 messages, byte by byte: pure, without sockets. The head becomes a value, the body goes to
// a sink piece by piece, so that nothing is stored that a bound forbids. Source: RFC 9112.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/body_sink.h"
#include "net/http.h"

namespace inferscope::net {

struct MessageHead {
    std::string method;  ///< requests
    std::string target;  ///< requests
    int status = 0;      ///< answers
    int version = 11;    ///< 10 or 11
    Headers headers;
};

/// Reads one message; a new one is needed for the next. Feeds on what put() is given, from the
/// front. Thread: confined to one connection.
class MessageParser {
public:
    enum class Kind { request, response, response_to_head };

    MessageParser(Kind kind, std::uint64_t max_header_bytes);
    ~MessageParser();
    MessageParser(MessageParser&&) noexcept;
    MessageParser& operator=(MessageParser&&) noexcept;

    /// Consumes bytes from the front and returns how many; the rest must come again, with more
    /// behind it. Stops after the head. Fails with limit_exceeded for a head above its bound, else
    /// invalid_argument.
    Result<std::size_t> put_head(std::string_view bytes);
    /// Likewise for the body, which goes to `sink`; its errors are returned.
    Result<std::size_t> put_body(std::string_view bytes, BodySink& sink);
    /// The peer has closed. Fails with unavailable if the message isn't whole.
    Result<void> put_end();

    [[nodiscard]] bool has_begun() const;
    [[nodiscard]] bool head_is_done() const;
    [[nodiscard]] bool is_done() const;
    /// After the head: the connection can carry another message.
    [[nodiscard]] bool keeps_alive() const;
    /// After the head: bytes of a body that is sent as it is; none if it is chunked or ends with
    /// the connection.
    [[nodiscard]] std::optional<std::uint64_t> content_length() const;
    [[nodiscard]] bool is_chunked() const;
    [[nodiscard]] const MessageHead& head() const;
    [[nodiscard]] MessageHead take_head();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace inferscope::net
