// SPDX-License-Identifier: Apache-2.0
#include "simulate/model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace inferscope::simulate {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// A small machine that is busy but not overloaded.
ModelSettings busy_engine() {
    ModelSettings settings;
    settings.workload.requests_per_second = 4;
    settings.workload.wave_depth = 0;
    settings.workload.aborted_share = 0.05;
    settings.seed = 7;
    return settings;
}

/// Too few blocks for its seats: preempts.
ModelSettings crowded_engine(Batching batching) {
    auto settings = busy_engine();
    settings.batching = batching;
    settings.workload.requests_per_second = 12;
    settings.workload.prompt.maximum = 1500;
    settings.kv_blocks = 400;
    return settings;
}

ModelSettings quiet_engine() {
    ModelSettings settings;
    settings.workload.requests_per_second = 0;
    settings.step_jitter = 0;
    return settings;
}

std::uint64_t gone(const Measures& m) {
    return std::accumulate(m.finished.begin(), m.finished.end(), std::uint64_t{0});
}

TEST(QueueingModel, ConservesRequestsAndBlocksWhileItPreempts) {
    for (const auto batching : {Batching::mixed, Batching::prefill_first}) {
        QueueingModel model(crowded_engine(batching));
        for (Nanos at{0}; at < minutes(3); at += milliseconds(50)) {
            model.advance(at);
            const auto& m = model.measures();
            ASSERT_EQ(m.submitted,
                      gone(m) + static_cast<std::uint64_t>(model.running() + model.waiting()));
            ASSERT_GE(model.free_blocks(), 0);
            ASSERT_EQ(model.held_blocks() + model.free_blocks(), model.settings().kv_blocks);
            ASSERT_LE(model.running(), model.settings().max_num_seqs);
            ASSERT_LE(model.waiting(),
                      model.settings().max_waiting + model.settings().max_num_seqs);
        }
        EXPECT_GT(model.measures().preemptions, 0u);
        EXPECT_GT(model.measures().finished[static_cast<std::size_t>(FinishReason::stop)], 100u);
    }
}

TEST(QueueingModel, MakesExactlyTheTokensThatItsRequestsReceive) {
    auto settings = quiet_engine();
    settings.kv_blocks =
        60;  // 960 tokens: three of the requests fit, so the others preempt and wait
    QueueingModel model(settings);
    std::vector<RequestId> ids;
    for (int i = 0; i < 8; ++i) {
        const auto id = model.submit(
            {.prompt_tokens = 250 + i, .max_tokens = 100, .output_tokens = 90 + 2 * i});
        ASSERT_TRUE(id);
        ids.push_back(*id);
    }
    model.advance(minutes(5));

    std::vector<int> tokens(ids.size());
    std::vector<int> ends(ids.size());
    Nanos last{0};
    for (const auto& progress : model.take_progress()) {
        const auto which =
            static_cast<std::size_t>(std::ranges::find(ids, progress.id) - ids.begin());
        tokens.at(which) += progress.tokens;
        ends.at(which) += progress.finished.has_value();
        EXPECT_GE(progress.at, last);
        last = progress.at;
    }
    EXPECT_EQ(tokens, (std::vector{90, 92, 94, 96, 98, 100, 100, 100}));
    EXPECT_EQ(ends, std::vector<int>(8, 1));
    const auto& m = model.measures();
    EXPECT_GT(m.preemptions, 0u);
    EXPECT_EQ(m.generated_tokens, 770u);
    EXPECT_EQ(m.prompt_tokens_total, 8 * 250u + 28);
    EXPECT_EQ(m.output_tokens.sum(), 770);
    EXPECT_EQ(m.finished[static_cast<std::size_t>(FinishReason::stop)], 6u);
    EXPECT_EQ(m.finished[static_cast<std::size_t>(FinishReason::length)], 2u);
    EXPECT_EQ(model.free_blocks(), settings.kv_blocks);
}

TEST(QueueingModel, ObeysLittlesLaw) {
    auto settings = busy_engine();
    settings.workload.aborted_share = 0;  // an aborted request's time is in no histogram
    QueueingModel model(settings);
    constexpr auto kLength = minutes(60);
    double in_system = 0;
    int samples = 0;
    for (Nanos at{0}; at < kLength; at += milliseconds(100), ++samples) {
        model.advance(at);
        in_system += model.running() + model.waiting();
    }
    const auto& m = model.measures();
    const double count = static_cast<double>(m.e2e[0].count() + m.e2e[1].count());
    const double rate = count / to_seconds(kLength);
    const double stay = (m.e2e[0].sum() + m.e2e[1].sum()) / count;
    EXPECT_NEAR(rate, 4, 0.25);
    EXPECT_NEAR(in_system / samples, rate * stay, 0.02 * rate * stay);
}

TEST(QueueingModel, SplitsAnAnswersTimeIntoItsPhases) {
    QueueingModel model(busy_engine());
    model.advance(minutes(10));
    const auto& m = model.measures();
    const double e2e = m.e2e[0].sum() + m.e2e[1].sum();
    EXPECT_NEAR(m.queue.sum() + m.prefill.sum() + m.decode.sum(), e2e, 1e-6 * e2e);
    EXPECT_NEAR(m.prefill.sum() + m.decode.sum(), m.inference.sum(), 1e-6 * e2e);
    EXPECT_EQ(
        m.iteration_tokens.sum(),
        static_cast<double>(m.prompt_tokens_total - m.prompt_tokens_cached + m.generated_tokens));
    EXPECT_GT(m.finished[static_cast<std::size_t>(FinishReason::abort)], 0u);
    EXPECT_GT(m.prefix_hits, 0u);
    EXPECT_LT(m.prefix_hits, m.prefix_queries);
}

TEST(QueueingModel, IsTheSameForTheSameSeedWhateverTheSteps) {
    QueueingModel one(busy_engine());
    QueueingModel many(busy_engine());
    one.advance(minutes(2));
    for (Nanos at{0}; at <= minutes(2); at += milliseconds(7)) many.advance(at);
    many.advance(minutes(2));
    EXPECT_EQ(one.measures().generated_tokens, many.measures().generated_tokens);
    EXPECT_EQ(one.measures().itl.sum(), many.measures().itl.sum());

    auto other_seed = busy_engine();
    other_seed.seed = 8;
    QueueingModel other(other_seed);
    other.advance(minutes(2));
    EXPECT_NE(one.measures().itl.sum(), other.measures().itl.sum());
}

TEST(QueueingModel, TakesTheTimeOfItsStepsForOneRequest) {
    auto settings = quiet_engine();
    settings.max_batched_tokens = 512;
    QueueingModel model(settings);
    ASSERT_TRUE(model.submit({.prompt_tokens = 1000, .max_tokens = 10, .output_tokens = 3}));
    model.advance(seconds(10));
    const auto& m = model.measures();
    // Two chunks of prefill, 512 and 488 tokens, then two decodes of one sequence.
    const Nanos prefill = 2 * settings.step_base + 1000 * settings.step_for_prefill_token;
    const Nanos decode = settings.step_base + settings.step_for_decode;
    EXPECT_DOUBLE_EQ(m.ttft[1].sum(), to_seconds(prefill));
    EXPECT_DOUBLE_EQ(m.itl.sum(), to_seconds(2 * decode));
    EXPECT_DOUBLE_EQ(m.tpot.sum(), to_seconds(decode));
    EXPECT_EQ(m.prefill_steps, 2u);
    EXPECT_EQ(m.iteration_tokens.count(), 3u);  // the first chunk returned nothing
}

TEST(QueueingModel, DecodesNothingDuringAPrefillWhenPrefillsGoFirst) {
    for (const auto batching : {Batching::mixed, Batching::prefill_first}) {
        auto settings = quiet_engine();
        settings.batching = batching;
        QueueingModel model(settings);
        ASSERT_TRUE(model.submit({.prompt_tokens = 10, .max_tokens = 100, .output_tokens = 100}));
        model.advance(milliseconds(100));
        const auto before = model.measures().generated_tokens;
        ASSERT_TRUE(model.submit({.prompt_tokens = 4000, .max_tokens = 1, .output_tokens = 1}));
        model.advance(milliseconds(200));  // in the middle of two chunks of 80 ms and more
        const auto during = model.measures().generated_tokens - before;
        EXPECT_EQ(during > 1, batching == Batching::mixed) << during;
    }
}

TEST(QueueingModel, HangsWithWorkInHandAndGoesOnWhereItWas) {
    QueueingModel model(busy_engine());
    model.advance(minutes(1));
    model.set_hung(true);
    model.advance(minutes(2));
    ASSERT_TRUE(model.is_hung());
    const auto tokens = model.measures().generated_tokens;
    const auto reported = model.reported();
    EXPECT_GT(reported.running, 0);
    model.advance(minutes(3));
    EXPECT_EQ(model.measures().generated_tokens, tokens);
    EXPECT_EQ(model.reported().at, reported.at);
    EXPECT_GT(model.waiting(), 100);  // they are let in all the same

    model.set_hung(false);
    model.advance(minutes(4));
    EXPECT_GT(model.measures().generated_tokens, tokens);
}

TEST(QueueingModel, RefusesWhatItsWaitingQueueCannotHold) {
    auto settings = busy_engine();
    settings.workload.requests_per_second = 200;
    settings.max_waiting = 50;
    QueueingModel model(settings);
    model.advance(minutes(1));
    EXPECT_GT(model.measures().refused, 1000u);
    EXPECT_EQ(model.waiting(), 50);
    EXPECT_FALSE(model.submit({.prompt_tokens = 1, .max_tokens = 1, .output_tokens = 1}));
}

TEST(QueueingModel, ForgetsARequestWhoseClientLeft) {
    QueueingModel model(quiet_engine());
    const auto id = model.submit({.prompt_tokens = 100, .max_tokens = 500, .output_tokens = 500});
    ASSERT_TRUE(id);
    model.advance(milliseconds(200));
    model.abort(*id);
    model.advance(milliseconds(400));
    EXPECT_EQ(model.running(), 0);
    EXPECT_EQ(model.free_blocks(), model.settings().kv_blocks);
    const auto progress = model.take_progress();
    ASSERT_FALSE(progress.empty());
    EXPECT_EQ(progress.back().finished, FinishReason::abort);
    EXPECT_EQ(model.measures().e2e[1].count(), 0u);
}

TEST(QueueingModel, WritesItsGaugesLateWhenItReportsRarely) {
    auto settings = quiet_engine();
    settings.report_every_decode_steps = 40;
    QueueingModel model(settings);
    ASSERT_TRUE(model.submit({.prompt_tokens = 10, .max_tokens = 60, .output_tokens = 60}));
    model.advance(seconds(5));
    EXPECT_EQ(model.running(), 0);
    EXPECT_EQ(model.reported().running, 1);  // as SGLang after its last report
    model.advance(seconds(40));
    EXPECT_EQ(model.reported().running, 0);
}

TEST(Workload, KeepsItsMeanRateOverWholeWaves) {
    WorkloadSettings settings;
    settings.requests_per_second = 10;
    settings.wave_depth = 0.8;
    settings.wave_period = minutes(1);
    Workload workload(settings, 3);
    int arrivals = 0, high_half = 0;
    for (auto at = workload.next_time(Nanos(0)); *at < minutes(20); at = workload.next_time(*at)) {
        ++arrivals;
        high_half += *at % minutes(1) < seconds(30);
    }
    EXPECT_NEAR(arrivals, 12000, 400);  // 3.6 standard deviations
    // The sine's positive half: 1/2 + depth/pi of all.
    EXPECT_NEAR(static_cast<double>(high_half) / arrivals, 0.5 + 0.8 / M_PI, 0.02);
}

TEST(Workload, BurstsAtTheEndOfEachPeriod) {
    WorkloadSettings settings;
    settings.requests_per_second = 2;
    settings.wave_depth = 0;
    settings.burst_factor = 5;
    settings.burst_length = seconds(10);
    settings.burst_period = seconds(60);
    const Workload workload(settings, 1);
    EXPECT_EQ(workload.rate(seconds(49)), 2);
    EXPECT_EQ(workload.rate(seconds(50)), 10);
    EXPECT_EQ(workload.rate(seconds(60)), 2);
}

TEST(Workload, CutsLengthsToTheirBounds) {
    Random random(1);
    const LengthDistribution distribution{.median = 100, .sigma = 2, .minimum = 50, .maximum = 200};
    int low = 0, high = 0;
    for (int i = 0; i < 1000; ++i) {
        const int length = random.length(distribution);
        ASSERT_GE(length, 50);
        ASSERT_LE(length, 200);
        low += length == 50;
        high += length == 200;
    }
    EXPECT_GT(low, 100);
    EXPECT_GT(high, 100);
}

}  // namespace
}  // namespace inferscope::simulate
