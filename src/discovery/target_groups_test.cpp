// SPDX-License-Identifier: Apache-2.0
#include "discovery/target_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace inferscope::discovery {
namespace {

using testing::HasSubstr;

std::string json_error(std::string_view text) {
    const auto groups = parse_target_groups_json(text, "t.json");
    return groups ? "no error" : groups.error().message();
}

TEST(TargetGroups, ReadsJson) {
    const auto groups = parse_target_groups_json(
        R"([{"targets": ["a:1", "b:2"], "labels": {"x": "\ud83d\ude00", "y": ""}}, {"labels": null, "targets": []}])",
        "t.json");
    ASSERT_TRUE(groups) << groups.error().message();
    ASSERT_EQ(groups->size(), 2u);
    EXPECT_EQ((*groups)[0].targets, (std::vector<std::string>{"a:1", "b:2"}));
    EXPECT_EQ((*groups)[0].labels[0].second, "😀");
    EXPECT_EQ((*groups)[0].labels[1].first, "y");
    EXPECT_TRUE((*groups)[1].labels.empty());
    EXPECT_EQ(parse_target_groups_json("null", "t.json")->size(), 0u);
}

TEST(TargetGroups, RefusesOtherShapesOfJsonAndSaysWhere) {
    EXPECT_EQ(json_error("[{\"targets\": [\"a\"]},\n {\"targets\" 7}]"),
              "t.json:2:13: not JSON near '7'");
    EXPECT_THAT(json_error(""), HasSubstr("not JSON"));
    EXPECT_THAT(json_error("[] []"), HasSubstr("not JSON"));
    EXPECT_THAT(json_error("{}"), HasSubstr("a mapping where a list of target groups must stand"));
    EXPECT_THAT(json_error("[[]]"), HasSubstr("a list where a target group must stand"));
    EXPECT_THAT(json_error(R"([{"targets": "a"}])"),
                HasSubstr("a text where a list of targets must stand"));
    EXPECT_THAT(json_error(R"([{"targets": [1]}])"),
                HasSubstr("a number where a text (host:port) must stand"));
    EXPECT_THAT(json_error(R"([{"targets": [["a"]]}])"), HasSubstr("a list where a text"));
    EXPECT_THAT(json_error(R"([{"labels": {"a": 1}}])"),
                HasSubstr("a number where a text (the value) must stand"));
    EXPECT_THAT(json_error(R"([{"labels": {"a-b": "1"}}])"),
                HasSubstr("'a-b' is not a label name"));
    EXPECT_THAT(json_error(R"([{"target": []}])"), HasSubstr("unknown key 'target'"));
}

TEST(TargetGroups, BoundsTheText) {
    EXPECT_THAT(json_error(std::string(kMaxTargetGroupsBytes + 1, ' ')),
                HasSubstr("more than the bound"));
    EXPECT_THAT(json_error(std::string(1'000'000, '[')),
                HasSubstr("a list where a target group must stand"));
}

TEST(TargetGroups, ReadsYaml) {
    const auto groups =
        parse_target_groups_yaml("- targets: [a:1]\n  labels: {x: 1}\n- targets: [b]\n", "t.yml");
    ASSERT_TRUE(groups) << groups.error().message();
    EXPECT_EQ((*groups)[0].labels[0].second, "1");
    EXPECT_EQ((*groups)[1].targets[0], "b");
    EXPECT_TRUE(parse_target_groups_yaml("", "t.yml")->empty());
    EXPECT_EQ(parse_target_groups_yaml("- target: [a]\n", "t.yml").error().message(),
              "t.yml:1:3: target group: unknown key 'target'; did you mean 'targets'?");
    EXPECT_FALSE(parse_target_groups_yaml("a: b\n", "t.yml"));
    EXPECT_FALSE(parse_target_groups_yaml("- labels: {a-b: c}\n", "t.yml"));
}

}  // namespace
}  // namespace inferscope::discovery
