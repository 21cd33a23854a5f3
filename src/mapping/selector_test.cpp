// SPDX-License-Identifier: Apache-2.0
#include "mapping/selector.h"

#include <gtest/gtest.h>

namespace inferscope::mapping {
namespace {

bool matches(std::string_view text, const Labels& labels) {
    const auto selector = Selector::parse(text);
    EXPECT_TRUE(selector) << text;
    return selector && selector->matches(labels);
}

TEST(Selector, ReadsNameAndMatchers) {
    const auto selector = Selector::parse(R"(vllm:x{a="1", b!=""})");
    ASSERT_TRUE(selector);
    EXPECT_EQ(selector->family, "vllm:x");
    ASSERT_EQ(selector->matchers.size(), 2u);
    EXPECT_EQ(selector->matchers[0].value, "1");
    EXPECT_FALSE(selector->matchers[1].equal);
}

TEST(Selector, TreatsAnAbsentLabelAsEmpty) {
    const auto total = Labels::from({{"tp_rank", "0"}});
    const auto part = Labels::from({{"tp_rank", "0"}, {"priority", "5"}});
    EXPECT_TRUE(matches(R"({priority=""})", total));
    EXPECT_FALSE(matches(R"({priority=""})", part));
    EXPECT_TRUE(matches(R"({priority!=""})", part));
    EXPECT_FALSE(matches(R"(x{priority!="5"})", part));
    EXPECT_TRUE(matches("x", part));
}

TEST(Selector, RefusesWhatItDoesNotKnow) {
    for (const auto* text : {"", "{}", "x{", "x{a}", "x{a=~\"b\"}", "x{a=\"b}", "x{a=\"b\"} y",
                             "1x", "x{a=\"b\" c=\"d\"}", "x y"}) {
        EXPECT_FALSE(Selector::parse(text)) << text;
    }
}

}  // namespace
}  // namespace inferscope::mapping
