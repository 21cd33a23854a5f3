// SPDX-License-Identifier: Apache-2.0
#include "simulate/played_engine.h"

#include <gtest/gtest.h>

namespace inferscope::simulate {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr SteadyTime kStart{std::chrono::hours(100)};

PlayedEngine engine(double requests_per_second, double speed = 1, Faults faults = {}) {
    EngineSettings settings;
    settings.workload.requests_per_second = requests_per_second;
    settings.workload.wave_depth = 0;
    return PlayedEngine(settings, speed, std::move(faults), kStart, 1795307233680);
}

TEST(PlayedEngine, PlaysFasterThanTheClockByItsSpeed) {
    auto fast = engine(1, 10);
    fast.advance(kStart + seconds(3));
    EXPECT_EQ(fast.model().now(), seconds(30));
}

TEST(PlayedEngine, LosesTimeRatherThanCatchingUpAtLength) {
    auto one = engine(1);
    one.advance(kStart + std::chrono::hours(5));
    EXPECT_EQ(one.model().now(), minutes(1));
    one.advance(kStart + std::chrono::hours(5) + seconds(1));
    EXPECT_EQ(one.model().now(), seconds(61));
}

TEST(PlayedEngine, StandsStillWhileItLoadsAndWhileItIsFrozen) {
    auto one = engine(1, 1, {.loading = seconds(10)});
    one.advance(kStart + seconds(4));
    EXPECT_TRUE(one.is_loading(kStart + seconds(4)));
    EXPECT_EQ(one.model().now(), seconds(0));
    one.advance(kStart + seconds(12));
    EXPECT_FALSE(one.is_loading(kStart + seconds(12)));
    EXPECT_EQ(one.model().now(), seconds(2));

    one.set_faults({.frozen = true}, kStart + seconds(13));
    one.advance(kStart + seconds(20));
    one.set_faults({}, kStart + seconds(20));
    one.advance(kStart + seconds(21));
    EXPECT_EQ(one.model().now(), seconds(4));
}

TEST(PlayedEngine, HandsTokensToTheRequestThatTheyBelongTo) {
    auto one = engine(0);
    const auto first = one.submit({.prompt_tokens = 10, .max_tokens = 50, .output_tokens = 20});
    const auto second = one.submit({.prompt_tokens = 10, .max_tokens = 5, .output_tokens = 20});
    ASSERT_TRUE(first && second);
    EXPECT_EQ(one.take(*first)->tokens, 0);
    ASSERT_TRUE(one.until_next_event());
    one.advance(kStart + *one.until_next_event());
    EXPECT_EQ(one.take(*first)->tokens, 1);
    EXPECT_EQ(one.take(*first)->tokens, 0);
    one.advance(kStart + seconds(5));
    const auto rest = one.take(*first);
    EXPECT_EQ(rest->tokens, 19);
    EXPECT_EQ(rest->finished, FinishReason::stop);
    EXPECT_FALSE(one.take(*first));
    const auto other = one.take(*second);
    EXPECT_EQ(other->tokens, 5);
    EXPECT_EQ(other->finished, FinishReason::length);
}

TEST(PlayedEngine, ForgetsAnAbortedRequest) {
    auto one = engine(0);
    const auto ticket = one.submit({.prompt_tokens = 10, .max_tokens = 500, .output_tokens = 500});
    one.advance(kStart + milliseconds(100));
    one.abort(*ticket);
    one.advance(kStart + milliseconds(200));
    EXPECT_FALSE(one.take(*ticket));
    EXPECT_EQ(one.model().running(), 0);
}

TEST(PlayedEngine, StartsAgainFromZeroAndLosesWhatWasInHand) {
    auto one = engine(5);
    one.advance(kStart + seconds(30));
    const auto ticket = one.submit({.prompt_tokens = 10, .max_tokens = 50, .output_tokens = 20});
    EXPECT_GT(one.model().measures().generated_tokens, 0u);
    one.restart(kStart + seconds(30), 1795307299000);
    EXPECT_EQ(one.model().measures().generated_tokens, 0u);
    EXPECT_TRUE(one.page().contains("process_start_time_seconds 1.795307299e+09\n"));
    one.advance(kStart + seconds(40));
    EXPECT_FALSE(one.take(*ticket));
    EXPECT_GT(one.model().measures().generated_tokens, 0u);
}

TEST(PlayedEngine, TellsItsSleep) {
    auto one = engine(5);
    one.advance(kStart + seconds(10));
    one.set_faults({.sleep = true}, kStart + seconds(10));
    one.advance(kStart + seconds(60));
    const auto submitted = one.model().measures().submitted;
    one.advance(kStart + seconds(90));
    EXPECT_EQ(one.model().measures().submitted, submitted);
    EXPECT_EQ(one.model().running(), 0);
    EXPECT_TRUE(one.page().contains(",sleep_state=\"awake\"} 0.0\n"));
    EXPECT_TRUE(one.page().contains(",sleep_state=\"weights_offloaded\"} 1.0\n"));
}

TEST(PlayedEngine, ShowsWorkInHandAndNoProgressWhileItHangs) {
    auto one = engine(5);
    one.advance(kStart + seconds(10));
    one.set_faults({.hang = true}, kStart + seconds(10));
    one.advance(kStart + seconds(20));
    // The process itself goes on: clients connect, so its descriptors grow.
    const auto engine_part = [](const std::string& page) {
        return page.substr(page.find("# HELP vllm:"));
    };
    const auto hung_page = engine_part(one.page());
    EXPECT_GT(one.model().reported().running, 0);
    one.advance(kStart + seconds(50));
    EXPECT_EQ(engine_part(one.page()), hung_page);
}

}  // namespace
}  // namespace inferscope::simulate
