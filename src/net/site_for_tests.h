// SPDX-License-Identifier: Apache-2.0
// A server and its clients in one io_context, for the tests of this folder.
#pragma once

#include <crypt.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loopback_for_tests.h"

namespace inferscope::net::testing {

/// Answers by path; what a test looks at comes back in the body.
inline Task<ServerResponse> answer(HttpRequest request) {
    const auto path = request.path();
    if (path == "/throws") throw std::runtime_error("a bug");
    if (path == "/large") co_return HttpResponse::text(200, std::string(300'000, 'x'));
    if (path == "/medium") co_return HttpResponse::text(200, std::string(10'000, 'x'));
    if (path == "/small") co_return HttpResponse::text(200, std::string(100, 'x'));
    if (path == "/nothing") co_return HttpResponse{204, {}, {}};
    if (path == "/splits") co_return HttpResponse{200, {{"X-A", "1\r\nX-B: 2"}}, {}};
    co_return HttpResponse::text(200, request.method + ' ' + request.target + " from " +
                                          request.remote_address + ": " + request.body);
}

struct Site {
    asio::io_context io;
    HttpServer server;

    explicit Site(ServerSettings settings = {}, Handler handler = answer)
        : server(io.get_executor(), std::move(settings), std::move(handler)) {
        const auto listening = server.listen();
        EXPECT_TRUE(listening) << listening.error().text;
        asio::co_spawn(io, server.run(), asio::detached);
    }

    [[nodiscard]] Url url() const {
        Url url;
        url.host = "127.0.0.1";
        url.port = server.port();
        return url;
    }
    /// What a client sees that sends `text` and reads until the server closes.
    std::string raw(std::string text) {
        return wait_for(io, talk(io.get_executor(), server.port(), std::move(text)));
    }
    std::string raw_get(std::string_view target, std::string_view headers = "Host: localhost\r\n",
                        std::string_view method = "GET") {
        return raw(std::string(method) + ' ' + std::string(target) + " HTTP/1.1\r\n" +
                   std::string(headers) + "Connection: close\r\n\r\n");
    }
    Result<HttpResponse, FetchError> send(HttpRequest request, const ClientSettings& settings = {},
                                          std::string_view scheme = "http") {
        Url origin = url();
        origin.scheme = scheme;
        HttpClient client(io.get_executor(), origin, settings);
        return wait_for(io, client.send(std::move(request), std::chrono::seconds(5)));
    }
};

inline HttpRequest request_to(std::string target, std::string method = "GET",
                              std::string body = "") {
    HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    return request;
}

inline std::string status_line(const std::string& answer) {
    return answer.substr(0, answer.find("\r\n"));
}

inline std::string bcrypt(const std::string& password) {
    crypt_data memory{};
    return crypt_r(password.c_str(), "$2b$04$abcdefghijklmnopqrstuu", &memory);
}

}  // namespace inferscope::net::testing
