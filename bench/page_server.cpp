// SPDX-License-Identifier: Apache-2.0
// Serves one captured page on many loopback ports, two fifths of its values changing from answer to
// answer: the targets of the scrape-loop measurement. page_server FIRST_PORT COUNT PAGE_FILE
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/check.h"
#include "bench/page_variants.h"

namespace {

void listen_on(int poll, std::uint16_t port) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
          "the port is free");
    CHECK(::listen(listener, 16) == 0, "the port listens");
    epoll_event event{.events = EPOLLIN,
                      .data = {.u64 = static_cast<std::uint64_t>(listener) << 1}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
}

void accept_all(int poll, int listener) {
    while (true) {
        const int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) return;
        const int on = 1;
        ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_event event{.events = EPOLLIN,
                          .data = {.u64 = (static_cast<std::uint64_t>(connection) << 1) | 1}};
        ::epoll_ctl(poll, EPOLL_CTL_ADD, connection, &event);
    }
}

bool answer(int connection, const std::string& response) {
    char request[8192];
    if (::recv(connection, request, sizeof request, 0) <= 0) return false;
    std::size_t sent = 0;
    while (sent < response.size()) {  // blocking: a page fits into the socket's buffers or the
                                      // reader is reading
        const auto count =
            ::send(connection, response.data() + sent, response.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return false;
        sent += static_cast<std::size_t>(count);
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    CHECK(argc == 4, "page_server FIRST_PORT COUNT PAGE_FILE");
    std::vector<std::string> responses;
    for (const auto& page : inferscope::bench::variants_of(inferscope::bench::read_text(argv[3]))) {
        responses.push_back(fmt::format(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
            "Content-Length: {}\r\n\r\n{}",
            page.size(), page));
    }
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < std::atoi(argv[2]); ++i)
        listen_on(poll, static_cast<std::uint16_t>(std::atoi(argv[1]) + i));
    std::size_t turn = 0;
    std::vector<epoll_event> events(256);
    while (true) {
        const int count = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            const auto tag = events[static_cast<std::size_t>(i)].data.u64;
            const int socket = static_cast<int>(tag >> 1);
            if ((tag & 1) == 0) {
                accept_all(poll, socket);
            } else if (!answer(socket, responses[turn++ % responses.size()])) {
                ::close(socket);
            }
        }
    }
}
