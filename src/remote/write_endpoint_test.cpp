// SPDX-License-Identifier: Apache-2.0
#include "remote/write_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <utility>

#include "doubles/piece_recorder.h"
#include "doubles/remote_write_message.h"

namespace inferscope::remote {
namespace {

using testing::HasSubstr;

constexpr Timestamp kTime = 1'760'000'000'000;

net::HttpRequest request(std::string body) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/api/v1/write";
    request.headers = {{"Content-Type", "application/x-protobuf"},
                       {"Content-Encoding", "snappy"},
                       {"X-Prometheus-Remote-Write-Version", "0.1.0"}};
    request.body = std::move(body);
    return request;
}

std::string one_sample(Timestamp time, double value = 1) {
    return doubles::compressed(
        doubles::series(Labels::from({{kMetricName, "m"}}), {{time, value}}));
}

/// The endpoint with a pool that works only when it is told to.
class WriteEndpointTest : public testing::Test {
protected:
    /// Starts a request; its answer is there when the pool has worked.
    void start(net::HttpRequest sent, net::ServerResponse& answer) {
        boost::asio::co_spawn(io, endpoint.handle(std::move(sent)),
                              [&answer](std::exception_ptr error, net::ServerResponse response) {
                                  EXPECT_FALSE(error);
                                  answer = std::move(response);
                              });
        run(io);
    }
    void work() {
        run(pool);
        run(io);
    }
    net::ServerResponse send(net::HttpRequest sent) {
        net::ServerResponse answer;
        start(std::move(sent), answer);
        work();
        return answer;
    }
    static void run(boost::asio::io_context& context) {
        context.restart();
        context.poll();
    }

    doubles::PieceRecorder store;
    WriteConfig config{
        .max_body_bytes = 10'000, .max_requests_in_flight = 2, .max_bytes_in_flight = 2'000};
    Intake intake{store, config};
    boost::asio::io_context io;
    boost::asio::io_context pool;
    WriteEndpoint endpoint{pool.get_executor(), intake, config};
};

TEST_F(WriteEndpointTest, Answers204WhenAllIsKeptOrKnown) {
    EXPECT_EQ(send(request(one_sample(kTime))).status, 204);
    EXPECT_EQ(send(request(one_sample(kTime))).status, 204);
    EXPECT_EQ(store.samples.size(), 1u);
    EXPECT_EQ(endpoint.counters().requests_in_flight, 0u);
    EXPECT_EQ(endpoint.counters().bytes_in_flight, 0u);
}

TEST_F(WriteEndpointTest, Answers400WithPrometheussWordsWhenSomeWereRefused) {
    send(request(one_sample(kTime)));
    const auto answer = send(request(one_sample(kTime, 2)));
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr("duplicate sample for timestamp"));
    EXPECT_FALSE(answer.headers.has("Retry-After"));
}

TEST_F(WriteEndpointTest, Answers400ToRubbish) {
    EXPECT_EQ(send(request("rubbish")).status, 400);
    EXPECT_EQ(send(request("")).status, 400);
    EXPECT_EQ(send(request(doubles::compressed("\x0a"))).status, 400);
    EXPECT_EQ(endpoint.counters().refused_body, 1u);
}

TEST_F(WriteEndpointTest, Answers413BeyondTheBoundOnBodies) {
    const auto answer = send(request(doubles::compressed(std::string(10'001, 'x'))));
    EXPECT_EQ(answer.status, 413);
    EXPECT_THAT(answer.body, HasSubstr("remote_write_receiver.max_body_bytes = 10000"));
}

TEST_F(WriteEndpointTest, Answers415ToOtherTypesVersionsAndEncodings) {
    const auto status_of = [&](std::string_view header, std::string_view value) {
        auto sent = request(one_sample(kTime));
        sent.headers.set(header, value);
        return send(std::move(sent)).status;
    };
    EXPECT_EQ(status_of("Content-Type", "application/json"), 415);
    EXPECT_EQ(
        status_of("Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request"),
        415);
    EXPECT_EQ(status_of("Content-Encoding", "gzip"), 415);
    EXPECT_EQ(status_of("Content-Type", "application/x-protobuf; proto=prometheus.WriteRequest"),
              204);
    EXPECT_EQ(endpoint.counters().refused_type, 3u);
}

TEST_F(WriteEndpointTest, SupposesTypeAndEncodingWhereTheyAreMissing) {
    auto sent = request(one_sample(kTime));
    sent.headers = {};
    EXPECT_EQ(send(std::move(sent)).status, 204);
}

TEST_F(WriteEndpointTest, Answers429WhenTooManyRequestsAreInFlight) {
    net::ServerResponse first, second, third;
    start(request(one_sample(kTime)), first);
    start(request(one_sample(kTime + 1)), second);
    EXPECT_EQ(endpoint.counters().requests_in_flight, 2u);
    start(request(one_sample(kTime + 2)), third);
    EXPECT_EQ(third.status, 429);
    EXPECT_EQ(third.headers.get("Retry-After"), "1");
    EXPECT_THAT(third.body, HasSubstr("remote_write_receiver.max_requests_in_flight"));
    work();
    EXPECT_EQ(first.status, 204);
    EXPECT_EQ(second.status, 204);
    EXPECT_EQ(send(request(one_sample(kTime + 2))).status, 204);
}

TEST_F(WriteEndpointTest, Answers429WhenTooManyBytesAreInFlightButNeverToOneAlone) {
    std::string large;
    for (int i = 0; i < 100; ++i)
        large += doubles::series(Labels::from({{kMetricName, "m"}}), {{kTime + i, 1}});
    ASSERT_GT(large.size(), config.max_bytes_in_flight);
    net::ServerResponse first, second;
    start(request(doubles::compressed(large)), first);
    start(request(one_sample(kTime)), second);
    EXPECT_EQ(second.status, 429);
    EXPECT_THAT(second.body, HasSubstr("remote_write_receiver.max_bytes_in_flight"));
    work();
    EXPECT_EQ(first.status, 204);
}

TEST_F(WriteEndpointTest, Answers503WhenTheStoreCantKeepIt) {
    store.refuse_cells = Error{Errc::no_space, "no space left on device"};
    auto answer = send(request(one_sample(kTime)));
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.headers.get("Retry-After"), "5");
    EXPECT_THAT(answer.body, HasSubstr("no space left"));
    store.refuse_cells.reset();
    store.refuse_batch = Error{Errc::io_error, "the log is read-only"};
    EXPECT_EQ(send(request(one_sample(kTime + 1))).status, 503);
}

}  // namespace
}  // namespace inferscope::remote
