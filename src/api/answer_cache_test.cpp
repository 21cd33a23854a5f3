// SPDX-License-Identifier: Apache-2.0
#include "api/answer_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "net/gate.h"

namespace inferscope::api {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
namespace asio = boost::asio;

/// Queries whose evaluation takes until it is let go.
class AnswerCacheTest : public ::testing::Test {
protected:
    void ask(const QueryKey& key, Millis patience = 1min) {
        asio::co_spawn(io_,
                       cache_.answer(key, std::chrono::steady_clock::now() + patience,
                                     [this] { return evaluate(); }),
                       [this](const std::exception_ptr&, const auto& response) {
                           answers_.push_back(response ? response->body : "none");
                       });
        io_.restart();
        io_.poll();
    }
    void let_go() {
        running_->open();
        io_.restart();
        io_.poll();
    }
    void ask_and_evaluate(const QueryKey& key) {
        ask(key);
        let_go();
    }

    ChangeLog changes_;
    AnswerCache cache_{changes_, 10'000};
    asio::io_context io_;
    std::vector<std::string> answers_;
    Answered next_{.response = net::HttpResponse::json(200, "1"),
                   .whom = Answered::For::also_later,
                   .read_until = 1000};
    int evaluations_ = 0;
    std::optional<net::Gate> running_;

private:
    net::Task<Answered> evaluate() {
        ++evaluations_;
        auto answered = next_;
        running_.emplace();
        (void)co_await running_->wait(std::chrono::steady_clock::now() + 1min);
        co_return answered;
    }
};

const QueryKey kUp{.text = "up", .times = {.start = 0, .end = 1000, .step = Millis(100)}};

TEST_F(AnswerCacheTest, EvaluatesAgainOnceTheAnswerMayBeAnotherOne) {
    ask_and_evaluate(kUp);
    changes_.note(1001);
    ask(kUp);
    EXPECT_EQ(evaluations_, 1);
    changes_.note(1000);
    next_.response.body = "2";
    ask_and_evaluate(kUp);
    EXPECT_EQ(evaluations_, 2);
    EXPECT_THAT(answers_, ElementsAre("1", "1", "2"));
    EXPECT_EQ(cache_.counters().hits, 1u);
    EXPECT_EQ(cache_.counters().misses, 2u);
}

TEST_F(AnswerCacheTest, ChangesMeanwhileCount) {
    ask(kUp);
    changes_.note(500);
    ask(kUp);  // waits for the first, which may not have seen it
    let_go();
    EXPECT_EQ(evaluations_, 2);
    EXPECT_THAT(answers_, ElementsAre("1"));
    let_go();
    EXPECT_THAT(answers_, ElementsAre("1", "1"));
    ask(kUp);
    EXPECT_EQ(evaluations_, 2);
}

TEST_F(AnswerCacheTest, WhoAsksTheSameMeanwhileWaits) {
    for (int i = 0; i < 3; ++i) ask(kUp);
    EXPECT_THAT(answers_, ElementsAre());
    let_go();
    EXPECT_EQ(evaluations_, 1);
    EXPECT_THAT(answers_, ElementsAre("1", "1", "1"));
}

TEST_F(AnswerCacheTest, WaitsNoLongerThanItMay) {
    ask(kUp);
    ask(kUp, 0ms);
    EXPECT_THAT(answers_, ElementsAre("none"));
    let_go();
}

TEST_F(AnswerCacheTest, ATimeoutIsItsAskersOwn) {
    next_.whom = Answered::For::asker;
    ask(kUp);
    ask(kUp);
    let_go();
    EXPECT_EQ(evaluations_, 2);
    let_go();
    EXPECT_EQ(answers_.size(), 2u);
}

TEST_F(AnswerCacheTest, AnErrorIsForWhoWaitsAndIsNotKept) {
    next_.whom = Answered::For::waiting;
    ask(kUp);
    ask(kUp);
    let_go();
    EXPECT_EQ(evaluations_, 1);
    EXPECT_EQ(answers_.size(), 2u);
    ask_and_evaluate(kUp);
    EXPECT_EQ(evaluations_, 2);
}

TEST_F(AnswerCacheTest, ToldApartByAllThatMakesADifference) {
    std::vector<QueryKey> keys(7, kUp);
    keys[1].text = "down";
    keys[2].times.start = 1;
    keys[3].times.step = Millis(50);
    keys[4].lookback = Millis(1);
    keys[5].limit = 1;
    keys[6].is_compressed = true;
    for (const auto& key : keys) ask_and_evaluate(key);
    EXPECT_EQ(evaluations_, 7);
    for (const auto& key : keys) ask(key);
    EXPECT_EQ(evaluations_, 7);
}

TEST_F(AnswerCacheTest, StaysWithinItsBytes) {
    next_.response.body.assign(4'000, 'x');
    QueryKey key = kUp;
    for (int i = 0; i < 5; ++i) {
        key.limit = static_cast<std::size_t>(i);
        ask_and_evaluate(key);
        EXPECT_LE(cache_.bytes(), 10'000u);
    }
    EXPECT_GT(cache_.bytes(), 8'000u);
    next_.response.body = "1";
    for (int i = 0; i < 5; ++i) {
        key.text = std::string(3'000, static_cast<char>('a' + i));
        ask_and_evaluate(key);
        EXPECT_LE(cache_.bytes(), 10'000u);
    }
    EXPECT_GT(cache_.bytes(), 6'000u);
    next_.response.body.assign(20'000, 'x');
    key.text = "large";
    ask_and_evaluate(key);
    EXPECT_LE(cache_.bytes(), 10'000u);
}

}  // namespace
}  // namespace inferscope::api
