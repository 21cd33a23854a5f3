// SPDX-License-Identifier: Apache-2.0
// http and https URLs, and what of them may be shown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace inferscope::net {

struct Url {
    std::string scheme = "http";  ///< "http" or "https"
    std::string user;             ///< percent-decoded
    std::string password;
    std::string host;  ///< lower case; an IPv6 address without its brackets
    std::uint16_t port = 80;
    std::string target = "/";  ///< path and query, as they go on the wire

    /// Fails with invalid_argument for other schemes, no host, a bad port, spaces and control
    /// bytes.
    static Result<Url> parse(std::string_view text);
    /// "host:port", IPv6 in brackets.
    [[nodiscard]] std::string authority() const;
    /// As authority(), the port left out when it is the scheme's own: the value of the Host header.
    [[nodiscard]] std::string host_header() const;
    /// For logs, errors and pages: user info left out; values of query parameters whose name sounds
    /// secret (token, key, secret, password, auth, sig: net/secrets.h) replaced by "***".
    [[nodiscard]] std::string redacted() const;
    /// The same origin with another path.
    [[nodiscard]] Url with_target(std::string_view new_target) const;
    /// Scheme, host and port are the same.
    [[nodiscard]] bool same_origin(const Url& other) const;
};

/// A path and query as redacted() shows them.
std::string redact_target(std::string_view target);
/// A '%' that begins no escape stands for itself.
std::string percent_decode(std::string_view text, bool plus_is_space);
/// Everything but letters, digits and "-._~" is escaped.
std::string percent_encode(std::string_view text);

}  // namespace inferscope::net
