// SPDX-License-Identifier: Apache-2.0
// What the tests of this folder share: coroutines run to their end, and a peer that misbehaves byte
// for byte.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "net/async.h"
#include "net/await.h"
#include "net/url.h"

namespace inferscope::net::testing {

namespace asio = boost::asio;
using asio::ip::tcp;

/// Runs `io` until `task` has its result; what else goes on there stays where it is.
template <class T>
T wait_for(asio::io_context& io, Task<T> task) {
    std::optional<T> result;
    std::exception_ptr failure;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr error, T value) {
        failure = error;
        result.emplace(std::move(value));
    });
    io.restart();
    while (!result && io.run_one() > 0) {
    }
    if (failure) std::rethrow_exception(failure);
    return std::move(result).value();
}

using Socket = std::shared_ptr<tcp::socket>;

/// Listens on a port of its own choice; each connection is handed to `script`, a named coroutine.
class RawServer {
public:
    using Script = std::function<Task<void>(Socket)>;

    RawServer(asio::io_context& io, Script script)
        : door_(std::make_shared<Door>(io, std::move(script))) {
        asio::co_spawn(io, accept_all(door_), asio::detached);
    }
    ~RawServer() { door_->acceptor.close(); }
    RawServer(const RawServer&) = delete;
    RawServer& operator=(const RawServer&) = delete;

    [[nodiscard]] Url url() const {
        Url url;
        url.host = "127.0.0.1";
        url.port = door_->acceptor.local_endpoint().port();
        return url;
    }
    /// Connections so far.
    [[nodiscard]] int accepted() const { return door_->accepted; }

private:
    struct Door {
        Door(asio::io_context& io, Script wanted)
            : acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
              script(std::move(wanted)) {}
        tcp::acceptor acceptor;
        Script script;
        int accepted = 0;
    };

    static Task<void> accept_all(std::shared_ptr<Door> door) {
        while (true) {
            auto socket = std::make_shared<tcp::socket>(door->acceptor.get_executor());
            auto [ec] = co_await door->acceptor.async_accept(*socket, kAwait);
            if (ec) co_return;
            ++door->accepted;
            asio::co_spawn(door->acceptor.get_executor(), door->script(socket), asio::detached);
        }
    }

    std::shared_ptr<Door> door_;
};

/// The head of one request; empty if the client has closed.
inline Task<std::string> read_request(Socket socket) {
    std::string request;
    auto [ec, size] =
        co_await asio::async_read_until(*socket, asio::dynamic_buffer(request), "\r\n\r\n", kAwait);
    co_return ec ? std::string() : request.substr(0, size);
}

inline Task<bool> write_all(Socket socket, std::string bytes) {
    auto [ec, size] = co_await asio::async_write(*socket, asio::buffer(bytes), kAwait);
    co_return !ec;
}

inline Task<void> pause(Executor executor, std::chrono::milliseconds duration) {
    asio::steady_timer timer(executor, duration);
    co_await timer.async_wait(kAwait);
}

/// Answers every request with the same bytes and keeps the connection.
inline Task<void> always_answer(Socket socket, std::string answer) {
    while (true) {
        const std::string request = co_await read_request(socket);
        if (request.empty()) co_return;
        const bool written = co_await write_all(socket, answer);
        if (!written) co_return;
    }
}

/// Answers one request and closes.
inline Task<void> answer_and_close(Socket socket, std::string answer) {
    const std::string request = co_await read_request(socket);
    if (!request.empty()) co_await write_all(socket, answer);
}

/// Sends `text` and returns all that comes until the other side closes.
inline Task<std::string> talk(Executor executor, std::uint16_t port, std::string text) {
    const auto socket = std::make_shared<tcp::socket>(executor);
    auto [connect_error] = co_await socket->async_connect(
        tcp::endpoint(asio::ip::address_v4::loopback(), port), kAwait);
    if (connect_error) co_return "not connected: " + connect_error.message();
    co_await write_all(socket, text);
    std::string answer;
    co_await asio::async_read(*socket, asio::dynamic_buffer(answer), kAwait);
    co_return answer;
}

}  // namespace inferscope::net::testing
