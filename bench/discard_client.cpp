// SPDX-License-Identifier: Apache-2.0
// Fetches pages and throws them away: what the kernel takes for the scrape loop's bytes, and
// nothing else. discard_client FIRST_PORT COUNT SECONDS: one kept-alive connection to each port,
// one request a second on each, spread over the second. Prints "SCRAPES CPU_SECONDS".
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace {

int connect_to(std::uint16_t port) {
    const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
          "the server is there");
    return connection;
}

void fetch(int connection, std::vector<char>& buffer) {
    constexpr std::string_view kRequest =
        "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/plain;version=0.0.4\r\n\r\n";
    CHECK(::send(connection, kRequest.data(), kRequest.size(), 0) > 0, "the server reads");
    std::size_t received = 0;
    std::size_t wanted = 1;
    while (received < wanted) {
        const auto count = ::recv(connection, buffer.data(), buffer.size(), 0);
        CHECK(count > 0, "the server answers");
        if (received == 0) {
            const std::string_view head(buffer.data(), static_cast<std::size_t>(count));
            const auto at = head.find("Content-Length: ");
            const auto end = head.find("\r\n\r\n");
            CHECK(at != head.npos && end != head.npos, "the answer has a length");
            wanted = end + 4 + static_cast<std::size_t>(std::atoll(buffer.data() + at + 16));
        }
        received += static_cast<std::size_t>(count);
    }
}

}  // namespace

int main(int argc, char** argv) {
    CHECK(argc == 4, "discard_client FIRST_PORT COUNT SECONDS");
    const int count = std::atoi(argv[2]);
    const int seconds = std::atoi(argv[3]);
    std::vector<int> connections;
    for (int i = 0; i < count; ++i)
        connections.push_back(connect_to(static_cast<std::uint16_t>(std::atoi(argv[1]) + i)));
    std::vector<char> buffer(256 << 10);
    timespec next{};
    ::clock_gettime(CLOCK_MONOTONIC, &next);
    const long pause = 1'000'000'000L / count;
    for (int i = 0; i < count * seconds; ++i) {
        next.tv_nsec += pause;
        next.tv_sec += next.tv_nsec / 1'000'000'000L;
        next.tv_nsec %= 1'000'000'000L;
        ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nullptr);
        fetch(connections[static_cast<std::size_t>(i % count)], buffer);
    }
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto in_seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    fmt::print("{} {:.3f}\n", count * seconds,
               in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime));
}
