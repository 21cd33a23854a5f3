// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <ctime>
#include <exception>
#include <memory>
#include <set>
#include <utility>

#include "base/log.h"
#include "net/access.h"
#include "net/await.h"
#include "net/credentials.h"
#include "net/gzip.h"
#include "net/message_io.h"
#include "net/sockets.h"
#include "net/url.h"

namespace inferscope::net {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kLargestInlineGzip = 64u << 10;  // about 1 ms of the io thread
constexpr std::size_t kMaxPasswordChecks = 16;         // at a time; each takes bcrypt's 100 ms
constexpr std::size_t kMaxLingerBytes = 256u << 10;
constexpr Millis kLinger{500};
constexpr Millis kLookAtPeers{100};  // whether those that wait for an answer are still there
constexpr Millis kPauseAfterAcceptError{
    100};  // out of file descriptors: more come when others close

SteadyTime after(Millis duration) { return std::chrono::steady_clock::now() + duration; }

bool is_safe_field(std::string_view name, std::string_view value) {
    constexpr std::string_view kBreaks("\r\n\0", 3);
    return !name.empty() && name.find_first_of(kBreaks) == std::string_view::npos &&
           value.find_first_of(kBreaks) == std::string_view::npos;
}

/// What a handler copied from a request ends here.
void append_if_safe(std::string& out, std::string_view name, std::string_view value) {
    if (is_safe_field(name, value)) append_field(out, name, value);
}

std::string http_date() {
    return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::time(nullptr)));
}

bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

/// A request's target in absolute form names the host itself (RFC 9112, 3.2.2).
Result<void> use_origin_form(MessageHead& head) {
    if (head.target.starts_with('/')) return {};
    auto url = Url::parse(head.target);
    if (!url) return Error{Errc::invalid_argument, "the request's target is no path"};
    head.headers.set("Host", url->host_header());
    head.target = std::move(url->target);
    return {};
}

Result<void> check_host_field(const MessageHead& head) {
    const auto count = std::ranges::count_if(head.headers.fields(), [](const auto& field) {
        return equals_ignoring_case(field.first, "Host");
    });
    if (count == 1) return {};
    return Error{Errc::invalid_argument,
                 count == 0 ? "the request has no Host" : "the request has several Hosts"};
}

/// Counts what is going on, also when it ends by a cancellation.
class Counted {
public:
    explicit Counted(std::size_t& count) : count_(count) { ++count_; }
    ~Counted() { --count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

private:
    std::size_t& count_;
};

Task<bool> check_password(std::string password, std::string hash) {
    co_return matches_bcrypt(password, hash);
}

/// Empty where TLS isn't wanted.
Result<TlsContext> tls_of(const WebConfig& web) {
    return web.uses_tls() ? TlsContext::for_server(web) : TlsContext();
}

Task<void> compress(HttpResponse& response) {
    compress_body(response);
    co_return;
}

}  // namespace

/// The door, and everything that came through it.
class HttpServer::Listener : public std::enable_shared_from_this<HttpServer::Listener> {
public:
    Listener(Executor executor, ServerSettings settings, Handler handler);

    Result<void> listen();
    Task<void> run(std::shared_ptr<Listener> self);
    void stop();
    [[nodiscard]] std::uint16_t port() const { return acceptor_.port(); }
    [[nodiscard]] const ServerCounters& counters() const { return counters_; }
    void set_allowed_hosts(std::vector<std::string> names) {
        rules_.allowed_hosts = std::move(names);
    }
    Result<void> set_web(WebConfig web);

private:
    struct Connection {
        explicit Connection(Stream accepted)
            : stream(std::move(accepted)),
              remote_address(stream.remote_address()),
              local_address(stream.local_address()) {}
        Stream stream;
        std::string remote_address;
        std::string local_address;
        bool is_idle = true;  // between two exchanges: stop() may close it
        std::shared_ptr<std::atomic<bool>> peer_is_gone;  // while the handler works
        asio::cancellation_signal cancel;
    };
    using ConnectionPtr = std::shared_ptr<Connection>;

    /// A request as far as it has been read.
    struct Exchange {
        explicit Exchange(std::uint64_t max_header_bytes)
            : parser(MessageParser::Kind::request, max_header_bytes) {}
        MessageParser parser;
        HttpRequest request;
        int version = 11;
        bool keeps_alive = false;
        bool is_head = false;
        bool takes_gzip = false;
        std::string_view early_body;  // came with the headers; valid until the first suspension
    };

    class ChunkedBody;
    /// How the client learns where the body ends; the last one is for HTTP/1.0, which has no
    /// chunks.
    enum class Framing { counted, chunked, until_close };

    void start(Stream stream);
    static Task<void> serve(std::shared_ptr<Listener> self, ConnectionPtr connection);
    Task<bool> start_tls(Connection& connection);
    /// One request and its answer. False: the connection ends.
    Task<bool> serve_one(Connection& connection);
    Task<Result<void>> read_request_head(Connection& connection, Exchange& exchange);
    Task<Result<void>> read_request_body(Connection& connection, Exchange& exchange);
    /// An answer that keeps the handler from being called, if the request may not pass.
    Task<std::optional<HttpResponse>> refuse(Connection& connection, const Exchange& exchange);
    Task<std::optional<HttpResponse>> check_login(std::string authorization);
    Task<ServerResponse> call_handler(Connection& connection, HttpRequest request);
    /// Tells handlers whose client doesn't wait any more; again and again while any works.
    void look_at_peers();
    Task<bool> answer(Connection& connection, const Exchange& exchange, ServerResponse response);
    Task<bool> stream_body(Connection& connection, const Exchange& exchange,
                           const ServerResponse& response);
    /// Answers what can't be served, and ends the connection so that the client sees the answer.
    Task<void> answer_and_end(Connection& connection, const Exchange& exchange,
                              HttpResponse response);
    HttpResponse response_to(const Error& error, std::string_view while_reading);
    std::string head_of(const Exchange& exchange, const HttpResponse& response, Framing framing,
                        bool keeps_alive) const;
    Executor background();
    void forget(const ConnectionPtr& connection);

    Executor executor_;
    ServerSettings settings_;
    Handler handler_;
    AccessRules rules_;
    std::shared_ptr<Credentials> credentials_;  // a check in flight ends with those it began with
    TlsContext tls_;
    Acceptor acceptor_;
    ServerCounters counters_;
    std::set<ConnectionPtr> connections_;
    std::size_t password_checks_ = 0;
    std::size_t working_handlers_ = 0;
    bool looks_at_peers_ = false;
    bool stopping_ = false;
    asio::steady_timer all_gone_;  // never expires; cancelled when the last connection has ended
    asio::steady_timer patience_;  // of stop()
    asio::steady_timer next_look_;
    std::unique_ptr<asio::thread_pool> own_thread_;
};

class HttpServer::Listener::ChunkedBody final : public ResponseStream {
public:
    ChunkedBody(const Listener& listener, Stream& stream, bool chunked)
        : listener_(listener), stream_(stream), chunked_(chunked) {}

    Task<bool> write(std::string piece) override {
        if (!alive_ || listener_.stopping_) co_return false;
        if (piece.empty()) co_return true;
        std::string size;
        if (chunked_) {
            size = fmt::format("{:x}\r\n", piece.size());
            piece += "\r\n";
        }
        auto sent = co_await stream_.send(size, piece, listener_.settings_.idle_timeout);
        stream_.expire_at(Stream::kNever);
        alive_ = sent.has_value();
        co_return alive_;
    }

    Task<bool> finish() {
        if (!alive_ || !chunked_) co_return false;
        auto sent = co_await stream_.send("0\r\n\r\n", {}, listener_.settings_.idle_timeout);
        co_return sent.has_value();
    }

private:
    const Listener& listener_;
    Stream& stream_;
    bool chunked_;
    bool alive_ = true;
};

HttpServer::Listener::Listener(Executor executor, ServerSettings settings, Handler handler)
    : executor_(executor),
      settings_(std::move(settings)),
      handler_(std::move(handler)),
      rules_{settings_.listen.host, settings_.allowed_hosts, settings_.allowed_hosts_setting,
             settings_.query_paths},
      credentials_(std::make_shared<Credentials>(settings_.web.users)),
      acceptor_(executor),
      all_gone_(executor, SteadyTime::max()),
      patience_(executor),
      next_look_(executor) {}

Result<void> HttpServer::Listener::listen() {
    const auto where = fmt::format("listen on {}", settings_.listen.text());
    auto tls = tls_of(settings_.web);
    if (!tls) return tls.error().with(where);
    tls_ = std::move(*tls);
    auto listening = acceptor_.listen(settings_.listen.host, settings_.listen.port);
    if (!listening) return listening.error().with(where);
    return {};
}

Result<void> HttpServer::Listener::set_web(WebConfig web) {
    auto tls = tls_of(web);
    if (!tls) return tls.error();
    tls_ = std::move(*tls);
    if (web.users != settings_.web.users) credentials_ = std::make_shared<Credentials>(web.users);
    settings_.web = std::move(web);
    return {};
}

Task<void> HttpServer::Listener::run(std::shared_ptr<Listener> self) {
    asio::steady_timer pause(executor_);
    while (!stopping_) {
        auto stream = co_await acceptor_.accept();
        if (stream) {
            start(std::move(*stream));
        } else if (!stopping_) {
            log::warning("accept on {}: {}", settings_.listen.text(), stream.error().text);
            pause.expires_after(kPauseAfterAcceptError);
            co_await pause.async_wait(kAwait);
        }
    }
    while (!connections_.empty()) {
        co_await all_gone_.async_wait(kAwait);
    }
    patience_.cancel();
}

void HttpServer::Listener::start(Stream stream) {
    if (connections_.size() >= settings_.max_connections) {
        ++counters_.refused_connections;
        if (!tls_) {
            const auto text = fmt::format("too many connections: max_connections = {}\n",
                                          settings_.max_connections);
            stream.send_now(
                fmt::format("HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n"
                            "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
                            text.size(), text));
        }
        return;
    }
    const auto connection = std::make_shared<Connection>(std::move(stream));
    connections_.insert(connection);
    counters_.open_connections = connections_.size();
    const auto self = shared_from_this();
    const auto done = [self, connection](const std::exception_ptr&) { self->forget(connection); };
    asio::co_spawn(executor_, serve(self, connection),
                   asio::bind_cancellation_slot(connection->cancel.slot(), done));
}

void HttpServer::Listener::forget(const ConnectionPtr& connection) {
    connection->stream.close();
    connections_.erase(connection);
    counters_.open_connections = connections_.size();
    if (connections_.empty()) all_gone_.cancel();
}

void HttpServer::Listener::stop() {
    if (std::exchange(stopping_, true)) return;
    acceptor_.close();
    for (const auto& connection : connections_) {
        if (connection->is_idle) connection->stream.close();
    }
    if (connections_.empty()) return;
    patience_.expires_after(settings_.stop_timeout);
    patience_.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
        if (ec) return;
        const auto connections = self->connections_;  // ending one changes the set
        for (const auto& connection : connections) {
            connection->stream.close();
            connection->cancel.emit(asio::cancellation_type::terminal);
        }
    });
}

Task<void> HttpServer::Listener::serve(std::shared_ptr<Listener> self, ConnectionPtr connection) {
    const bool ready = co_await self->start_tls(*connection);
    bool goes_on = ready;
    while (goes_on && !self->stopping_) {
        goes_on = co_await self->serve_one(*connection);
    }
}

Task<bool> HttpServer::Listener::start_tls(Connection& connection) {
    if (!tls_) co_return true;
    connection.stream.expire_at(after(settings_.header_timeout));
    auto started = co_await connection.stream.start_tls(tls_, "");
    if (!started) log::debug("{}: {}", connection.remote_address, started.error().text);
    co_return started.has_value();
}

Task<bool> HttpServer::Listener::serve_one(Connection& connection) {
    Exchange exchange(settings_.max_header_bytes);
    connection.is_idle = true;
    connection.stream.expire_at(after(settings_.idle_timeout));
    auto awake = co_await connection.stream.wait_for_bytes();
    if (!awake || stopping_) co_return false;
    connection.is_idle = false;
    auto head = co_await read_request_head(connection, exchange);
    if (!head) {
        if (!exchange.parser.has_begun()) co_return false;  // the peer closed an idle connection
        co_await answer_and_end(connection, exchange, response_to(head.error(), "the headers"));
        co_return false;
    }
    ++counters_.requests;
    if (!exchange.parser.is_done()) connection.stream.unread(exchange.early_body);
    auto refusal = co_await refuse(connection, exchange);
    if (refusal) {
        if (!exchange.parser.is_done()) {  // its body isn't worth reading
            co_await answer_and_end(connection, exchange, std::move(*refusal));
            co_return false;
        }
        const bool goes_on = co_await answer(connection, exchange, std::move(*refusal));
        co_return goes_on;
    }
    auto body = co_await read_request_body(connection, exchange);
    if (!body) {
        co_await answer_and_end(connection, exchange, response_to(body.error(), "the body"));
        co_return false;
    }
    connection.stream.expire_at(Stream::kNever);  // the handler has the time that it takes
    auto response = co_await call_handler(connection, std::move(exchange.request));
    connection.peer_is_gone.reset();
    const bool goes_on = co_await answer(connection, exchange, std::move(response));
    co_return goes_on;
}

Task<Result<void>> HttpServer::Listener::read_request_head(Connection& connection,
                                                           Exchange& exchange) {
    connection.stream.expire_at(after(settings_.header_timeout));
    auto rest = co_await read_head(connection.stream, exchange.parser);
    if (!rest) co_return rest.error();
    if (!exchange.parser.head_is_done()) co_return Error{Errc::unavailable, "closed"};
    if (exchange.parser.is_done()) {
        connection.stream.unread(*rest);
    } else {
        exchange.early_body = *rest;
    }
    exchange.keeps_alive = exchange.parser.keeps_alive();
    MessageHead head = exchange.parser.take_head();
    auto in_form = use_origin_form(head);
    if (in_form) in_form = check_host_field(head);
    exchange.version = head.version;
    exchange.request = {std::move(head.method),
                        std::move(head.target),
                        std::move(head.headers),
                        {},
                        connection.remote_address};
    exchange.is_head = exchange.request.method == "HEAD";
    exchange.takes_gzip = lists_token(exchange.request.headers.get("Accept-Encoding"), "gzip");
    co_return in_form;
}

Task<std::optional<HttpResponse>> HttpServer::Listener::refuse(Connection& connection,
                                                               const Exchange& exchange) {
    if (settings_.check_origin) {
        auto denied = check_access(exchange.request, rules_, connection.local_address);
        if (denied) {
            const bool by_host = denied->because == AccessDenied::Because::host;
            ++(by_host ? counters_.refused_host : counters_.refused_origin);
            co_return HttpResponse::text(403, std::move(denied->text));
        }
    }
    if (credentials_->required()) {
        connection.stream.expire_at(Stream::kNever);
        std::string authorization(exchange.request.headers.get("Authorization"));
        auto refused = co_await check_login(std::move(authorization));
        if (refused) co_return refused;
    }
    const auto expectation = exchange.request.headers.get("Expect");
    if (!expectation.empty() && !equals_ignoring_case(expectation, "100-continue")) {
        ++counters_.refused_malformed;
        co_return HttpResponse::text(417, "the only expectation that is met is 100-continue\n");
    }
    co_return std::nullopt;
}

Task<std::optional<HttpResponse>> HttpServer::Listener::check_login(std::string authorization) {
    auto refused = HttpResponse::text(401, "user and password are needed (basic_auth_users)\n");
    refused.headers.add("WWW-Authenticate", "Basic realm=\"inferscope\", charset=\"UTF-8\"");
    const auto credentials = credentials_;
    const auto login = parse_basic_authorization(authorization);
    auto accepted = login ? credentials->recall(*login) : std::optional(false);
    if (!accepted) {
        if (password_checks_ >= kMaxPasswordChecks) {
            ++counters_.refused_credentials;
            auto busy = HttpResponse::text(
                503, fmt::format("{} passwords are being checked: try again\n", password_checks_));
            busy.headers.add("Retry-After", "1");
            co_return busy;
        }
        const Counted checking(password_checks_);
        auto check = check_password(login->password, credentials->hash_of(login->user));
        const bool matches =
            co_await asio::co_spawn(background(), std::move(check), asio::use_awaitable);
        accepted = credentials->conclude(*login, matches);
    }
    if (*accepted) co_return std::nullopt;
    ++counters_.refused_credentials;
    co_return refused;
}

Task<Result<void>> HttpServer::Listener::read_request_body(Connection& connection,
                                                           Exchange& exchange) {
    if (exchange.parser.is_done()) co_return Result<void>();
    BodySink sink(exchange.request.body, settings_.max_body_bytes, "max_body_bytes");
    if (const auto length = exchange.parser.content_length()) {
        auto fits = sink.check_length(*length);
        if (!fits) co_return fits.error();
    }
    connection.stream.expire_at(after(settings_.body_timeout));
    if (exchange.version >= 11 && exchange.request.headers.has("Expect")) {
        auto sent = co_await connection.stream.send("HTTP/1.1 100 Continue\r\n\r\n", {});
        if (!sent) co_return sent.error();
    }
    auto read = co_await read_body(connection.stream, exchange.parser, sink, {});
    co_return read;
}

void HttpServer::Listener::look_at_peers() {
    looks_at_peers_ = working_handlers_ > 0;
    if (!looks_at_peers_) return;
    for (const auto& connection : connections_) {
        if (connection->peer_is_gone && connection->stream.peer_has_closed())
            connection->peer_is_gone->store(true);
    }
    next_look_.expires_after(kLookAtPeers);
    next_look_.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
        if (!ec) self->look_at_peers();
    });
}

Task<ServerResponse> HttpServer::Listener::call_handler(Connection& connection,
                                                        HttpRequest request) {
    const std::string what = request.method + ' ' + redact_target(request.target);
    const Counted working(working_handlers_);
    connection.peer_is_gone = std::make_shared<std::atomic<bool>>(false);
    request.peer_is_gone = connection.peer_is_gone;
    if (!looks_at_peers_) look_at_peers();
    try {
        auto response = co_await handler_(std::move(request));
        co_return response;
    } catch (const std::exception& error) {
        log::error("{}: the handler failed: {}", what, error.what());
    }
    ++counters_.failed_handlers;
    co_return HttpResponse::text(500, "internal error: see the log\n");
}

HttpResponse HttpServer::Listener::response_to(const Error& error, std::string_view while_reading) {
    if (error.code == Errc::timeout) {
        ++counters_.timeouts;
        const bool in_headers = while_reading == "the headers";
        const auto bound = in_headers ? settings_.header_timeout : settings_.body_timeout;
        return HttpResponse::text(
            408, fmt::format("{} took longer than {} = {} ms\n", while_reading,
                             in_headers ? "header_timeout" : "body_timeout", bound.count()));
    }
    if (error.code == Errc::limit_exceeded) {
        ++counters_.refused_size;
        return HttpResponse::text(while_reading == "the headers" ? 431 : 413, error.text + '\n');
    }
    ++counters_.refused_malformed;
    return HttpResponse::text(400, error.text + '\n');
}

Task<void> HttpServer::Listener::answer_and_end(Connection& connection, const Exchange& exchange,
                                                HttpResponse response) {
    const auto head = head_of(exchange, response, Framing::counted, /*keeps_alive=*/false);
    auto sent = co_await connection.stream.send(head, response.body, settings_.idle_timeout);
    if (!sent) co_return;
    // To close with unread bytes would reset the connection, and with it the answer that is on its
    // way.
    connection.stream.shut_sending();
    connection.stream.expire_at(after(kLinger));
    std::size_t left = kMaxLingerBytes;
    while (left > 0) {
        auto received = co_await connection.stream.receive();
        if (!received || received->empty()) co_return;
        left -= std::min(left, received->size());
    }
}

std::string HttpServer::Listener::head_of(const Exchange& exchange, const HttpResponse& response,
                                          Framing framing, bool keeps_alive) const {
    std::string head =
        fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
    append_field(head, "Server", settings_.server_name);
    append_field(head, "Date", http_date());
    append_field(head, "X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : settings_.web.headers) append_if_safe(head, name, value);
    for (const auto& [name, value] : response.headers.fields()) append_if_safe(head, name, value);
    if (!keeps_alive) {
        append_field(head, "Connection", "close");
    } else if (exchange.version < 11) {
        append_field(head, "Connection", "keep-alive");
    }
    if (framing == Framing::chunked) append_field(head, "Transfer-Encoding", "chunked");
    if (framing == Framing::counted && !has_no_body(response.status)) {
        append_field(head, "Content-Length", std::to_string(response.body.size()));
    }
    head += "\r\n";
    return head;
}

Task<bool> HttpServer::Listener::answer(Connection& connection, const Exchange& exchange,
                                        ServerResponse response) {
    if (response.stream) {
        const bool goes_on = co_await stream_body(connection, exchange, response);
        co_return goes_on;
    }
    if (exchange.takes_gzip && is_worth_gzip(response)) {
        if (response.body.size() <= kLargestInlineGzip) {
            compress_body(response);
        } else {
            co_await asio::co_spawn(background(), compress(response), asio::use_awaitable);
        }
    }
    const bool keeps_alive = exchange.keeps_alive && !stopping_;
    const auto head = head_of(exchange, response, Framing::counted, keeps_alive);
    const bool bodiless = exchange.is_head || has_no_body(response.status);
    const std::string_view body = bodiless ? std::string_view() : response.body;
    auto sent = co_await connection.stream.send(head, body, settings_.idle_timeout);
    co_return sent.has_value() && keeps_alive;
}

Task<bool> HttpServer::Listener::stream_body(Connection& connection, const Exchange& exchange,
                                             const ServerResponse& response) {
    const bool chunked = exchange.version >= 11;
    const bool keeps_alive = exchange.keeps_alive && chunked && !stopping_;
    const auto framing = chunked ? Framing::chunked : Framing::until_close;
    const auto head = head_of(exchange, response, framing, keeps_alive);
    auto sent = co_await connection.stream.send(head, {}, settings_.idle_timeout);
    if (!sent) co_return false;
    if (exchange.is_head) co_return keeps_alive;
    connection.stream.expire_at(Stream::kNever);
    ChunkedBody body(*this, connection.stream, chunked);
    try {
        co_await response.stream(body);
    } catch (const std::exception& error) {
        ++counters_.failed_handlers;
        log::error("a streamed answer failed: {}", error.what());
        co_return false;
    }
    const bool finished = co_await body.finish();
    co_return finished&& keeps_alive;
}

Executor HttpServer::Listener::background() {
    if (settings_.background) return settings_.background;
    if (!own_thread_) own_thread_ = std::make_unique<asio::thread_pool>(1);
    return own_thread_->get_executor();
}

HttpServer::HttpServer(Executor executor, ServerSettings settings, Handler handler)
    : listener_(std::make_shared<Listener>(executor, std::move(settings), std::move(handler))) {}

HttpServer::~HttpServer() { listener_->stop(); }

Result<void> HttpServer::listen() { return listener_->listen(); }
std::uint16_t HttpServer::port() const { return listener_->port(); }
Task<void> HttpServer::run() { return listener_->run(listener_); }
void HttpServer::stop() { listener_->stop(); }
void HttpServer::set_allowed_hosts(std::vector<std::string> names) {
    listener_->set_allowed_hosts(std::move(names));
}
Result<void> HttpServer::set_web(WebConfig web) { return listener_->set_web(std::move(web)); }
const ServerCounters& HttpServer::counters() const { return listener_->counters(); }

}  // namespace inferscope::net
