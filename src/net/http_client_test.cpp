// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "net/gzip.h"
#include "net/loopback_for_tests.h"

namespace inferscope::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;  // this folder's
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

HttpRequest get(std::string target = "/metrics", Headers headers = {}) {
    HttpRequest request;
    request.target = std::move(target);
    request.headers = std::move(headers);
    return request;
}

std::string counted_answer(std::string_view body, std::string_view more_headers = "") {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(more_headers) + "\r\n" + std::string(body);
}

Url url_of(std::string_view text) {
    auto url = Url::parse(text);
    EXPECT_TRUE(url) << text;
    return url ? *url : Url();
}

/// One fetch from a server that behaves as `script` says.
struct Fetch {
    asio::io_context io;
    Result<HttpResponse, FetchError> answer{HttpResponse{}};

    explicit Fetch(const RawServer::Script& script, const ClientSettings& settings = {},
                   Millis limit = 2s, HttpRequest request = get()) {
        RawServer server(io, script);
        HttpClient client(io.get_executor(), server.url(), settings);
        answer = wait_for(io, client.send(std::move(request), limit));
    }
};

RawServer::Script answering(std::string answer) {
    return [answer](Socket socket) { return always_answer(socket, answer); };
}
RawServer::Script answering_and_closing(std::string answer) {
    return [answer](Socket socket) { return answer_and_close(socket, answer); };
}

TEST(HttpClient, ReadsACountedBodyAndItsHeaders) {
    const Fetch fetch(answering(counted_answer("hello", "X-Kind: test\r\n")));
    ASSERT_TRUE(fetch.answer) << fetch.answer.error().text;
    EXPECT_EQ(fetch.answer->status, 200);
    EXPECT_EQ(fetch.answer->body, "hello");
    EXPECT_EQ(fetch.answer->headers.get("x-kind"), "test");
}

TEST(HttpClient, ReadsAChunkedBody) {
    const Fetch fetch(
        answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"));
    ASSERT_TRUE(fetch.answer) << fetch.answer.error().text;
    EXPECT_EQ(fetch.answer->body, "hello world");
}

TEST(HttpClient, ReadsABodyThatEndsWithTheConnection) {
    const Fetch fetch(answering_and_closing("HTTP/1.0 200 OK\r\n\r\nhello"));
    ASSERT_TRUE(fetch.answer) << fetch.answer.error().text;
    EXPECT_EQ(fetch.answer->body, "hello");
}

Task<void> answer_in_two_chunks(Socket socket) {
    const std::string request = co_await read_request(socket);
    co_await write_all(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    co_await pause(socket->get_executor(), 20ms);
    co_await write_all(socket, "3\r\ntwo\r\n0\r\n\r\n");
}

TEST(HttpClient, ShowsThePiecesOfAStreamWhenTheyArrive) {
    asio::io_context io;
    RawServer server(io, answer_in_two_chunks);
    HttpClient client(io.get_executor(), server.url(), {});
    std::vector<std::string> pieces;
    const auto note = [&](std::string_view piece) { pieces.emplace_back(piece); };
    const auto answer = wait_for(io, client.send_streaming(get(), note, 2s));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "onetwo");
    EXPECT_EQ(pieces, (std::vector<std::string>{"one", "two"}));
}

TEST(HttpClient, ReadsALargeBodyWhole) {
    std::string page;
    for (int i = 0; i < 200'000; ++i) page += "vllm:metric " + std::to_string(i) + '\n';
    const Fetch fetch(answering(counted_answer(page)));
    ASSERT_TRUE(fetch.answer) << fetch.answer.error().text;
    EXPECT_TRUE(fetch.answer->body == page);
}

TEST(HttpClient, SkipsInterimAnswers) {
    const Fetch fetch(
        answering("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + counted_answer("final")));
    ASSERT_TRUE(fetch.answer) << fetch.answer.error().text;
    EXPECT_EQ(fetch.answer->body, "final");
}

TEST(HttpClient, AppendsToTheCallersBody) {
    asio::io_context io;
    RawServer server(io, answering(counted_answer("page")));
    HttpClient client(io.get_executor(), server.url(), {});
    std::string body = "kept ";
    const auto answer = wait_for(io, client.send_into(get(), body, 2s));
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->body, "");
    EXPECT_EQ(body, "kept page");
}

TEST(HttpClient, KeepsItsConnection) {
    asio::io_context io;
    RawServer server(io, answering(counted_answer("page")));
    HttpClient client(io.get_executor(), server.url(), {});
    for (int i = 0; i < 5; ++i) {
        const auto answer = wait_for(io, client.send(get(), 2s));
        ASSERT_TRUE(answer) << answer.error().text;
    }
    EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpClient, ReplacesAConnectionThatThePeerClosedMeanwhile) {
    asio::io_context io;
    RawServer server(io, answering_and_closing(counted_answer("page")));
    HttpClient client(io.get_executor(), server.url(), {});
    for (int i = 0; i < 3; ++i) {
        const auto answer = wait_for(io, client.send(get(), 2s));
        ASSERT_TRUE(answer) << answer.error().text;
    }
    EXPECT_EQ(server.accepted(), 3);
}

/// Answers the first request of a connection, and closes on the second after it has read it.
Task<void> answer_once_then_drop(Socket socket, std::string answer) {
    const std::string first = co_await read_request(socket);
    co_await write_all(socket, answer);
    const std::string second = co_await read_request(socket);
}

TEST(HttpClient, RepeatsAGetWhenAReusedConnectionDropsItUnanswered) {
    asio::io_context io;
    RawServer server(
        io, [](Socket socket) { return answer_once_then_drop(socket, counted_answer("page")); });
    HttpClient client(io.get_executor(), server.url(), {});
    for (int i = 0; i < 2; ++i) {
        const auto answer = wait_for(io, client.send(get(), 2s));
        ASSERT_TRUE(answer) << answer.error().text;
    }
    EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpClient, NeverRepeatsAPost) {
    asio::io_context io;
    RawServer server(
        io, [](Socket socket) { return answer_once_then_drop(socket, counted_answer("page")); });
    HttpClient client(io.get_executor(), server.url(), {});
    ASSERT_TRUE(wait_for(io, client.send(get(), 2s)));
    HttpRequest post = get();
    post.method = "POST";
    const auto answer = wait_for(io, client.send(post, 2s));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::unavailable);
    EXPECT_EQ(server.accepted(), 1);
}

/// Sends back the request's head as the body.
Task<void> echo_head(Socket socket) {
    while (true) {
        const std::string request = co_await read_request(socket);
        if (request.empty()) co_return;
        co_await write_all(socket, counted_answer(request));
    }
}

TEST(HttpClient, FillsInHostUserAgentAndTheUrlsLogin) {
    asio::io_context io;
    RawServer server(io, echo_head);
    Url url = server.url();
    url.user = "Aladdin";
    url.password = "open sesame";
    HttpClient client(io.get_executor(), url, {});
    const auto answer = wait_for(io, client.send(get("/x?y=1"), 2s));
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_THAT(
        answer->body,
        AllOf(HasSubstr("GET /x?y=1 HTTP/1.1\r\n"), HasSubstr("Host: " + url.authority() + "\r\n"),
              HasSubstr("User-Agent: inferscope\r\n"),
              HasSubstr("Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n")));
}

TEST(HttpClient, RefusesRequestsThatWouldSmuggleHeaders) {
    EXPECT_FALSE(Fetch(echo_head, {}, 2s, get("/", {{"X-A", "1\r\nX-B: 2"}})).answer);
    EXPECT_FALSE(Fetch(echo_head, {}, 2s, get("/ HTTP/1.1\r\nX-B: 2")).answer);
    EXPECT_FALSE(Fetch(echo_head, {}, 2s, get("/", {{"X A", "1"}})).answer);
    EXPECT_TRUE(Fetch(echo_head, {}, 2s, get("/", {{"X-A", "1"}})).answer);
}

// Faults

TEST(HttpClient, SaysThatNobodyListens) {
    asio::io_context io;
    Url url;
    {
        RawServer server(io, echo_head);
        url = server.url();
    }
    HttpClient client(io.get_executor(), url, {});
    const auto answer = wait_for(io, client.send(get(), 2s));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::connection_refused);
    EXPECT_EQ(answer.error().phase, Phase::connect);
    EXPECT_THAT(answer.error().text, HasSubstr(url.authority()));
}

TEST(HttpClient, SaysThatANameDoesNotResolve) {
    asio::io_context io;
    HttpClient client(io.get_executor(), url_of("http://no-such-host.invalid:8000/"), {});
    const auto answer = wait_for(io, client.send(get(), 5s));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().phase, Phase::resolve);
    EXPECT_THAT(answer.error().text, HasSubstr("name"));
}

Task<void> hang(Socket socket) {
    const std::string request = co_await read_request(socket);
    co_await pause(socket->get_executor(), 1h);
}

TEST(HttpClient, EndsAtItsDeadlineWhenThePeerHangs) {
    const auto begin = std::chrono::steady_clock::now();
    const Fetch fetch(hang, {}, 60ms);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
    ASSERT_FALSE(fetch.answer);
    EXPECT_EQ(fetch.answer.error().code, Errc::timeout);
    EXPECT_EQ(fetch.answer.error().phase, Phase::headers);
    EXPECT_EQ(fetch.answer.error().text, "no answer within 60ms: connected, no headers");
}

/// The first `at_once` bytes together, the others one by one.
Task<void> drip(Socket socket, std::string answer, std::size_t at_once = 0) {
    const std::string request = co_await read_request(socket);
    const bool begun = co_await write_all(socket, answer.substr(0, at_once));
    if (!begun) co_return;
    for (const char c : answer.substr(at_once)) {
        const bool written = co_await write_all(socket, std::string(1, c));
        if (!written) co_return;
        co_await pause(socket->get_executor(), 5ms);
    }
}

TEST(HttpClient, EndsAtItsDeadlineWhenBytesDripWithinTheHeaders) {
    const Fetch fetch(
        [](Socket socket) { return drip(socket, counted_answer("x", std::string(5000, 'h'))); }, {},
        60ms);
    ASSERT_FALSE(fetch.answer);
    EXPECT_EQ(fetch.answer.error().code, Errc::timeout);
    EXPECT_EQ(fetch.answer.error().phase, Phase::headers);
}

TEST(HttpClient, EndsAtItsDeadlineWhenBytesDripWithinTheBody) {
    const auto answer = counted_answer(std::string(5000, 'b'));
    const Fetch fetch(
        [&](Socket socket) { return drip(socket, answer, answer.find("\r\n\r\n") + 4); }, {},
        350ms);
    ASSERT_FALSE(fetch.answer);
    EXPECT_EQ(fetch.answer.error().code, Errc::timeout);
    EXPECT_EQ(fetch.answer.error().phase, Phase::body);
}

ClientSettings bounded(std::uint64_t bytes) {
    ClientSettings settings;
    settings.max_body_bytes = bytes;
    settings.body_bound_name = "body_size_limit";
    return settings;
}

TEST(HttpClient, RefusesALongBodyAsSoonAsItIsAnnounced) {
    const Fetch fetch(answering("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"),
                      bounded(1u << 20));
    ASSERT_FALSE(fetch.answer);
    EXPECT_EQ(fetch.answer.error().code, Errc::limit_exceeded);
    EXPECT_EQ(fetch.answer.error().phase, Phase::body);
    EXPECT_EQ(fetch.answer.error().text,
              "a body of 1073741824 bytes is more than body_size_limit = 1048576");
}

/// A gigabyte that nobody announced, in `piece`s.
Task<void> flood(Socket socket, std::string head, std::string piece) {
    const std::string request = co_await read_request(socket);
    bool written = co_await write_all(socket, head);
    for (std::size_t sent = 0; written && sent < (1u << 30); sent += piece.size()) {
        written = co_await write_all(socket, piece);
    }
}

TEST(HttpClient, StopsAFloodAtTheBound) {
    asio::io_context io;
    RawServer server(io, [](Socket socket) {
        return flood(socket, "HTTP/1.1 200 OK\r\n\r\n", std::string(65536, 'x'));
    });
    HttpClient client(io.get_executor(), server.url(), bounded(1u << 20));
    std::string body;
    const auto answer = wait_for(io, client.send_into(get(), body, 5s));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::limit_exceeded);
    EXPECT_LE(body.capacity(), 4u << 20);
}

TEST(HttpClient, StopsAChunkedFloodAtTheBound) {
    const Fetch fetch(
        [](Socket socket) {
            return flood(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                         "10000\r\n" + std::string(65536, 'x') + "\r\n");
        },
        bounded(1u << 20));
    ASSERT_FALSE(fetch.answer);
    EXPECT_EQ(fetch.answer.error().code, Errc::limit_exceeded);
}

TEST(HttpClient, StopsEndlessHeadersAtTheBound) {
    const Fetch fetch([](Socket socket) {
        return flood(socket, "HTTP/1.1 200 OK\r\n", "X-More: " + std::string(1000, 'x') + "\r\n");
    });
    ASSERT_FALSE(fetch.answer);
    EXPECT_EQ(fetch.answer.error().code, Errc::limit_exceeded);
    EXPECT_EQ(fetch.answer.error().phase, Phase::headers);
    EXPECT_THAT(fetch.answer.error().text, HasSubstr("max_header_bytes = 65536"));
}

TEST(HttpClient, StopsAnEndlessChunkHeader) {
    const Fetch fetch([](Socket socket) {
        return flood(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
                     std::string(1000, 'x'));
    });
    ASSERT_FALSE(fetch.answer);
    EXPECT_EQ(fetch.answer.error().code, Errc::limit_exceeded);
}

TEST(HttpClient, DecompressesGzip) {
    const auto answer = counted_answer(gzip("a page"), "Content-Encoding: gzip\r\n");
    const Fetch fetch(answering(answer), {}, 2s, get("/", {{"Accept-Encoding", "gzip"}}));
    ASSERT_TRUE(fetch.answer) << fetch.answer.error().text;
    EXPECT_EQ(fetch.answer->body, "a page");
}

TEST(HttpClient, DefusesAGzipBomb) {
    const std::string bomb = gzip(std::string(64u << 20, '\0'));
    ASSERT_LT(bomb.size(), 2u << 20);
    asio::io_context io;
    RawServer server(io, answering(counted_answer(bomb, "Content-Encoding: gzip\r\n")));
    HttpClient client(io.get_executor(), server.url(), bounded(4u << 20));
    std::string body;
    const auto answer = wait_for(io, client.send_into(get(), body, 5s));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::limit_exceeded);
    EXPECT_THAT(answer.error().text, HasSubstr("decompressed"));
    EXPECT_LE(body.capacity(), 16u << 20);
}

TEST(HttpClient, RefusesRubbishThatClaimsToBeGzip) {
    const Fetch fetch(answering(counted_answer("not gzip at all", "Content-Encoding: gzip\r\n")));
    ASSERT_FALSE(fetch.answer);
    EXPECT_EQ(fetch.answer.error().code, Errc::invalid_argument);
}

TEST(HttpClient, RefusesOtherCodingsByName) {
    const Fetch fetch(answering(counted_answer("x", "Content-Encoding: br\r\n")));
    ASSERT_FALSE(fetch.answer);
    EXPECT_THAT(fetch.answer.error().text, HasSubstr("'br'"));
}

TEST(HttpClient, TakesNoHalfOfACountedBody) {
    const Fetch fetch(answering_and_closing("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"));
    ASSERT_FALSE(fetch.answer);
    EXPECT_EQ(fetch.answer.error().code, Errc::unavailable);
    EXPECT_EQ(fetch.answer.error().phase, Phase::body);
    EXPECT_EQ(fetch.answer.error().text,
              "the connection closed midway: 4 of 1000 bytes of the body came");
}

TEST(HttpClient, TakesNoHalfOfAChunkedBody) {
    const Fetch fetch(answering_and_closing(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));
    ASSERT_FALSE(fetch.answer);
    EXPECT_EQ(fetch.answer.error().code, Errc::unavailable);
    EXPECT_EQ(fetch.answer.error().phase, Phase::body);
}

TEST(HttpClient, TakesNoHalfOfAGzipBody) {
    const auto whole = gzip(std::string(5000, 'x'));
    const Fetch fetch(
        answering(counted_answer(whole.substr(0, whole.size() - 4), "Content-Encoding: gzip\r\n")));
    ASSERT_FALSE(fetch.answer);
    EXPECT_EQ(fetch.answer.error().text, "the gzip body ends midway");
}

TEST(HttpClient, LeavesTheCallersBodyAsItWasAfterAFailure) {
    asio::io_context io;
    RawServer server(io,
                     answering_and_closing("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"));
    HttpClient client(io.get_executor(), server.url(), {});
    std::string body = "kept";
    ASSERT_FALSE(wait_for(io, client.send_into(get(), body, 2s)));
    EXPECT_EQ(body, "kept");
}

TEST(HttpClient, SaysThatThePeerClosedWithoutAnAnswer) {
    const Fetch fetch(answering_and_closing(""));
    ASSERT_FALSE(fetch.answer);
    EXPECT_EQ(fetch.answer.error().phase, Phase::headers);
    EXPECT_EQ(fetch.answer.error().text, "the peer closed the connection without an answer");
}

TEST(HttpClient, RefusesWhatIsNotHttp) {
    const Fetch fetch(answering_and_closing("SSH-2.0-OpenSSH_9.2\r\n"));
    ASSERT_FALSE(fetch.answer);
    EXPECT_EQ(fetch.answer.error().code, Errc::invalid_argument);
}

TEST(HttpClient, RefusesAnAnswerWithTwoLengths) {
    EXPECT_FALSE(Fetch(answering_and_closing(
                           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"))
                     .answer);
    EXPECT_FALSE(
        Fetch(answering_and_closing("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: "
                                    "chunked\r\n\r\nx"))
            .answer);
}

TEST(HttpClient, EndsAsCancelledWhenClosed) {
    asio::io_context io;
    RawServer server(io, hang);
    HttpClient client(io.get_executor(), server.url(), {});
    asio::steady_timer timer(io, 20ms);
    timer.async_wait([&](const boost::system::error_code&) { client.close(); });
    const auto answer = wait_for(io, client.send(get(), 5s));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::cancelled);
}

TEST(HttpClient, LeavesTheIoContextIdleAfterwards) {
    asio::io_context io;
    HttpClient client(io.get_executor(), url_of("http://127.0.0.1:1/"), {});
    ASSERT_FALSE(wait_for(io, client.send(get(), 1h)));
    io.restart();
    io.run_for(5s);
    EXPECT_TRUE(io.stopped());
}

// Redirects

std::string redirect_to(std::string_view location, int status = 302) {
    return "HTTP/1.1 " + std::to_string(status) +
           " X\r\nContent-Length: 0\r\nLocation: " + std::string(location) + "\r\n\r\n";
}

TEST(HttpClient, NamesWhereARedirectLeadsWithoutItsSecrets) {
    const Fetch fetch(answering(redirect_to("http://user:pw@elsewhere:9/login?token=abc&a=b")));
    ASSERT_FALSE(fetch.answer);
    EXPECT_EQ(fetch.answer.error().text,
              "redirected (302) to http://elsewhere:9/login?token=***&a=b: not followed "
              "(max_redirects = 0)");
}

ClientSettings following(int redirects) {
    ClientSettings settings;
    settings.max_redirects = redirects;
    return settings;
}

/// "/from" leads to `location`; everything else is an echo.
Task<void> redirect_once(Socket socket, std::string location) {
    const std::string first = co_await read_request(socket);
    if (first.starts_with("GET /from ")) {
        co_await write_all(socket, redirect_to(location));
    } else {
        co_await write_all(socket, counted_answer(first));
    }
    co_await echo_head(socket);
}

const Headers kSecrets = {{"Authorization", "Bearer s3cret"},
                          {"Cookie", "s3cret"},
                          {"X-Api-Key", "s3cret"},
                          {"Accept", "text/plain"}};

TEST(HttpClient, FollowsARedirectWithinTheOriginWithItsCredentials) {
    const Fetch fetch([](Socket socket) { return redirect_once(socket, "/to"); }, following(1), 2s,
                      get("/from", kSecrets));
    ASSERT_TRUE(fetch.answer) << fetch.answer.error().text;
    EXPECT_THAT(fetch.answer->body, AllOf(HasSubstr("GET /to "), HasSubstr("Bearer s3cret")));
}

TEST(HttpClient, LeavesCredentialsBehindOnAnotherOrigin) {
    asio::io_context io;
    RawServer other(io, echo_head);
    const std::string location = "http://a:b@" + other.url().authority() + "/to";
    RawServer server(io, [location](Socket socket) { return redirect_once(socket, location); });
    Url url = server.url();
    url.user = "me";
    url.password = "s3cret";
    HttpClient client(io.get_executor(), url, following(1));
    const auto answer = wait_for(io, client.send(get("/from", kSecrets), 2s));
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_THAT(answer->body, AllOf(HasSubstr("GET /to "), HasSubstr("Accept: text/plain"),
                                    HasSubstr("Host: " + other.url().authority()),
                                    Not(HasSubstr("s3cret")), Not(HasSubstr("Authorization"))));
}

TEST(HttpClient, StopsARedirectLoop) {
    const Fetch fetch(answering(redirect_to("/again")), following(3));
    ASSERT_FALSE(fetch.answer);
    EXPECT_THAT(fetch.answer.error().text, HasSubstr("max_redirects = 3"));
}

TEST(HttpClient, TurnsAPostIntoAGetOnSeeOther) {
    HttpRequest post = get("/from");
    post.method = "POST";
    const Fetch fetch([](Socket socket) { return always_answer(socket, redirect_to("/x", 303)); },
                      following(1), 2s, post);
    ASSERT_FALSE(fetch.answer);
    EXPECT_THAT(fetch.answer.error().text, HasSubstr("303"));
}

// Addresses that are refused

TEST(HttpClient, RefusesLinkLocalAddressesWhenAsked) {
    asio::io_context io;
    ClientSettings settings;
    settings.refuse_link_local = true;
    for (const auto* text :
         {"http://169.254.169.254/", "http://[fe80::1]/", "http://[::ffff:169.254.169.254]/",
          "http://2852039166/", "http://0xa9.254.169.254/"}) {
        HttpClient client(io.get_executor(), url_of(text), settings);
        const auto answer = wait_for(io, client.send(get(), 2s));
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, Errc::permission_denied)
            << text << ": " << answer.error().text;
    }
}

TEST(HttpClient, RefusesLinkLocalAddressesBehindARedirectToo) {
    ClientSettings settings = following(1);
    settings.refuse_link_local = true;
    const Fetch fetch(answering(redirect_to("http://169.254.169.254/latest/meta-data")), settings);
    ASSERT_FALSE(fetch.answer);
    EXPECT_EQ(fetch.answer.error().code, Errc::permission_denied);
}

}  // namespace
}  // namespace inferscope::net
