// SPDX-License-Identifier: Apache-2.0
#include "net/sockets.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <utility>

#include "net/await.h"

namespace inferscope::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// Where bytes land before somebody looks at them. Its content lives between two suspensions only.
std::vector<char>& scratch(std::size_t size) {
    thread_local std::vector<char> memory;
    if (memory.size() < size) memory.resize(size);
    return memory;
}

Error from_system(const error_code& ec) {
    if (ec == asio::error::connection_refused) {
        return {Errc::connection_refused, "connection refused"};
    }
    if (ec == asio::error::operation_aborted || ec == asio::error::bad_descriptor) {
        return {Errc::cancelled, "the connection was closed by us"};
    }
    if (ec == asio::error::connection_reset || ec == asio::error::broken_pipe) {
        return {Errc::unavailable, "the peer reset the connection"};
    }
    const bool unreachable = ec == asio::error::network_unreachable ||
                             ec == asio::error::host_unreachable || ec == asio::error::timed_out ||
                             ec == asio::error::network_down;
    return {unreachable ? Errc::unavailable : Errc::io_error, ec.message()};
}

Error deadline_passed() { return {Errc::timeout, "the deadline passed"}; }

struct Lookup {
    explicit Lookup(const Executor& executor) : resolver(executor), wake(executor) {}
    tcp::resolver resolver;
    asio::steady_timer wake;  // at the deadline, or as soon as there is an answer
    bool answered = false;
    error_code error;
    std::vector<std::string> addresses;
};

void start_lookup(const std::shared_ptr<Lookup>& lookup, const std::string& host) {
    lookup->resolver.async_resolve(
        host, "", [lookup](const error_code& ec, const tcp::resolver::results_type& results) {
            lookup->answered = true;
            lookup->error = ec;
            for (const auto& entry : results) {
                lookup->addresses.push_back(entry.endpoint().address().to_string());
            }
            lookup->wake.cancel();
        });
}

}  // namespace

Task<Result<std::vector<std::string>>> resolve(Executor executor, std::string host,
                                               SteadyTime deadline) {
    error_code not_an_address;
    const auto address = asio::ip::make_address(host, not_an_address);
    if (!not_an_address) co_return std::vector{address.to_string()};
    // Asio can't interrupt the system's look-up: we stop listening instead, and the look-up owns
    // its state.
    const auto lookup = std::make_shared<Lookup>(executor);
    lookup->wake.expires_at(deadline);
    start_lookup(lookup, host);
    auto [ec] = co_await lookup->wake.async_wait(kAwait);
    if (lookup->answered) {
        if (lookup->error) {
            co_return Error{Errc::not_found, fmt::format("the name '{}' can't be resolved: {}",
                                                         host, lookup->error.message())};
        }
        co_return std::move(lookup->addresses);
    }
    if (ec) co_return from_system(ec);
    co_return deadline_passed();
}

struct Stream::State : std::enable_shared_from_this<Stream::State> {
    explicit State(const Executor& executor) : socket(executor), timer(executor) {}

    /// Called before every wait.
    void schedule() {
        if (deadline == kNever || timer_at <= deadline) return;
        timer_at = deadline;
        timer.expires_at(deadline);
        timer.async_wait([weak = weak_from_this()](const error_code& ec) {
            if (ec) return;
            if (const auto self = weak.lock()) self->on_timer();
        });
    }
    void on_timer() {
        timer_at = kNever;
        if (std::chrono::steady_clock::now() < deadline)
            return schedule();  // it was moved meanwhile
        expired = true;
        error_code ignored;
        socket.cancel(ignored);
    }
    Error error_of(const error_code& ec) const {
        return expired ? deadline_passed() : from_system(ec);
    }
    Attempt attempt_of(const error_code& ec, std::size_t count, Attempt::Outcome blocked) const {
        if (!ec) return {Attempt::Outcome::done, count, {}};
        if (ec == asio::error::would_block) return {blocked, 0, {}};
        if (ec == asio::error::eof) return {Attempt::Outcome::ended, 0, {}};
        return {Attempt::Outcome::failed, 0, from_system(ec)};
    }
    Attempt read(char* data, std::size_t size) {
        if (tls) return tls->read(data, size);
        error_code ec;
        const auto count = socket.read_some(asio::buffer(data, size), ec);
        drained = count < size;
        return attempt_of(ec, count, Attempt::Outcome::wants_read);
    }
    Attempt write(std::string_view first, std::string_view second) {
        if (tls) {
            const auto part = first.empty() ? second : first;
            return tls->write(part.data(), part.size());
        }
        error_code ec;
        const std::array<asio::const_buffer, 2> buffers = {asio::buffer(first),
                                                           asio::buffer(second)};
        const auto count = socket.write_some(buffers, ec);
        return attempt_of(ec, count, Attempt::Outcome::wants_write);
    }

    tcp::socket socket;
    asio::steady_timer timer;
    SteadyTime deadline = kNever;
    SteadyTime timer_at = kNever;  // when the timer wakes us; kNever: it is not set
    bool expired = false;
    bool drained = true;  // the last read took all that was there: a wait comes before the next
    std::string kept;
    bool kept_is_news = false;  // nobody has seen it yet
    std::unique_ptr<TlsSession> tls;

    static Task<Result<void>> wait(std::shared_ptr<State> self, Attempt::Outcome until) {
        if (self->expired) co_return deadline_passed();
        self->schedule();
        const auto type = until == Attempt::Outcome::wants_write ? tcp::socket::wait_write
                                                                 : tcp::socket::wait_read;
        auto [ec] = co_await self->socket.async_wait(type, kAwait);
        if (ec || self->expired) co_return self->error_of(ec);
        co_return Result<void>();
    }

    static Task<Result<std::size_t>> read_some(std::shared_ptr<State> self, char* data,
                                               std::size_t size) {
        while (true) {
            auto attempt = self->read(data, size);
            if (attempt.outcome == Attempt::Outcome::done) co_return attempt.count;
            if (attempt.outcome == Attempt::Outcome::ended) co_return 0u;
            if (attempt.outcome == Attempt::Outcome::failed) co_return std::move(attempt.error);
            auto waited = co_await wait(self, attempt.outcome);
            if (!waited) co_return waited.error();
        }
    }
};

Stream::Stream(Executor executor) : state_(std::make_shared<State>(executor)) {}
Stream::~Stream() {
    if (state_) close();
}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&& other) noexcept {
    if (this != &other) {
        if (state_) close();
        state_ = std::move(other.state_);
    }
    return *this;
}

void Stream::expire_at(SteadyTime deadline) {
    state_->deadline = deadline;
    state_->expired = false;
}

void Stream::rest() {
    expire_at(kNever);
    state_->timer_at = kNever;
    state_->timer.cancel();
}

Task<Result<void>> Stream::connect(std::string address, std::uint16_t port) {
    const auto state = state_;
    error_code ec;
    const tcp::endpoint endpoint(asio::ip::make_address(address, ec), port);
    if (ec) co_return from_system(ec);
    state->socket.open(endpoint.protocol(), ec);
    if (ec) co_return from_system(ec);
    state->schedule();
    auto [connect_error] = co_await state->socket.async_connect(endpoint, kAwait);
    if (connect_error || state->expired) co_return state->error_of(connect_error);
    state->socket.set_option(tcp::no_delay(true), ec);
    state->socket.non_blocking(true, ec);
    if (ec) co_return from_system(ec);
    co_return Result<void>();
}

Task<Result<void>> Stream::start_tls(TlsContext context, std::string server_name) {
    const auto state = state_;
    state->tls = std::make_unique<TlsSession>(context, state->socket.native_handle(), server_name);
    while (true) {
        auto attempt = state->tls->handshake();
        if (attempt.outcome == Attempt::Outcome::done) co_return Result<void>();
        if (attempt.outcome == Attempt::Outcome::ended) {
            co_return Error{Errc::unavailable, "the peer closed during the TLS handshake"};
        }
        if (attempt.outcome == Attempt::Outcome::failed) co_return std::move(attempt.error);
        auto waited = co_await State::wait(state, attempt.outcome);
        if (!waited) co_return waited.error();
    }
}

Task<Result<void>> Stream::wait_for_bytes() {
    const auto state = state_;
    if (state->kept_is_news || (state->tls && state->tls->has_pending())) co_return Result<void>();
    auto waited = co_await State::wait(state, Attempt::Outcome::wants_read);
    state->drained = false;
    co_return waited;
}

Task<Result<std::string_view>> Stream::receive(std::size_t most) {
    const auto state = state_;
    if (std::exchange(state->kept_is_news, false)) {
        auto& memory = scratch(state->kept.size());
        std::ranges::copy(state->kept, memory.begin());
        co_return std::string_view(memory.data(), std::exchange(state->kept, {}).size());
    }
    if (!state->tls && state->drained) {
        auto waited = co_await State::wait(state, Attempt::Outcome::wants_read);
        if (!waited) co_return waited.error();
    }
    while (true) {
        const auto kept = state->kept.size();
        auto& memory = scratch(kept + most);
        auto attempt = state->read(memory.data() + kept, most);
        if (attempt.outcome == Attempt::Outcome::done) {
            std::ranges::copy(state->kept, memory.begin());
            state->kept = {};
            co_return std::string_view(memory.data(), kept + attempt.count);
        }
        if (attempt.outcome == Attempt::Outcome::ended) co_return std::string_view();
        if (attempt.outcome == Attempt::Outcome::failed) co_return std::move(attempt.error);
        auto waited = co_await State::wait(state, attempt.outcome);
        if (!waited) co_return waited.error();
    }
}

void Stream::keep(std::string_view rest) {
    if (!rest.empty()) state_->kept.assign(rest);
}

void Stream::unread(std::string_view rest) {
    if (rest.empty()) return;
    state_->kept.assign(rest);
    state_->kept_is_news = true;
}

Task<Result<std::size_t>> Stream::receive_into(char* data, std::size_t size) {
    const auto state = state_;
    if (state->kept_is_news) {
        const auto count = state->kept.copy(data, size);
        state->kept.erase(0, count);
        state->kept_is_news = !state->kept.empty();
        co_return count;
    }
    if (!state->tls && state->drained) {
        auto waited = co_await State::wait(state, Attempt::Outcome::wants_read);
        if (!waited) co_return waited.error();
    }
    auto count = co_await State::read_some(state, data, size);
    co_return count;
}

Task<Result<void>> Stream::send(std::string_view head, std::string_view body, Millis patience) {
    const auto state = state_;
    if (patience != Millis::zero()) expire_at(std::chrono::steady_clock::now() + patience);
    while (!head.empty() || !body.empty()) {
        auto attempt = state->write(head, body);
        if (attempt.outcome == Attempt::Outcome::done) {
            const auto of_head = std::min(attempt.count, head.size());
            head.remove_prefix(of_head);
            body.remove_prefix(attempt.count - of_head);
            continue;
        }
        if (attempt.outcome == Attempt::Outcome::failed) co_return std::move(attempt.error);
        if (attempt.outcome == Attempt::Outcome::ended) {
            co_return Error{Errc::unavailable, "the peer closed the connection"};
        }
        if (patience != Millis::zero()) {
            state->deadline = std::chrono::steady_clock::now() + patience;
        }
        auto waited = co_await State::wait(state, attempt.outcome);
        if (!waited) co_return waited.error();
    }
    co_return Result<void>();
}

void Stream::send_now(std::string_view text) { state_->write(text, {}); }

bool Stream::is_open() const { return state_->socket.is_open(); }

bool Stream::is_quiet() {
    if (!is_open() || !state_->kept.empty()) return false;
    if (state_->tls) return state_->tls->is_quiet();
    char byte = 0;
    const auto count = ::recv(state_->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    state_->drained = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    return state_->drained;
}

bool Stream::peer_has_closed() const {
    if (!is_open()) return true;
    ::pollfd asked{.fd = state_->socket.native_handle(), .events = POLLRDHUP, .revents = 0};
    return ::poll(&asked, 1, 0) > 0 && (asked.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

std::string Stream::remote_address() const {
    error_code ec;
    const auto endpoint = state_->socket.remote_endpoint(ec);
    return ec ? std::string() : endpoint.address().to_string();
}

std::string Stream::local_address() const {
    error_code ec;
    const auto endpoint = state_->socket.local_endpoint(ec);
    return ec ? std::string() : endpoint.address().to_string();
}

void Stream::close() {
    if (state_->tls) state_->tls->say_goodbye();
    state_->tls.reset();
    error_code ignored;
    state_->socket.close(ignored);
    state_->kept = {};
    state_->kept_is_news = false;
    state_->drained = true;
    rest();
}

void Stream::shut_sending() {
    if (state_->tls) state_->tls->say_goodbye();
    error_code ignored;
    state_->socket.shutdown(tcp::socket::shutdown_send, ignored);
}

struct Acceptor::State {
    explicit State(const Executor& executor) : acceptor(executor) {}
    tcp::acceptor acceptor;
};

namespace {

Result<tcp::endpoint> endpoint_of(const Executor& executor, const std::string& host,
                                  std::uint16_t port) {
    if (host.empty()) return tcp::endpoint(tcp::v6(), port);
    error_code ec;
    const auto address = asio::ip::make_address(host, ec);
    if (!ec) return tcp::endpoint(address, port);
    tcp::resolver resolver(executor);
    const auto results = resolver.resolve(host, std::to_string(port), ec);
    if (ec || results.empty()) {
        return Error{Errc::invalid_argument,
                     fmt::format("the name '{}' can't be resolved: {}", host, ec.message())};
    }
    return results.begin()->endpoint();
}

error_code open_and_bind(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
    error_code ec;
    acceptor.open(endpoint.protocol(), ec);
    if (ec) return ec;
    acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (endpoint.protocol() == tcp::v6() && endpoint.address().is_unspecified()) {
        acceptor.set_option(asio::ip::v6_only(false), ec);
    }
    acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    return ec;
}

}  // namespace

Acceptor::Acceptor(Executor executor) : state_(std::make_shared<State>(executor)) {}
Acceptor::~Acceptor() { close(); }

Result<void> Acceptor::listen(const std::string& host, std::uint16_t port) {
    auto& acceptor = state_->acceptor;
    auto endpoint = endpoint_of(acceptor.get_executor(), host, port);
    if (!endpoint) return endpoint.error();
    error_code ec = open_and_bind(acceptor, *endpoint);
    const bool no_v6 = ec == asio::error::address_family_not_supported;
    if (host.empty() && no_v6) ec = open_and_bind(acceptor, tcp::endpoint(tcp::v4(), port));
    if (!ec) return {};
    error_code ignored;
    acceptor.close(ignored);
    return Error{Errc::io_error, ec.message()};
}

std::uint16_t Acceptor::port() const {
    error_code ec;
    const auto endpoint = state_->acceptor.local_endpoint(ec);
    return ec ? std::uint16_t{0} : endpoint.port();
}

Task<Result<Stream>> Acceptor::accept() {
    const auto state = state_;
    Stream stream(state->acceptor.get_executor());
    auto [ec] = co_await state->acceptor.async_accept(stream.state_->socket, kAwait);
    if (ec) co_return from_system(ec);
    error_code ignored;
    stream.state_->socket.set_option(tcp::no_delay(true), ignored);
    stream.state_->socket.non_blocking(true, ignored);
    co_return std::move(stream);
}

void Acceptor::close() {
    error_code ignored;
    state_->acceptor.close(ignored);
}

}  // namespace inferscope::net
