// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

#include "net/site_for_tests.h"

namespace inferscope::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;  // this folder's
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Task<void> count_to_three(ResponseStream& stream) {
    for (int i = 1; i <= 3; ++i) {
        std::string event = "data: " + std::to_string(i) + "\n\n";
        const bool alive = co_await stream.write(std::move(event));
        if (!alive) co_return;
    }
}

Task<void> fail_midway(ResponseStream& stream) {
    co_await stream.write("data: 1\n\n");
    throw std::runtime_error("a bug");
}

Task<ServerResponse> answer_with_events(HttpRequest request) {
    ServerResponse response(HttpResponse{200, {{"Content-Type", "text/event-stream"}}, {}});
    response.stream = request.path() == "/fails" ? fail_midway : count_to_three;
    co_return response;
}

Task<ServerResponse> answer_after_100_ms(HttpRequest) {
    const auto executor = co_await asio::this_coro::executor;
    co_await pause(executor, 100ms);
    co_return HttpResponse::text(200, "late");
}

Task<ServerResponse> never_answer(HttpRequest) {
    const auto executor = co_await asio::this_coro::executor;
    co_await pause(executor, 1h);
    co_return HttpResponse::text(200, "never");
}

Task<ServerResponse> wait_until_peer_is_gone(HttpRequest request, int& noticed) {
    const auto executor = co_await asio::this_coro::executor;
    while (!request.peer_is_gone->load()) co_await pause(executor, 5ms);
    ++noticed;
    co_return HttpResponse::text(200, "to nobody");
}

TEST(HttpServer, TellsAHandlerThatItsClientIsGone) {
    int noticed = 0;
    Site site({}, [&noticed](HttpRequest request) -> Task<ServerResponse> {
        return wait_until_peer_is_gone(std::move(request), noticed);
    });
    HttpClient client(site.io.get_executor(), site.url(), {});
    const auto response = wait_for(site.io, client.send(request_to("/"), 50ms));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Errc::timeout);
    client.close();
    for (int i = 0; noticed == 0 && i < 500; ++i) site.io.run_for(10ms);
    EXPECT_EQ(noticed, 1);
}

TEST(HttpServer, AnswersWithTargetBodyAndPeer) {
    Site site;
    const auto response = site.send(request_to("/a%20b?c=d", "POST", "body"));
    ASSERT_TRUE(response) << response.error().text;
    EXPECT_EQ(response->body, "POST /a%20b?c=d from 127.0.0.1: body");
    EXPECT_EQ(response->headers.get("X-Content-Type-Options"), "nosniff");
    EXPECT_FALSE(response->headers.has("Access-Control-Allow-Origin"));
}

TEST(HttpServer, KeepsConnectionsAlive) {
    Site site;
    HttpClient client(site.io.get_executor(), site.url(), {});
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(wait_for(site.io, client.send(request_to("/"), 2s)));
    EXPECT_EQ(site.server.counters().open_connections, 1u);
    EXPECT_EQ(site.server.counters().requests, 3u);
}

TEST(HttpServer, AnswersRequestsThatCameInOnePiece) {
    Site site;
    const auto answers = site.raw(
        "POST /1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
        "GET /2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answers, AllOf(HasSubstr("POST /1 from 127.0.0.1: abc"),
                               EndsWith("GET /2 from 127.0.0.1: ")));
}

TEST(HttpServer, TakesChunkedBodies) {
    Site site;
    const auto answer = site.raw(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: "
        "chunked\r\n\r\n"
        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    EXPECT_THAT(answer, EndsWith(": abcde"));
}

TEST(HttpServer, AnswersHeadAsGetWithoutTheBody) {
    Site site;
    const auto answer = site.raw_get("/small", "Host: localhost\r\n", "HEAD");
    EXPECT_THAT(answer, AllOf(HasSubstr("Content-Length: 100\r\n"), EndsWith("\r\n\r\n")));
    const auto response = site.send(request_to("/small", "HEAD"));
    ASSERT_TRUE(response) << response.error().text;
    EXPECT_EQ(response->body, "");
}

TEST(HttpServer, SendsNoLengthWithoutContent) {
    Site site;
    const auto answer = site.raw_get("/nothing");
    EXPECT_THAT(answer,
                AllOf(StartsWith("HTTP/1.1 204 No Content"), Not(HasSubstr("Content-Length"))));
}

TEST(HttpServer, InvitesABodyThatWaitsToBeAsked) {
    Site site;
    const auto answer = site.raw(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\n"
        "Content-Length: 2\r\n\r\nhi");
    EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"),
                              EndsWith(": hi")));
}

TEST(HttpServer, LivesOnWhenAHandlerThrows) {
    Site site;
    const auto failed = site.send(request_to("/throws"));
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->status, 500);
    EXPECT_THAT(failed->body, Not(HasSubstr("a bug")));
    EXPECT_TRUE(site.send(request_to("/")));
    EXPECT_EQ(site.server.counters().failed_handlers, 1u);
}

TEST(HttpServer, DropsHeadersThatWouldSplitTheAnswer) {
    Site site;
    EXPECT_THAT(site.raw_get("/splits"), Not(HasSubstr("X-B")));
}

TEST(HttpServer, CompressesWhatIsLargeForThoseWhoAsk) {
    Site site;
    HttpRequest asking = request_to("/medium");
    asking.headers.add("Accept-Encoding", "gzip");
    for (const auto* target : {"/medium", "/large"}) {
        asking.target = target;
        const auto response = site.send(asking);
        ASSERT_TRUE(response) << response.error().text;
        EXPECT_EQ(response->headers.get("Content-Encoding"), "gzip") << target;
        EXPECT_EQ(response->body.find_first_not_of('x'), std::string::npos);
        EXPECT_GE(response->body.size(), 10'000u);
    }
    asking.target = "/small";
    EXPECT_FALSE(site.send(asking)->headers.has("Content-Encoding"));
    EXPECT_FALSE(site.send(request_to("/medium"))->headers.has("Content-Encoding"));
    asking.target = "/medium";
    asking.headers.set("Accept-Encoding", "br, gzip;q=0");
    EXPECT_FALSE(site.send(asking)->headers.has("Content-Encoding"));
}

TEST(HttpServer, StreamsAnAnswerPieceByPiece) {
    Site site({}, answer_with_events);
    EXPECT_THAT(
        site.raw_get("/"),
        AllOf(HasSubstr("Transfer-Encoding: chunked\r\n"),
              EndsWith("9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n9\r\ndata: 3\n\n\r\n0\r\n\r\n")));
    const auto response = site.send(request_to("/"));
    ASSERT_TRUE(response) << response.error().text;
    EXPECT_EQ(response->body, "data: 1\n\ndata: 2\n\ndata: 3\n\n");
}

TEST(HttpServer, EndsAFailedStreamSoThatTheClientNotices) {
    Site site({}, answer_with_events);
    const auto response = site.send(request_to("/fails"));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().phase, Phase::body);
}

TEST(HttpServer, StreamsToOldClientsUntilItCloses) {
    Site site({}, answer_with_events);
    const auto answer = site.raw("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n");
    EXPECT_THAT(answer, AllOf(Not(HasSubstr("chunked")),
                              EndsWith("\r\n\r\ndata: 1\n\ndata: 2\n\ndata: 3\n\n")));
}

// Bounds

TEST(HttpServer, RefusesLongBodiesByTheirLength) {
    ServerSettings settings;
    settings.max_body_bytes = 100;
    Site site(settings);
    const auto announced =
        site.raw("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 101\r\n\r\n");
    EXPECT_EQ(status_line(announced), "HTTP/1.1 413 Content Too Large");
    EXPECT_THAT(announced, EndsWith("a body of 101 bytes is more than max_body_bytes = 100\n"));
    const auto chunked =
        site.raw("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n60\r\n" +
                 std::string(96, 'x') + "\r\n60\r\n" + std::string(96, 'x') + "\r\n0\r\n\r\n");
    EXPECT_EQ(status_line(chunked), "HTTP/1.1 413 Content Too Large");
    EXPECT_EQ(site.server.counters().refused_size, 2u);
}

TEST(HttpServer, LetsTheClientReadThe413WhileItStillSends) {
    ServerSettings settings;
    settings.max_body_bytes = 100;
    Site site(settings);
    const auto answer =
        site.raw("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n" +
                 std::string(200'000, 'x'));
    EXPECT_EQ(status_line(answer), "HTTP/1.1 413 Content Too Large");
}

TEST(HttpServer, RefusesLongHeaders) {
    Site site;
    const auto answer = site.raw(
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + std::string(40'000, 'x') + "\r\n\r\n");
    EXPECT_EQ(status_line(answer), "HTTP/1.1 431 Request Header Fields Too Large");
    EXPECT_THAT(answer, HasSubstr("max_header_bytes = 32768"));
}

TEST(HttpServer, RefusesRubbish) {
    Site site;
    EXPECT_EQ(status_line(site.raw("rubbish\r\n\r\n")), "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(status_line(site.raw("GET / HTTP/1.1\r\n\r\n")), "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(status_line(site.raw("GET / HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n")),
              "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(status_line(site.raw(
                  "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n0\r\n\r\n")),
              "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(status_line(site.raw(
                  "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n")),
              "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(status_line(site.raw("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n")),
              "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(site.server.counters().refused_malformed, 6u);
}

TEST(HttpServer, EndsHeadersThatDontCome) {
    ServerSettings settings;
    settings.header_timeout = 40ms;
    Site site(settings);
    const auto answer = site.raw("GET / HTTP/1.1\r\nHost: loc");
    EXPECT_EQ(status_line(answer), "HTTP/1.1 408 Request Timeout");
    EXPECT_THAT(answer, HasSubstr("header_timeout = 40 ms"));
    EXPECT_EQ(site.server.counters().timeouts, 1u);
}

TEST(HttpServer, EndsBodiesThatDontCome) {
    ServerSettings settings;
    settings.body_timeout = 40ms;
    Site site(settings);
    const auto answer =
        site.raw("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf");
    EXPECT_EQ(status_line(answer), "HTTP/1.1 408 Request Timeout");
    EXPECT_THAT(answer, HasSubstr("body_timeout = 40 ms"));
}

TEST(HttpServer, ClosesIdleConnectionsSilently) {
    ServerSettings settings;
    settings.idle_timeout = 40ms;
    Site site(settings);
    EXPECT_EQ(site.raw(""), "");
}

Task<std::string> connect_and_wait(Executor executor, std::uint16_t port) {
    auto answer = co_await talk(executor, port, "");
    co_return answer;
}

TEST(HttpServer, RefusesConnectionsAboveItsBound) {
    ServerSettings settings;
    settings.max_connections = 1;
    Site site(settings);
    HttpClient first(site.io.get_executor(), site.url(), {});
    ASSERT_TRUE(wait_for(site.io, first.send(request_to("/"), 2s)));
    const auto second =
        wait_for(site.io, connect_and_wait(site.io.get_executor(), site.server.port()));
    EXPECT_THAT(second, AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("max_connections = 1")));
    EXPECT_EQ(site.server.counters().refused_connections, 1u);
    first.close();
    EXPECT_TRUE(site.send(request_to("/")));
}

// Who may come in

std::string status_for(Site& site, std::string_view target, std::string_view headers,
                       std::string_view method = "GET") {
    return site.raw_get(target, headers, method).substr(9, 3);
}

TEST(HttpServer, AnswersToItsOwnNamesOnly) {
    ServerSettings settings;
    settings.allowed_hosts = {"gpu7.example"};
    Site site(settings);
    for (const auto* host : {"localhost", "LOCALHOST:7090", "127.0.0.1:1", "127.9.9.9",
                             "[::1]:7090", "localhost.", "gpu7.example:7090", "GPU7.example"}) {
        EXPECT_EQ(status_for(site, "/", "Host: " + std::string(host) + "\r\n"), "200") << host;
    }
    for (const auto* host :
         {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1",
          "evil.example@localhost", "localhost/@evil.example", "x.gpu7.example", "[::2]", ""}) {
        EXPECT_EQ(status_for(site, "/", "Host: " + std::string(host) + "\r\n"), "403") << host;
    }
    EXPECT_EQ(site.server.counters().refused_host, 9u);
}

TEST(HttpServer, SaysHowAHostIsAllowed) {
    ServerSettings settings;
    settings.allowed_hosts_setting = "--web.allowed-hosts";
    Site site(settings);
    EXPECT_THAT(site.raw_get("/", "Host: evil.example\r\n"),
                HasSubstr("Host 'evil.example' is not a name of this server. To allow it, add it "
                          "to --web.allowed-hosts."));
}

TEST(HttpServer, GoesByTheHostInAnAbsoluteTarget) {
    Site site;
    EXPECT_EQ(status_for(site, "http://evil.example/", "Host: localhost\r\n"), "403");
    EXPECT_EQ(status_for(site, "http://localhost/x", "Host: evil.example\r\n"), "200");
}

TEST(HttpServer, RefusesForeignPagesThatChangeStateOrQuery) {
    Site site;
    const std::string host = "Host: localhost:7090\r\n";
    for (const auto* foreign :
         {"Origin: http://evil.example\r\n", "Origin: null\r\n",
          "Origin: http://localhost:3000\r\n", "Sec-Fetch-Site: cross-site\r\n"}) {
        for (const auto* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
            EXPECT_EQ(status_for(site, "/-/reload", host + foreign, method), "403")
                << foreign << method;
        }
        for (const auto* target :
             {"/api/v1/query?query=up", "/api/v1/query_range", "/api/v1/series", "/api/v1/labels",
              "/api/v1/label/job/values", "/federate", "/api/v1/%71uery"}) {
            EXPECT_EQ(status_for(site, target, host + foreign), "403") << foreign << target;
        }
        EXPECT_EQ(status_for(site, "/metrics", host + foreign), "200") << foreign;
    }
    EXPECT_GT(site.server.counters().refused_origin, 0u);
}

TEST(HttpServer, ServesItsOwnPagesAndTools) {
    ServerSettings settings;
    settings.allowed_hosts = {"grafana.example"};
    Site site(settings);
    const std::string host = "Host: localhost:7090\r\n";
    EXPECT_EQ(status_for(site, "/-/reload", host + "Origin: http://localhost:7090\r\n", "POST"),
              "200");
    EXPECT_EQ(status_for(site, "/api/v1/query",
                         host + "Origin: http://localhost:7090\r\nSec-Fetch-Site: same-origin\r\n"),
              "200");
    EXPECT_EQ(status_for(site, "/api/v1/query", host + "Origin: https://grafana.example\r\n"),
              "200");
    EXPECT_EQ(status_for(site, "/api/v1/query", host), "200");
    EXPECT_EQ(status_for(site, "/-/reload", host, "POST"), "200");
}

TEST(HttpServer, AsksNobodyWhenItIsOpen) {
    ServerSettings settings;
    settings.check_origin = false;
    Site site(settings);
    EXPECT_EQ(status_for(site, "/", "Host: evil.example\r\nOrigin: http://x\r\n", "POST"), "200");
}

ServerSettings with_user() {
    ServerSettings settings;
    settings.web.users = {{"alice", bcrypt("wonderland")}};
    return settings;
}

Result<HttpResponse, FetchError> send_as(Site& site, std::string_view user,
                                         std::string_view password) {
    auto request = request_to("/");
    request.headers.add("Authorization", basic_authorization(user, password));
    return site.send(request);
}

TEST(HttpServer, LetsUsersInByTheirPassword) {
    Site site(with_user());
    for (int again = 0; again < 2; ++again) {  // the second time from what is remembered
        EXPECT_EQ(send_as(site, "alice", "wonderland")->status, 200);
        EXPECT_EQ(send_as(site, "alice", "Wonderland")->status, 401);
        EXPECT_EQ(send_as(site, "bob", "wonderland")->status, 401);
        EXPECT_EQ(send_as(site, "alice", "")->status, 401);
        EXPECT_EQ(send_as(site, "alice", std::string_view("wonderland\0x", 12))->status, 401);
    }
    const auto anonymous = site.send(request_to("/"));
    EXPECT_EQ(anonymous->status, 401);
    EXPECT_THAT(std::string(anonymous->headers.get("WWW-Authenticate")),
                StartsWith("Basic realm="));
    EXPECT_EQ(status_for(site, "/", "Host: localhost\r\nAuthorization: Bearer abc\r\n"), "401");
    EXPECT_EQ(status_for(site, "/", "Host: localhost\r\nAuthorization: Basic %%%\r\n"), "401");
    EXPECT_EQ(site.server.counters().refused_credentials, 11u);
}

TEST(HttpServer, GoesByNewUsersFromTheNextRequestOn) {
    Site site(with_user());
    EXPECT_EQ(send_as(site, "alice", "wonderland")->status, 200);
    WebConfig web;
    web.users = {{"alice", bcrypt("looking-glass")}};
    web.headers = {{"X-Frame-Options", "deny"}};
    ASSERT_TRUE(site.server.set_web(web));
    EXPECT_EQ(send_as(site, "alice", "wonderland")->status, 401);
    const auto welcome = send_as(site, "alice", "looking-glass");
    EXPECT_EQ(welcome->status, 200);
    EXPECT_EQ(welcome->headers.get("X-Frame-Options"), "deny");
    ASSERT_TRUE(site.server.set_web({}));
    EXPECT_EQ(site.send(request_to("/"))->status, 200);
}

// Starting and stopping

TEST(HttpServer, SaysWhichAddressIsTaken) {
    Site site;
    ServerSettings settings;
    settings.listen.port = site.server.port();
    HttpServer second(site.io.get_executor(), settings, answer);
    const auto listening = second.listen();
    ASSERT_FALSE(listening);
    EXPECT_THAT(listening.error().text,
                HasSubstr("127.0.0.1:" + std::to_string(site.server.port())));
}

TEST(HttpServer, ListensOnAllInterfacesForAnEmptyHost) {
    ServerSettings settings;
    settings.listen.host = "";
    Site site(settings);
    EXPECT_TRUE(site.send(request_to("/")));
}

TEST(HttpServer, ClosesIdleConnectionsWhenItStops) {
    Site site;
    HttpClient idle(site.io.get_executor(), site.url(), {});
    ASSERT_TRUE(wait_for(site.io, idle.send(request_to("/"), 2s)));
    site.server.stop();
    site.io.restart();
    site.io.run_for(2s);
    EXPECT_TRUE(site.io.stopped());
    EXPECT_EQ(site.server.counters().open_connections, 0u);
}

TEST(HttpServer, FinishesOpenExchangesWhenItStops) {
    Site site({}, answer_after_100_ms);
    HttpClient client(site.io.get_executor(), site.url(), {});
    asio::steady_timer timer(site.io, 30ms);
    timer.async_wait([&](const boost::system::error_code&) { site.server.stop(); });
    const auto response = wait_for(site.io, client.send(request_to("/"), 2s));
    ASSERT_TRUE(response) << response.error().text;
    EXPECT_EQ(response->body, "late");
    EXPECT_EQ(response->headers.get("Connection"), "close");
}

TEST(HttpServer, CancelsExchangesThatOutliveItsPatience) {
    ServerSettings settings;
    settings.stop_timeout = 30ms;
    Site site(settings, never_answer);
    HttpClient client(site.io.get_executor(), site.url(), {});
    asio::steady_timer timer(site.io, 10ms);
    timer.async_wait([&](const boost::system::error_code&) { site.server.stop(); });
    const auto response = wait_for(site.io, client.send(request_to("/"), 2s));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Errc::unavailable);
    site.io.restart();
    site.io.run_for(2s);
    EXPECT_TRUE(site.io.stopped());
}

TEST(ListenAddress, ReadsWhatPeopleWrite) {
    EXPECT_EQ(ListenAddress::parse("127.0.0.1:7090")->text(), "127.0.0.1:7090");
    EXPECT_EQ(ListenAddress::parse("[::1]:0")->text(), "[::1]:0");
    EXPECT_EQ(ListenAddress::parse(":7090")->host, "");
    EXPECT_TRUE(ListenAddress::parse("localhost:7090")->is_loopback());
    EXPECT_FALSE(ListenAddress::parse(":7090")->is_loopback());
    for (const auto* bad : {"7090", "localhost", "::1:7090", "localhost:70900",
                            "localhost:", "a b:1", "localhost:1x"}) {
        EXPECT_FALSE(ListenAddress::parse(bad)) << bad;
    }
}

}  // namespace
}  // namespace inferscope::net
