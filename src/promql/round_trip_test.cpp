// SPDX-License-Identifier: Apache-2.0
// What is printed parses into the same tree.
#include <gtest/gtest.h>

#include "promql/ast_json.h"
#include "promql/parsing_for_test.h"
#include "promql/random_query_for_test.h"

namespace inferscope::promql {
namespace {

TEST(RoundTrip, GivesRandomTreesBack) {
    for (unsigned seed = 0; seed < 5'000; ++seed) {
        const auto tree = RandomQuery(seed).expression(4);
        const auto text = to_text(*tree);
        const auto again = parse_query(text, with_all_features());
        ASSERT_TRUE(again) << seed << ": " << text << ": " << again.error().message();
        ASSERT_EQ(to_json(**again), to_json(*tree)) << seed << ": " << text;
        ASSERT_EQ(to_text(**again), text) << seed;
    }
}

TEST(RoundTrip, GivesBackWhatIsPrintedPrettily) {
    for (unsigned seed = 0; seed < 1'000; ++seed) {
        const auto tree = RandomQuery(seed).expression(6);
        const auto text = to_pretty_text(*tree);
        const auto again = parse_query(text, with_all_features());
        ASSERT_TRUE(again) << seed << ": " << text << ": " << again.error().message();
        ASSERT_EQ(to_json(**again), to_json(*tree)) << seed << ": " << text;
    }
}

TEST(RoundTrip, KeepsEveryDurationOfMilliseconds) {
    for (int millis = 1; millis < 2'000; ++millis) {
        const auto text = "up[" + std::to_string(millis) + "ms]";
        const auto expr = parse_query(text);
        ASSERT_TRUE(expr) << text;
        EXPECT_EQ((*expr)->as<RangeSelector>()->range.value, Millis(millis));
    }
}

}  // namespace
}  // namespace inferscope::promql
