// SPDX-License-Identifier: Apache-2.0
// Limits, statistics, and what must not change an answer: threads, and how samples lie in the
// store.
#include "promql/engine.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <functional>
#include <random>
#include <thread>

#include "promql/stored_for_test.h"

namespace inferscope::promql {
namespace {

using testing::HasSubstr;

constexpr Millis kStep{60'000};

/// Counters of 3,000 series, with resets.
StoredForTest many_counters() {
    StoredForTest stored;
    std::mt19937_64 random(1);
    for (int series = 0; series < 3000; ++series) {
        const auto labels = Labels::from({{kMetricName, "c_total"},
                                          {"i", fmt::format("{}", series)},
                                          {"g", series % 2 == 0 ? "a" : "b"}});
        double value = 0;
        for (Timestamp time = 0; time <= 600'000; time += 60'000) {
            value = random() % 10 == 0 ? 0 : value + static_cast<double>(random() % 1000) / 7;
            stored.add(labels, time, value);
        }
    }
    return stored;
}

/// All on threads of their own.
void on_threads(std::size_t count, const std::function<void(std::size_t)>& work) {
    std::atomic<std::size_t> next = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (auto at = next++; at < count; at = next++) work(at);
        });
    }
    for (auto& thread : threads) thread.join();
}

std::vector<std::string> bits_of(const QueryAnswer& answer) {
    std::vector<std::string> all;
    for (const auto& series : answer.series) {
        auto text = series.labels.to_text();
        for (const auto& [time, value] : series.samples)
            text += fmt::format(" {}:{:x}", time, std::bit_cast<std::uint64_t>(value));
        all.push_back(std::move(text));
    }
    return all;
}

constexpr QueryTimes kTenMinutes{0, 600'000, kStep};

TEST(Engine, AnswersTheSameOnOneThreadAndOnEight) {
    const auto stored = many_counters();
    const Engine alone(stored, {});
    EngineOptions options;
    options.parallel = on_threads;
    const Engine together(stored, options);
    for (const auto* const query :
         {"sum by (g) (rate(c_total[5m]))", "avg(c_total)", "stddev by (g) (c_total)",
          "quantile(0.9, c_total)", "topk(3, increase(c_total[3m]))", "-c_total * 2 > 5"}) {
        const auto one = alone.range(query, kTenMinutes);
        const auto eight = together.range(query, kTenMinutes);
        ASSERT_TRUE(one && eight) << query;
        EXPECT_EQ(bits_of(*one), bits_of(*eight)) << query;
    }
}

TEST(Engine, AnswersTheSameHoweverSamplesLieInTheStore) {
    auto stored = many_counters();
    const Engine engine(stored, {});
    const auto ask = [&](StoredForTest::Shape shape) {
        stored.set_shape(shape);
        return bits_of(*engine.range("sum by (g) (rate(c_total[5m]))", kTenMinutes));
    };
    const auto alone = ask(StoredForTest::Shape::alone);
    EXPECT_EQ(alone, ask(StoredForTest::Shape::grouped));
    EXPECT_EQ(alone, ask(StoredForTest::Shape::pieces));
}

TEST(Engine, ReadsOnceWhatSeveralSelectorsWant) {
    StoredForTest stored;
    stored.add(Labels::from({{kMetricName, "a"}}), 0, 1);
    const Engine engine(stored, {});
    ASSERT_TRUE(engine.range("a + rate(a[5m]) / a offset 1m", kTenMinutes));
    EXPECT_EQ(stored.reads(), 1U);
    ASSERT_TRUE(engine.range("a + a offset 1w", kTenMinutes));
    EXPECT_EQ(stored.reads(), 3U);
}

TEST(Engine, RefusesMoreSamplesThanItsBound) {
    const auto stored = many_counters();
    EngineOptions options;
    options.max_samples = 10'000;
    const Engine engine(stored, options);
    EXPECT_TRUE(engine.instant("c_total", 0));
    for (const auto* const query : {"c_total", "max_over_time(vector(1)[100y:1ms])"}) {
        const auto refused = engine.range(query, kTenMinutes);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, QueryError::Kind::execution);
        EXPECT_EQ(refused.error().text,
                  "query processing would load too many samples into memory in query execution");
    }
}

TEST(Engine, StopsWhenItIsCancelledOrOutOfTime) {
    const auto stored = many_counters();
    const std::atomic<bool> cancelled = true;
    const Engine engine(stored, {});
    const auto unwanted = engine.instant("c_total", 0, {.cancelled = &cancelled});
    ASSERT_FALSE(unwanted);
    EXPECT_EQ(unwanted.error().kind, QueryError::Kind::canceled);
    EXPECT_EQ(unwanted.error().text, "query was canceled in expression evaluation");
    const auto late = engine.range("sum(rate(c_total[5m]))", kTenMinutes, {.timeout = Millis(1)});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, QueryError::Kind::timeout);
    EXPECT_EQ(late.error().text, "query timed out in expression evaluation");
}

/// A store whose readers wait until they are let go.
class WaitingStore final : public SamplesOnly {
public:
    Result<Selection> read(std::span<const Matcher>, Timestamp, Timestamp,
                           std::size_t) const override {
        is_read_ = true;
        is_read_.notify_all();
        let_go_.wait(false);
        return Selection{};
    }

    void wait_for_reader() const { is_read_.wait(false); }
    void let_go() {
        let_go_ = true;
        let_go_.notify_all();
    }

private:
    mutable std::atomic<bool> is_read_ = false;
    std::atomic<bool> let_go_ = false;
};

TEST(Engine, TakesTheLongestTimeoutThatCanBeWritten) {
    StoredForTest stored;
    EngineOptions options;
    options.timeout = Millis(9'223'372'036'854);  // 292y and more: in nanoseconds almost 2^63
    EXPECT_TRUE(Engine(stored, options).instant("1 + 1", 0));
}

TEST(Engine, LetsQueriesWaitForTheirTurn) {
    WaitingStore stored;
    EngineOptions options;
    options.max_concurrency = 1;
    const Engine engine(stored, options);
    std::thread first([&] { EXPECT_TRUE(engine.instant("a", 0)); });
    stored.wait_for_reader();
    const auto second = engine.instant("b", 0, {.timeout = Millis(1)});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, QueryError::Kind::timeout);
    EXPECT_EQ(second.error().text, "query timed out in query queue");
    stored.let_go();
    first.join();
    EXPECT_TRUE(engine.instant("b", 0));
}

TEST(Engine, CountsSamplesByStep) {
    StoredForTest stored;
    for (Timestamp time = 0; time <= 600'000; time += 60'000)
        stored.add(Labels::from({{kMetricName, "a_total"}}), time, 1);
    const Engine engine(stored, {});
    const auto answer =
        engine.range("rate(a_total[2m])", {0, 180'000, kStep}, {.wants_step_stats = true});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->stats.samples_queried, 7U);
    ASSERT_EQ(answer->stats.samples_by_step.size(), 4U);
    EXPECT_EQ(answer->stats.samples_by_step[0].value, 1);
    EXPECT_EQ(answer->stats.samples_by_step[3].value, 2);
    EXPECT_EQ(answer->stats.samples_by_step[3].time, 180'000);
    EXPECT_GE(answer->stats.peak_samples, 4U);
}

TEST(Engine, LooksBackAsFarAsTheQueryAsks) {
    StoredForTest stored;
    stored.add(Labels::from({{kMetricName, "a"}}), 0, 1);
    const Engine engine(stored, {});
    EXPECT_TRUE(engine.instant("a", 400'000)->series.empty());
    EXPECT_EQ(engine.instant("a", 400'000, {.lookback = Millis(500'000)})->series.size(), 1U);
}

EngineOptions with_experimental_functions() {
    EngineOptions options;
    options.language.enable(Feature::experimental_functions);
    return options;
}

TEST(Engine, KnowsRangesAndStepsOfAnyLength) {
    const StoredForTest stored;
    const Engine engine(stored, with_experimental_functions());
    const QueryTimes times{0, 100'000'000'000'000, Millis(50'000'000'000'000)};  // 3,170 years
    const auto answer = engine.range("range() + step()", times);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->series.at(0).samples.at(0).value, 150'000'000'000);
    EXPECT_FALSE(engine.range("a[range()]", times));  // more than a duration can be
}

TEST(Engine, SortsManyLabelsWhoseNumbersAreEqual) {
    StoredForTest stored;
    for (std::size_t zeros = 0; zeros < 100; ++zeros) {
        const auto number = std::string(zeros, '0') + "1";
        stored.add(Labels::from({{kMetricName, "a"}, {"l", number}}), 0, 1);
    }
    const Engine engine(stored, with_experimental_functions());
    const auto answer = engine.instant("sort_by_label(a, \"l\")", 0);
    const auto reverse = engine.instant("sort_by_label_desc(a, \"l\")", 0);
    ASSERT_TRUE(answer && reverse);
    ASSERT_EQ(answer->series.size(), 100U);
    ASSERT_EQ(reverse->series.size(), 100U);
    for (std::size_t i = 0; i < 100; ++i)
        EXPECT_EQ(answer->series[i].labels, reverse->series[99 - i].labels);
}

TEST(Engine, SaysWhatIsWrongWithATextThatIsNoQuery) {
    const StoredForTest stored;
    const Engine engine(stored, {});
    const auto answer = engine.instant("sum(", 0);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, QueryError::Kind::bad_data);
    EXPECT_THAT(answer.error().text, HasSubstr("parse error"));
}

}  // namespace
}  // namespace inferscope::promql
