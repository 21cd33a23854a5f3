// SPDX-License-Identifier: Apache-2.0
#include "telemetry/labels.h"

#include <gtest/gtest.h>

namespace inferscope {
namespace {

TEST(Labels, SortsKeepsTheLastAndDropsTheEmpty) {
    const auto labels = Labels::from({{"b", "1"}, {"__name__", "up"}, {"a", ""}, {"b", "2"}});
    EXPECT_EQ(labels.size(), 2u);
    EXPECT_EQ(labels.metric_name(), "up");
    EXPECT_EQ(labels.get("b"), "2");
    EXPECT_FALSE(labels.has("a"));
    EXPECT_EQ(labels.to_text(), R"(up{b="2"})");
}

TEST(Labels, AreEqualWhateverTheOrderAndHoldLongValues) {
    const std::string long_value(100'000, 'x');
    EXPECT_EQ(Labels::from({{"a", "1"}, {"b", long_value}}),
              Labels::from({{"b", long_value}, {"a", "1"}}));
    EXPECT_EQ(Labels::from({{"b", long_value}}).get("b"), long_value);
}

TEST(Labels, CompareLabelByLabelLikePrometheus) {
    EXPECT_LT(Labels::from({{"a", "1"}}), Labels::from({{"a", "1"}, {"b", "1"}}));
    EXPECT_LT(Labels::from({{"a", "1"}, {"b", "1"}}), Labels::from({{"a", "2"}}));
    EXPECT_LT(Labels::from({{"a", "9"}}), Labels::from({{"aa", "1"}}));
}

TEST(Labels, EscapeValuesInText) {
    EXPECT_EQ(Labels::from({{"__name__", "m"}, {"l", "a\\b\"c\nd"}}).to_text(),
              R"(m{l="a\\b\"c\nd"})");
}

TEST(Labels, MergeUnlessANameStandsInBoth) {
    const std::vector<Label> a{{"a", "1"}, {"m", "2"}};
    EXPECT_EQ(Labels::merge(a, Labels::from({{"b", "3"}, {"z", "4"}})),
              Labels::from({{"a", "1"}, {"b", "3"}, {"m", "2"}, {"z", "4"}}));
    EXPECT_EQ(Labels::merge(a, Labels::from({{"0", "3"}})),
              Labels::from({{"0", "3"}, {"a", "1"}, {"m", "2"}}));
    EXPECT_EQ(Labels::merge(a, {}), Labels::from_sorted(a));
    EXPECT_EQ(Labels::merge({}, Labels::from_sorted(a)), Labels::from_sorted(a));
    EXPECT_EQ(Labels::merge(a, Labels::from({{"m", "3"}})), std::nullopt);
}

TEST(Labels, HoldTextsOfAnyLength) {
    const std::string name(200, 'n');
    const std::string value(20'000, 'v');
    const auto labels = Labels::from({{name, value}, {"z", "1"}});
    EXPECT_EQ(labels.get(name), value);
    EXPECT_EQ(labels.get("z"), "1");
    EXPECT_EQ(labels.size(), 2u);
}

TEST(Labels, TakeTheLastOfANameAndDropWhatIsEmpty) {
    EXPECT_EQ(Labels::from({{"b", "1"}, {"a", "1"}, {"b", "2"}}),
              Labels::from({{"a", "1"}, {"b", "2"}}));
    EXPECT_EQ(Labels::from({{"b", "1"}, {"a", ""}, {"b", ""}}), Labels());
}

TEST(LabelsBuilder, SetsReplacesAndRemoves) {
    LabelsBuilder builder(Labels::from({{"a", "1"}, {"b", "2"}}));
    builder.set("a", "9");
    builder.set("c", "3");
    builder.remove("b");
    EXPECT_EQ(builder.build(), Labels::from({{"a", "9"}, {"c", "3"}}));
}

TEST(Names, FollowThePrometheusGrammar) {
    EXPECT_TRUE(is_legacy_metric_name("vllm:x_1"));
    EXPECT_FALSE(is_legacy_metric_name("1x"));
    EXPECT_FALSE(is_legacy_label_name("a:b"));
    EXPECT_FALSE(is_legacy_label_name(""));
}

}  // namespace
}  // namespace inferscope
