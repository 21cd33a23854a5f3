// SPDX-License-Identifier: Apache-2.0
#include "discovery/http_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>
#include <vector>

namespace inferscope::discovery {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using testing::HasSubstr;

net::HttpResponse answer(std::string_view body, std::string_view type = "application/json") {
    return net::HttpResponse::text(200, std::string(body), type);
}

std::string error_of(const net::HttpResponse& response) {
    const auto groups = read_http_answer(response);
    return groups ? "no error" : groups.error().text;
}

TEST(HttpAnswer, WantsStatus200JsonAndAList) {
    EXPECT_TRUE(read_http_answer(answer("[]")));
    EXPECT_TRUE(read_http_answer(answer("[]", "Application/JSON; charset=\"UTF-8\"")));
    EXPECT_THAT(error_of(answer("[]", "text/html")), HasSubstr("Content-Type is 'text/html'"));
    EXPECT_THAT(error_of(answer("[]", "application/json; charset=latin1")),
                HasSubstr("Content-Type"));
    EXPECT_THAT(error_of(answer("<html>")), HasSubstr("not JSON"));
    EXPECT_THAT(error_of(net::HttpResponse::json(404, "[]")), HasSubstr("answered 404"));
}

TEST(HttpSource, KeepsTheLastGoodAnswerWhenOneFails) {
    HttpSource source(HttpSdConfig{"http://h/", Millis(1'000), {}});
    EXPECT_TRUE(source.take(read_http_answer(answer(R"([{"targets": ["a:1"]}])"))));
    const auto groups = source.answer().groups;
    EXPECT_TRUE(source.take(read_http_answer(answer("nonsense"))));
    EXPECT_EQ(source.answer().groups, groups);
    EXPECT_NE(source.answer().error, "");
    EXPECT_FALSE(source.take(read_http_answer(answer("nonsense"))));
    EXPECT_TRUE(source.take(read_http_answer(answer(R"([{"targets": ["a:1"]}])"))));
    EXPECT_EQ(source.answer().groups, groups) << "an equal answer is no new one";
    EXPECT_EQ(source.answer().error, "");
}

/// Answers one request, and keeps what it was asked.
asio::awaitable<void> serve_once(tcp::acceptor& acceptor, std::string body, std::string& asked) {
    auto [accepted, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    if (accepted) co_return;
    auto [read, size] = co_await asio::async_read_until(
        socket, asio::dynamic_buffer(asked), "\r\n\r\n", asio::as_tuple(asio::use_awaitable));
    if (read) co_return;
    const std::string page =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    auto [written, count] =
        co_await asio::async_write(socket, asio::buffer(page), asio::as_tuple(asio::use_awaitable));
    EXPECT_FALSE(written);
}

TEST(HttpSource, AsksTheServerWithItsCredentials) {
    asio::io_context io;
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    HttpSdConfig config{
        "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/sd?a=b",
        Millis(30'000),
        {}};
    config.http.authorization = Authorization{"Bearer", Secret("token"), ""};
    auto source = std::make_shared<HttpSource>(config);
    std::string asked;
    int changes = 0;
    asio::co_spawn(io, serve_once(acceptor, R"([{"targets": ["a:1", "b:1"]}])", asked),
                   asio::detached);
    asio::co_spawn(io,
                   HttpSource::run(source, io.get_executor(),
                                   [&] {
                                       ++changes;
                                       source->stop();
                                   }),
                   asio::detached);
    io.run();
    EXPECT_EQ(changes, 1);
    ASSERT_TRUE(source->answer().groups) << source->answer().error;
    EXPECT_EQ(source->answer().groups->at(0).targets.size(), 2u);
    EXPECT_THAT(asked, testing::StartsWith("GET /sd?a=b HTTP/1.1\r\n"));
    EXPECT_THAT(asked, HasSubstr("Authorization: Bearer token\r\n"));
    EXPECT_THAT(asked, HasSubstr("X-Prometheus-Refresh-Interval-Seconds: 30\r\n"));
    EXPECT_THAT(asked, HasSubstr("Accept: application/json\r\n"));
}

TEST(HttpSource, SaysWhyTheServerGaveNothing) {
    asio::io_context io;
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    const auto port = acceptor.local_endpoint().port();
    acceptor.close();
    auto source = std::make_shared<HttpSource>(
        HttpSdConfig{"http://127.0.0.1:" + std::to_string(port) + "/", Millis(30'000), {}});
    asio::co_spawn(io, HttpSource::run(source, io.get_executor(), [&] { source->stop(); }),
                   asio::detached);
    io.run();
    EXPECT_FALSE(source->answer().groups);
    EXPECT_NE(source->answer().error, "");
}

}  // namespace
}  // namespace inferscope::discovery
