// SPDX-License-Identifier: Apache-2.0
// How to speak to a target or to a list of targets: credentials, TLS, redirects. Prometheus's
// http_config.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <utility>

#include "base/result.h"
#include "net/http_client.h"

namespace inferscope::discovery {

/// A text that must not be seen: no formatter knows it, and a stream gets "<secret>".
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string text) : text_(std::move(text)) {}

    /// Only for the bytes that go to the peer.
    [[nodiscard]] const std::string& reveal() const { return text_; }
    [[nodiscard]] bool empty() const { return text_.empty(); }
    bool operator==(const Secret&) const = default;
    friend std::ostream& operator<<(std::ostream& out, const Secret&) { return out << "<secret>"; }

private:
    std::string text_;
};

struct BasicAuth {
    std::string username;
    Secret password;
    std::string password_file;  ///< read at each use, so that a rotated password needs no reload
    bool operator==(const BasicAuth&) const = default;
};

struct Authorization {
    std::string type = "Bearer";
    Secret credentials;
    std::string credentials_file;
    bool operator==(const Authorization&) const = default;
};

struct HttpSettings {
    std::optional<BasicAuth> basic_auth;
    std::optional<Authorization>
        authorization;  ///< bearer_token and bearer_token_file end here, too
    net::TlsSettings tls;
    bool follow_redirects = true;

    [[nodiscard]] bool has_credentials() const { return basic_auth || authorization; }
    bool operator==(const HttpSettings& other) const;
};

/// The value of the Authorization header; empty if there are no credentials. Reads the named file
/// (at most 64 KiB, spaces and line ends at its ends cut off). Fails with the file's name, never
/// with its content.
Result<Secret> authorization_header(const HttpSettings& settings);

/// Redirects followed where `follow_redirects` is on, as Go's HTTP client does.
inline constexpr int kMaxRedirects = 10;

/// Bounds and TLS for a client; `max_body_bytes` 0 leaves the client's default.
net::ClientSettings client_settings(const HttpSettings& settings, std::uint64_t max_body_bytes,
                                    bool refuse_link_local);

}  // namespace inferscope::discovery
