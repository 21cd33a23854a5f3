// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 client that keeps one connection to one origin alive. Every bound is its caller's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "net/async.h"
#include "net/http.h"
#include "net/url.h"

namespace inferscope::net {

/// How far an exchange came before it failed: probes tell "refused" from "reached but silent" by
/// it.
enum class Phase { resolve, connect, tls, send, headers, body };
std::string_view to_string(Phase phase);

struct FetchError : Error {
    Phase phase = Phase::connect;
};

/// The settings' files are read when the first connection is made.
struct TlsSettings {
    std::string ca_file;    ///< empty: the system's
    std::string cert_file;  ///< client certificate
    std::string key_file;
    std::string server_name;  ///< for SNI and the check of the certificate; empty: the URL's host
    bool insecure_skip_verify = false;
};

struct ClientSettings {
    TlsSettings tls;
    /// Bound on the body as it comes *and* as it is after decompression; passing it is
    /// limit_exceeded.
    std::uint64_t max_body_bytes = 64u << 20;
    std::string body_bound_name =
        "max_body_bytes";  ///< what messages call it: the setting of the caller's user
    std::uint64_t max_header_bytes = 64u << 10;
    /// Redirects followed for one request. Headers that sound like a secret (net/secrets.h:
    /// Authorization, Cookie, X-API-Key, ...) and the client certificate stay behind on another
    /// origin.
    int max_redirects = 0;
    /// Addresses in 169.254.0.0/16, fe80::/10 and the cloud metadata addresses are refused, after
    /// names are resolved.
    bool refuse_link_local = false;
};

/// One origin, at most one exchange at a time. Reconnects by itself; a kept-alive connection that
/// the peer closed meanwhile is retried once with a fresh one (for methods that may be repeated:
/// not POST, PATCH). Decompresses gzip, other codings are an error. User and password of the
/// origin's URL are sent as Basic authentication unless the request has an Authorization. Between
/// exchanges it holds no buffers. Thread: confined to its executor.
class HttpClient {
public:
    HttpClient(Executor executor, const Url& origin, ClientSettings settings);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// Sends and reads the whole answer, whatever its status. Host and User-Agent are filled in.
    /// Fails with timeout after `limit`. The error's text is for users: redacted, with the phase
    /// ("no answer within 5s: connected, no headers").
    Task<Result<HttpResponse, FetchError>> send(HttpRequest request,
                                                std::chrono::nanoseconds limit);

    /// As send(), the body appended to `body` (whose memory is kept between calls); the response's
    /// own is empty.
    Task<Result<HttpResponse, FetchError>> send_into(HttpRequest request, std::string& body,
                                                     std::chrono::nanoseconds limit);

    /// As send(), and calls `on_piece` with each piece of the body when it arrives, before the
    /// whole is there: for event streams. Pieces are cut anywhere. The status is known at the end
    /// only.
    Task<Result<HttpResponse, FetchError>> send_streaming(
        HttpRequest request, std::function<void(std::string_view)> on_piece,
        std::chrono::nanoseconds limit);

    /// Ends the exchange under way, which then fails with cancelled, and the connection. A later
    /// send() opens anew.
    void close();

private:
    class Connection;
    std::shared_ptr<Connection> connection_;  // shared with the exchange under way only
};

}  // namespace inferscope::net
