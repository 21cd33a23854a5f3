// SPDX-License-Identifier: Apache-2.0
#include "app/queries.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace inferscope::app {
namespace {

TEST(Queries, TakePrometheusFlags) {
    QueryFlags flags;
    flags.timeout = "1m30s";
    flags.compat = "2";
    flags.features = "promql-experimental-functions,unknown";
    const auto options = engine_options(flags, Millis(15'000));
    ASSERT_TRUE(options);
    EXPECT_EQ(options->timeout, Millis(90'000));
    EXPECT_EQ(options->lookback, Millis(300'000));
    EXPECT_EQ(options->default_step, Millis(15'000));
    EXPECT_TRUE(options->language.is_prometheus2());
}

TEST(Queries, RefuseWhatIsNoBound) {
    EXPECT_EQ(engine_options({.timeout = "soon"}, Millis(1)).error().text,
              "--query.timeout: 'soon' is no duration like 2m");
    EXPECT_FALSE(engine_options({.lookback_delta = "0"}, Millis(1)));
    EXPECT_FALSE(engine_options({.compat = "1"}, Millis(1)));
    EXPECT_FALSE(engine_options({.max_concurrency = 0}, Millis(1)));
}

TEST(ParallelFor, CallsEachOnceAlsoWithinItself) {
    boost::asio::thread_pool pool(2);
    std::vector<std::atomic<int>> calls(64);
    parallel_for(pool.get_executor(), 3, 8, [&](std::size_t outer) {
        parallel_for(pool.get_executor(), 3, 8,
                     [&](std::size_t inner) { ++calls[outer * 8 + inner]; });
    });
    for (const auto& count : calls) EXPECT_EQ(count, 1);
    parallel_for(pool.get_executor(), 3, 0, [](std::size_t) { FAIL(); });
    pool.join();
}

}  // namespace
}  // namespace inferscope::app
