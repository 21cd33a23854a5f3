// SPDX-License-Identifier: Apache-2.0
#include "promql/functions.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace inferscope::promql {
namespace {

TEST(Functions, AreThoseOfTheDialect) {
    const auto known = [](Dialect dialect) {
        return std::ranges::count_if(functions(), [&](const Function& function) {
            return find_function(function.name, dialect) == &function;
        });
    };
    EXPECT_EQ(known(Dialect::prometheus3), 90);
    EXPECT_EQ(known(Dialect::prometheus2), 70);
    EXPECT_EQ(find_function("holt_winters", Dialect::prometheus3), nullptr);
    EXPECT_NE(find_function("holt_winters", Dialect::prometheus2), nullptr);
    EXPECT_EQ(find_function("Rate", Dialect::prometheus3), nullptr);
    EXPECT_EQ(find_function("", Dialect::prometheus3), nullptr);
}

TEST(Functions, SayHowManyArgumentsTheyTake) {
    const auto& round = *find_function("round", Dialect::prometheus3);
    EXPECT_EQ(round.fewest(), 1u);
    EXPECT_EQ(round.most(), 2u);
    const auto& join = *find_function("label_join", Dialect::prometheus3);
    EXPECT_EQ(join.fewest(), 3u);
    EXPECT_EQ(join.most(), std::nullopt);
    EXPECT_EQ(join.argument(7), ValueType::string);
    const auto& time = *find_function("time", Dialect::prometheus3);
    EXPECT_EQ(time.fewest(), 0u);
    EXPECT_EQ(time.most(), 0u);
}

}  // namespace
}  // namespace inferscope::promql
