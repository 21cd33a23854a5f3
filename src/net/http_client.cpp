// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "net/addresses.h"
#include "net/message_io.h"
#include "net/secrets.h"
#include "net/sockets.h"

namespace inferscope::net {
namespace {

using Answer = Result<HttpResponse, FetchError>;

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool may_be_repeated(std::string_view method) { return method != "POST" && method != "PATCH"; }

std::string format_duration(Nanos duration) {
    const auto millis = std::chrono::round<Millis>(duration).count();
    return millis % 1000 == 0 ? fmt::format("{}s", millis / 1000) : fmt::format("{}ms", millis);
}

/// Where the exchange stood when the time was up.
std::string_view standstill(Phase phase) {
    switch (phase) {
        case Phase::resolve:
            return "the name is not resolved";
        case Phase::connect:
            return "not connected";
        case Phase::tls:
            return "connected, TLS handshake not finished";
        case Phase::send:
            return "connected, request not taken";
        case Phase::headers:
            return "connected, no headers";
        case Phase::body:
            return "headers came, body not whole";
    }
    return "";
}

bool is_token(std::string_view text) {
    constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";  // RFC 9110, 5.6.2
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               kOthers.find(c) != std::string_view::npos;
    });
}

bool has_control_bytes(std::string_view text) {
    return std::ranges::any_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < ' ' && byte != '\t') || byte == 0x7f;
    });
}

/// What would smuggle another header or request into ours.
Result<void> check_request(const HttpRequest& request) {
    if (!is_token(request.method)) {
        return Error{Errc::invalid_argument, "the request's method is not a token"};
    }
    const bool bad_target = request.target.empty() || has_control_bytes(request.target) ||
                            request.target.find_first_of(" \t") != std::string::npos;
    if (bad_target)
        return Error{Errc::invalid_argument, "the request's target holds spaces or control bytes"};
    for (const auto& [name, value] : request.headers.fields()) {
        if (!is_token(name) || has_control_bytes(value)) {
            return Error{
                Errc::invalid_argument,
                fmt::format("the header '{}' holds what no header may", quote_for_message(name))};
        }
    }
    return {};
}

void write_head(std::string& out, const HttpRequest& request, const Url& origin) {
    out.clear();
    out += request.method;
    out += ' ';
    out += request.target;
    out += " HTTP/1.1\r\n";
    const auto& headers = request.headers;
    if (!headers.has("Host")) append_field(out, "Host", origin.host_header());
    if (!headers.has("User-Agent")) append_field(out, "User-Agent", "inferscope");
    const bool has_login = !origin.user.empty() || !origin.password.empty();
    if (has_login && !headers.has("Authorization")) {
        append_field(out, "Authorization", basic_authorization(origin.user, origin.password));
    }
    for (const auto& [name, value] : headers.fields()) {
        if (!equals_ignoring_case(name, "Content-Length")) append_field(out, name, value);
    }
    const bool expects_body =
        request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
    if (expects_body || !request.body.empty()) {
        append_field(out, "Content-Length", std::to_string(request.body.size()));
    }
    out += "\r\n";
}

/// An absolute or origin-relative Location; without what it says about users.
Result<Url> redirect_target(const Url& from, std::string_view location) {
    Result<Url> target = from;
    if (location.starts_with("//")) {
        target = Url::parse(fmt::format("{}:{}", from.scheme, location));
    } else if (location.starts_with('/')) {
        target = from.with_target(location);
    } else if (location.find("://") != std::string_view::npos) {
        target = Url::parse(location);
    } else {  // relative to the folder of the path
        const auto path = std::string_view(from.target).substr(0, from.target.find('?'));
        target =
            from.with_target(fmt::format("{}{}", path.substr(0, path.rfind('/') + 1), location));
    }
    if (!target) return target;
    const bool same = target->same_origin(from);
    target->user = same ? from.user : "";
    target->password = same ? from.password : "";
    return target;
}

/// What may follow the request to another origin.
void drop_credentials(HttpRequest& request) {
    std::vector<std::string> secret;
    for (const auto& [name, value] : request.headers.fields()) {
        if (sounds_secret(name)) secret.push_back(name);
    }
    for (const auto& name : secret) request.headers.remove(name);
}

void become_get(HttpRequest& request) {
    request.method = "GET";
    request.body.clear();
    request.headers.remove("Content-Type");
    request.headers.remove("Content-Encoding");
}

}  // namespace

std::string_view to_string(Phase phase) {
    switch (phase) {
        case Phase::resolve:
            return "resolve";
        case Phase::connect:
            return "connect";
        case Phase::tls:
            return "tls";
        case Phase::send:
            return "send";
        case Phase::headers:
            return "headers";
        case Phase::body:
            return "body";
    }
    return "";
}

class HttpClient::Connection {
public:
    Connection(Executor executor, Url origin, ClientSettings settings)
        : executor_(executor),
          origin_(std::move(origin)),
          settings_(std::move(settings)),
          stream_(executor) {}

    /// Sends, and follows redirects. `self` keeps this alive.
    static Task<Answer> send(std::shared_ptr<Connection> self, HttpRequest request,
                             std::string& body, std::chrono::nanoseconds limit);
    void close();
    /// For the body of the next exchange.
    void show_body(OnPiece on_piece) { on_piece_ = std::move(on_piece); }

private:
    /// While an exchange runs. If it ends by an exception (its coroutine was cancelled), the
    /// connection is somewhere midway and can't be used again.
    struct Busy {
        explicit Busy(Connection& connection) : connection_(connection) { connection.busy_ = true; }
        ~Busy() {
            if (std::uncaught_exceptions() > 0) connection_.stream_.close();
            connection_.elsewhere_.reset();
            connection_.on_piece_ = nullptr;
            connection_.busy_ = false;
            connection_.closed_ = false;
        }
        Busy(const Busy&) = delete;
        Busy& operator=(const Busy&) = delete;
        Connection& connection_;
    };

    /// How long an exchange may take, redirects and second attempts included.
    struct Limit {
        std::chrono::nanoseconds length;
        SteadyTime end;
    };

    /// One request, one answer; a stale connection is replaced once.
    Task<Answer> exchange(const HttpRequest& request, std::string& body, Limit limit);
    Task<Answer> attempt(const HttpRequest& request, std::string& body);
    Task<Result<void>> connect(SteadyTime deadline);
    Task<Result<void>> connect_to_any(std::vector<std::string> addresses, SteadyTime deadline);
    Task<Result<void>> start_tls();
    Task<Result<HttpResponse>> read_answer(bool to_head, std::string& body);
    Result<void> begin_body(const MessageHead& head, BodySink& sink) const;
    std::unique_ptr<Connection> connection_for(const Url& url) const;
    FetchError failure(Error error, Limit limit) const;

    Executor executor_;
    Url origin_;
    ClientSettings settings_;
    TlsContext tls_;
    Stream stream_;
    Phase phase_ = Phase::connect;
    bool answer_began_ = false;
    bool busy_ = false;
    bool closed_ = false;  // by us, while busy
    OnPiece on_piece_;
    std::string head_;                       // kept for its memory
    std::unique_ptr<Connection> elsewhere_;  // where a redirect led, while the exchange lasts
};

void HttpClient::Connection::close() {
    closed_ = busy_;
    stream_.close();
    if (elsewhere_) {
        elsewhere_->closed_ = true;
        elsewhere_->stream_.close();
    }
}

FetchError HttpClient::Connection::failure(Error error, Limit limit) const {
    if (error.code == Errc::timeout) {
        error.text = fmt::format("no answer within {}: {}", format_duration(limit.length),
                                 standstill(phase_));
    }
    return {std::move(error), phase_};
}

Task<Answer> HttpClient::Connection::send(std::shared_ptr<Connection> self, HttpRequest request,
                                          std::string& body, std::chrono::nanoseconds length) {
    CHECK(!self->busy_, "an HttpClient carries one exchange at a time");
    auto valid = check_request(request);
    if (!valid) co_return FetchError{valid.error(), Phase::send};
    const Limit limit{length, std::chrono::steady_clock::now() + length};
    const std::size_t body_begin = body.size();
    std::optional<Url> at;  // where a redirect led; the origin before the first one
    const Busy busy(*self);
    for (int redirects = 0;; ++redirects) {
        Connection& connection = self->elsewhere_ ? *self->elsewhere_ : *self;
        auto answer = co_await connection.exchange(request, body, limit);
        if (self->closed_) {
            co_return FetchError{{Errc::cancelled, "the exchange was cancelled"},
                                 connection.phase_};
        }
        if (!answer || !is_redirect(answer->status)) co_return answer;
        const Url from = at ? *std::move(at) : self->origin_.with_target(request.target);
        auto target = redirect_target(from, answer->headers.get("Location"));
        const auto shown = target ? target->redacted() : target.error().text;
        if (!target || redirects >= self->settings_.max_redirects) {
            co_return FetchError{
                {Errc::unavailable,
                 fmt::format("redirected ({}) to {}: not followed (max_redirects = {})",
                             answer->status, shown, self->settings_.max_redirects)},
                Phase::headers};
        }
        body.resize(body_begin);
        const bool rewrites =
            answer->status == 303 || (answer->status <= 302 && request.method == "POST");
        if (rewrites && request.method != "HEAD") become_get(request);
        request.target = target->target;
        if (!target->same_origin(from)) {
            drop_credentials(request);
            self->elsewhere_ = self->connection_for(*target);
        }
        at = std::move(*target);
    }
}

std::unique_ptr<HttpClient::Connection> HttpClient::Connection::connection_for(
    const Url& url) const {
    ClientSettings settings = settings_;
    settings.tls.cert_file.clear();
    settings.tls.key_file.clear();
    settings.tls.server_name.clear();
    return std::make_unique<Connection>(executor_, url, std::move(settings));
}

Task<Answer> HttpClient::Connection::exchange(const HttpRequest& request, std::string& body,
                                              Limit limit) {
    const std::size_t body_begin = body.size();
    bool reused = stream_.is_quiet();
    while (true) {
        if (!reused) {
            stream_.close();
            auto connected = co_await connect(limit.end);
            if (!connected) {
                stream_.close();
                co_return failure(connected.error(), limit);
            }
        }
        stream_.expire_at(limit.end);
        auto answer = co_await attempt(request, body);
        if (answer) {
            stream_.rest();
            co_return answer;
        }
        stream_.close();
        body.resize(body_begin);
        const bool stale = reused && !answer_began_ && answer.error().code == Errc::unavailable;
        if (!stale || closed_ || !may_be_repeated(request.method)) {
            const FetchError& error = answer.error();
            co_return failure(Error{error.code, error.text}, limit);
        }
        reused = false;
    }
}

Task<Result<void>> HttpClient::Connection::connect(SteadyTime deadline) {
    phase_ = Phase::resolve;
    auto addresses = co_await resolve(executor_, origin_.host, deadline);
    if (!addresses) co_return addresses.error();
    phase_ = Phase::connect;
    if (closed_) co_return Error{Errc::cancelled, ""};
    auto connected = co_await connect_to_any(std::move(*addresses), deadline);
    if (!connected || origin_.scheme == "http") co_return connected;
    phase_ = Phase::tls;
    stream_.expire_at(deadline);
    auto started = co_await start_tls();
    co_return started;
}

Task<Result<void>> HttpClient::Connection::connect_to_any(std::vector<std::string> addresses,
                                                          SteadyTime deadline) {
    Error last{Errc::not_found, fmt::format("the name '{}' has no address", origin_.host)};
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const auto& address = addresses[i];
        if (settings_.refuse_link_local && is_link_local_or_metadata(address)) {
            last = {Errc::permission_denied,
                    fmt::format("{} is a link-local or metadata address: refused", address)};
            continue;
        }
        // An address that swallows packets gets its share of the time, not all of it.
        const auto now = std::chrono::steady_clock::now();
        const auto share = (deadline - now) / static_cast<int>(addresses.size() - i);
        stream_.expire_at(now + share);
        auto connected = co_await stream_.connect(address, origin_.port);
        if (connected) co_return connected;
        last = connected.error();
        if (last.code == Errc::connection_refused) {
            Url shown = origin_;
            shown.host = address;
            last.text = fmt::format("connection refused: nothing listens at {}", shown.authority());
        }
        stream_.close();
        if (closed_) break;
    }
    co_return last;
}

Task<Result<void>> HttpClient::Connection::start_tls() {
    if (!tls_) {
        auto context = TlsContext::for_client(settings_.tls);
        if (!context) co_return context.error();
        tls_ = std::move(*context);
    }
    const auto& name = settings_.tls.server_name;
    auto started = co_await stream_.start_tls(tls_, name.empty() ? origin_.host : name);
    co_return started;
}

Task<Answer> HttpClient::Connection::attempt(const HttpRequest& request, std::string& body) {
    phase_ = Phase::send;
    answer_began_ = false;
    write_head(head_, request, origin_);
    auto sent = co_await stream_.send(head_, request.body);
    if (!sent) co_return FetchError{sent.error(), phase_};
    auto answer = co_await read_answer(request.method == "HEAD", body);
    if (!answer) co_return FetchError{answer.error(), phase_};
    co_return std::move(*answer);
}

Task<Result<HttpResponse>> HttpClient::Connection::read_answer(bool to_head, std::string& body) {
    const auto kind =
        to_head ? MessageParser::Kind::response_to_head : MessageParser::Kind::response;
    phase_ = Phase::headers;
    while (true) {
        MessageParser parser(kind, settings_.max_header_bytes);
        auto first = co_await read_head(stream_, parser);
        answer_began_ = answer_began_ || parser.has_begun();
        if (!first) co_return first.error();
        if (!parser.head_is_done()) {
            co_return Error{Errc::unavailable, "the peer closed the connection without an answer"};
        }
        const int status = parser.head().status;
        if (status == 101)
            co_return Error{Errc::invalid_argument, "the peer switched protocols unasked"};
        if (status < 200) {  // 100 Continue, 103 Early Hints: the answer is yet to come
            stream_.unread(*first);
            continue;
        }
        phase_ = Phase::body;
        BodySink sink(body, settings_.max_body_bytes, settings_.body_bound_name);
        sink.show(on_piece_);
        auto begun = parser.is_done() ? Result<void>() : begin_body(parser.head(), sink);
        if (!begun) co_return begun.error();
        auto read = co_await read_body(stream_, parser, sink, *first);
        if (!read) co_return read.error();
        if (!parser.keeps_alive()) stream_.close();
        auto head = parser.take_head();
        co_return HttpResponse{status, std::move(head.headers), {}};
    }
}

Result<void> HttpClient::Connection::begin_body(const MessageHead& head, BodySink& sink) const {
    const auto coding = head.headers.get("Content-Encoding");
    if (coding.empty() || equals_ignoring_case(coding, "identity")) return {};
    if (equals_ignoring_case(coding, "gzip") || equals_ignoring_case(coding, "x-gzip")) {
        sink.decompress();
        return {};
    }
    return Error{Errc::invalid_argument,
                 fmt::format("Content-Encoding '{}' is not supported: only gzip is",
                             quote_for_message(coding, 32))};
}

HttpClient::HttpClient(Executor executor, const Url& origin, ClientSettings settings)
    : connection_(std::make_shared<Connection>(executor, origin, std::move(settings))) {}

HttpClient::~HttpClient() { connection_->close(); }

Task<Answer> HttpClient::send(HttpRequest request, std::chrono::nanoseconds limit) {
    std::string body;
    auto answer = co_await Connection::send(connection_, std::move(request), body, limit);
    if (answer) answer->body = std::move(body);
    co_return answer;
}

Task<Answer> HttpClient::send_into(HttpRequest request, std::string& body,
                                   std::chrono::nanoseconds limit) {
    auto answer = co_await Connection::send(connection_, std::move(request), body, limit);
    co_return answer;
}

Task<Answer> HttpClient::send_streaming(HttpRequest request,
                                        std::function<void(std::string_view)> on_piece,
                                        std::chrono::nanoseconds limit) {
    std::string body;
    const auto connection = connection_;  // this may be gone when the answer comes
    connection->show_body(std::move(on_piece));
    auto answer = co_await Connection::send(connection, std::move(request), body, limit);
    connection->show_body(nullptr);
    if (answer) answer->body = std::move(body);
    co_return answer;
}

void HttpClient::close() { connection_->close(); }

}  // namespace inferscope::net
