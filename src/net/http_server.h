// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 server: bounded, with TLS and basic authentication as Prometheus's web configuration
// file has them, and the checks of who may come in. It knows no paths: one handler answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/async.h"
#include "net/http.h"

namespace inferscope::net {

struct ListenAddress {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;

    /// "127.0.0.1:7090", "[::1]:7090", ":7090" (all interfaces), "localhost:7090".
    static Result<ListenAddress> parse(std::string_view text);
    [[nodiscard]] bool is_loopback() const;
    [[nodiscard]] std::string text() const;
};

/// Prometheus's --web.config.file: tls_server_config {cert_file, key_file, client_auth_type,
/// client_ca_file, min_version}, http_server_config {headers}, basic_auth_users {name: bcrypt
/// hash}. Source: prometheus/exporter-toolkit, docs/web-configuration.md.
struct WebConfig {
    std::string cert_file;
    std::string key_file;
    std::string client_ca_file;
    std::string client_auth_type = "NoClientCert";
    std::string min_version = "TLS12";
    std::map<std::string, std::string> users;
    std::map<std::string, std::string> headers;

    /// Also checks what it names: files that can't be read, hashes that aren't bcrypt.
    static Result<WebConfig> load(const std::string& path);
    [[nodiscard]] bool uses_tls() const { return !cert_file.empty(); }
};

struct ServerSettings {
    ListenAddress listen;
    WebConfig web;
    std::vector<std::string>
        allowed_hosts;  ///< names, without port, beside loopback names and the listen address
    std::string allowed_hosts_setting = "web.allowed_hosts";  ///< what messages call that list
    /// Paths that begin so are queries, and guarded as changes of state are (net/access.h).
    std::vector<std::string> query_paths = {"/api/v1/query", "/api/v1/series", "/api/v1/label",
                                            "/federate"};
    bool check_origin = true;  ///< Host, Origin and Sec-Fetch-Site (design: "Who may come in")
    std::uint64_t max_header_bytes = 32u << 10;
    std::uint64_t max_body_bytes = 16u << 20;
    std::size_t max_connections = 512;  ///< more get 503
    Millis header_timeout{10'000};      ///< TLS handshake; first byte to the end of the headers
    Millis body_timeout{60'000};        ///< for the whole of a request's body
    Millis idle_timeout{
        75'000};  ///< until the next request; and for a client that doesn't take its answer
    Millis stop_timeout{5'000};  ///< so long open exchanges have after stop()
    std::string server_name = "inferscope";
    /// Where passwords are checked and bodies above 64 KiB compressed. Empty: a thread of the
    /// server's own, made when it is first needed.
    Executor background;
};

/// Sends a body piece by piece (chunked): for event streams.
class ResponseStream {
public:
    virtual ~ResponseStream() = default;
    /// False once the client has gone; then the handler should return.
    virtual Task<bool> write(std::string piece) = 0;
};

/// Either fills `HttpResponse::body`, or, for a streamed answer, sets `stream`, which is called
/// after the headers.
struct ServerResponse : HttpResponse {
    ServerResponse() = default;
    ServerResponse(HttpResponse response)
        : HttpResponse(std::move(response)) {}  // NOLINT(google-explicit-constructor)
    std::function<Task<void>(ResponseStream&)> stream;
};

/// Runs on the server's executor. `changes_state` requests are those with methods other than GET
/// and HEAD.
using Handler = std::function<Task<ServerResponse>(HttpRequest)>;

/// What was refused, and what is going on, for self-metrics.
struct ServerCounters {
    std::uint64_t requests = 0;
    std::uint64_t open_connections = 0;
    std::uint64_t refused_connections = 0;  ///< over max_connections
    std::uint64_t refused_host = 0;         ///< 403, Host
    std::uint64_t refused_origin = 0;       ///< 403, Origin or Sec-Fetch-Site
    std::uint64_t refused_credentials = 0;  ///< 401; and 503, too many passwords to check
    std::uint64_t refused_size = 0;         ///< 413, 431
    std::uint64_t refused_malformed = 0;    ///< 400, 417, 501
    std::uint64_t failed_handlers = 0;      ///< 500: a handler threw
    std::uint64_t timeouts = 0;             ///< 408
};

/// Gzips bodies > 1 KiB on the handler's behalf if the client accepts it, unless `Content-Encoding`
/// is set or the client is on loopback and didn't ask. HEAD answers as GET without the body.
/// Thread: confined to its executor.
class HttpServer {
public:
    HttpServer(Executor executor, ServerSettings settings, Handler handler);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Binds and listens; after that connections queue. Fails with the address in the text.
    Result<void> listen();
    /// The port bound, for listen port 0.
    [[nodiscard]] std::uint16_t port() const;
    /// Accepts until stop(), and returns when the last connection has ended.
    Task<void> run();
    /// No new connections; idle ones are closed; open exchanges have `stop_timeout`, then they are
    /// cancelled.
    void stop();
    /// From the next request on.
    void set_allowed_hosts(std::vector<std::string> names);
    /// Users and headers from the next request on, certificates (and whether TLS is spoken at all)
    /// from the next connection on. What fails changes nothing.
    Result<void> set_web(WebConfig web);
    [[nodiscard]] const ServerCounters& counters() const;

private:
    class Listener;
    std::shared_ptr<Listener> listener_;
};

}  // namespace inferscope::net
