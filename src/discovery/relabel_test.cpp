// SPDX-License-Identifier: Apache-2.0
// Expected values marked "2.42" were read from /api/v1/targets of a real Prometheus 2.42 with the
// same rules.
#include "discovery/relabel.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace inferscope::discovery {
namespace {

using Names = std::vector<std::string>;

RelabelRule rule(RelabelFields fields) {
    auto made = RelabelRule::make(std::move(fields));
    EXPECT_TRUE(made) << (made ? "" : made.error().text);
    return std::move(*made);
}

std::string error_of(RelabelFields fields) {
    const auto made = RelabelRule::make(std::move(fields));
    return made ? "" : made.error().text;
}

/// The label set that is left, or "dropped".
std::string after(const std::vector<RelabelRule>& rules, Labels labels) {
    LabelsBuilder builder(labels);
    return discovery::apply(rules, builder) ? builder.build().to_text() : "dropped";
}

const Labels kSet = Labels::from(
    {{"a", "AbC-Äß"}, {"b", "AbC-Äß"}, {"__meta_foo_one", "v1"}, {"__meta_foo_two", "v2"}});

TEST(Relabel, ReplaceSetsTheExpandedTargetToTheExpandedReplacement) {
    const auto made = rule({.source_labels = Names{"a", "b"},
                            .separator = "/",
                            .regex = "(?P<first>[^-]+)-.*/(.*)",
                            .target_label = "t_${first}",
                            .replacement = "$first:${first}:$1x:${1}x:$$:$3:$01:${2:$:$-"});
    LabelsBuilder builder(kSet);
    ASSERT_TRUE(made.apply(builder));
    EXPECT_EQ(builder.get("t_AbC"), "AbC:AbC::AbCx:$:::${2:$:$-");  // 2.42
}

TEST(Relabel, ReplaceDoesNothingWithoutAMatchOfTheWholeText) {
    const std::vector rules{
        rule({.source_labels = Names{"a"}, .regex = "a.*|.*c", .target_label = "x"})};
    EXPECT_EQ(after(rules, Labels::from({{"a", "AbC"}})), "{a=\"AbC\"}");
}

TEST(Relabel, ReplaceAnchorsEveryAlternative) {
    const std::vector rules{rule({.source_labels = Names{"a"},
                                  .regex = "Ab|AbC-.*",
                                  .target_label = "alt",
                                  .replacement = "yes"})};
    EXPECT_EQ(after(rules, Labels::from({{"a", "AbC-x"}})), "{a=\"AbC-x\",alt=\"yes\"}");  // 2.42
    EXPECT_EQ(after(rules, Labels::from({{"a", "AbC"}})), "{a=\"AbC\"}");
}

TEST(Relabel, ReplaceWithAnEmptyResultDeletesTheTargetAsWritten) {
    const std::vector empty{
        rule({.source_labels = Names{"a"}, .target_label = "b", .replacement = ""})};
    EXPECT_EQ(after(empty, Labels::from({{"a", "1"}, {"b", "2"}})), "{a=\"1\"}");  // 2.42
    const std::vector absent{rule({.source_labels = Names{"nothere"}, .target_label = "a"})};
    EXPECT_EQ(after(absent, Labels::from({{"a", "1"}})), "");  // 2.42
}

TEST(Relabel, ReplaceIntoAnInvalidNameChangesNothing) {
    const std::vector rules{
        rule({.source_labels = Names{"a"}, .target_label = "${1}", .replacement = "q"})};
    EXPECT_EQ(after(rules, Labels::from({{"a", "not-a-name"}})), "{a=\"not-a-name\"}");  // 2.42
    EXPECT_EQ(after(rules, Labels::from({{"a", "name"}})), "{a=\"name\",name=\"q\"}");
}

TEST(Relabel, TemporaryLabelsPassFromRuleToRule) {
    const std::vector rules{rule({.source_labels = Names{"a"},
                                  .regex = "(.+)",
                                  .target_label = "__tmp_z",
                                  .replacement = "tmp"}),
                            rule({.source_labels = Names{"__tmp_z"}, .target_label = "from_tmp"})};
    EXPECT_EQ(after(rules, Labels::from({{"a", "1"}})),
              "{__tmp_z=\"tmp\",a=\"1\",from_tmp=\"tmp\"}");
}

TEST(Relabel, KeepAndDropDecideByTheJoinedSource) {
    const auto set = Labels::from({{"a", "k1"}, {"b", "k2"}});
    const RelabelFields fields{
        .source_labels = Names{"a", "b"}, .regex = "k1;k.", .action = RelabelAction::keep};
    EXPECT_EQ(after({rule(fields)}, set), set.to_text());
    auto other = fields;
    other.action = RelabelAction::drop;
    EXPECT_EQ(after({rule(other)}, set), "dropped");
    other.regex = "k1;k";
    EXPECT_EQ(after({rule(other)}, set), set.to_text());
    other.action = RelabelAction::keep;
    EXPECT_EQ(after({rule(other)}, set), "dropped");
}

TEST(Relabel, KeepequalAndDropequalCompareTheTargetWithTheSource) {
    const RelabelFields keep{
        .source_labels = Names{"a"}, .target_label = "b", .action = RelabelAction::keepequal};
    const RelabelFields drop{
        .source_labels = Names{"a"}, .target_label = "b", .action = RelabelAction::dropequal};
    const auto same = Labels::from({{"a", "x"}, {"b", "x"}});
    const auto different = Labels::from({{"a", "x"}, {"b", "y"}});
    EXPECT_EQ(after({rule(keep)}, same), same.to_text());
    EXPECT_EQ(after({rule(keep)}, different), "dropped");
    EXPECT_EQ(after({rule(drop)}, same), "dropped");
    EXPECT_EQ(after({rule(drop)}, different), different.to_text());
}

TEST(Relabel, HashmodIsTheTailOfTheMd5Sum) {
    LabelsBuilder builder(Labels::from({{"__address__", "s1"}, {"a", "AbC-Äß"}}));
    EXPECT_TRUE(rule({.source_labels = Names{"__address__", "a"},
                      .modulus = 1000,
                      .target_label = "h",
                      .action = RelabelAction::hashmod})
                    .apply(builder));
    EXPECT_TRUE(rule({.source_labels = Names{"a"},
                      .modulus = UINT64_MAX,
                      .target_label = "whole",
                      .action = RelabelAction::hashmod})
                    .apply(builder));
    EXPECT_EQ(builder.get("h"), "821");                      // 2.42
    EXPECT_EQ(builder.get("whole"), "4749786573639609976");  // 2.42
}

TEST(Relabel, LabelmapCopiesAndTheLastNameInOrderWins) {
    const std::vector rules{
        rule(
            {.regex = "__meta_foo_(.+)", .replacement = "m_$1", .action = RelabelAction::labelmap}),
        rule({.regex = "__meta_foo_.+", .replacement = "same", .action = RelabelAction::labelmap})};
    EXPECT_EQ(after(rules, Labels::from({{"__meta_foo_two", "v2"}, {"__meta_foo_one", "v1"}})),
              "{__meta_foo_one=\"v1\",__meta_foo_two=\"v2\",m_one=\"v1\",m_two=\"v2\",same="
              "\"v2\"}");  // 2.42
}

TEST(Relabel, LabeldropAndLabelkeepMatchWholeNames) {
    const auto set = Labels::from({{"a", "1"}, {"cc", "2"}, {"ccc", "3"}});
    EXPECT_EQ(after({rule({.regex = "c+", .action = RelabelAction::labeldrop})}, set), "{a=\"1\"}");
    EXPECT_EQ(after({rule({.regex = "cc", .action = RelabelAction::labelkeep})}, set),
              "{cc=\"2\"}");
}

TEST(Relabel, LowercaseAndUppercaseKnowLettersOfAllScripts) {
    LabelsBuilder builder(kSet);
    EXPECT_TRUE(rule({.source_labels = Names{"a"},
                      .target_label = "low",
                      .action = RelabelAction::lowercase})
                    .apply(builder));
    EXPECT_TRUE(
        rule(
            {.source_labels = Names{"a"}, .target_label = "up", .action = RelabelAction::uppercase})
            .apply(builder));
    EXPECT_EQ(builder.get("low"), "abc-äß");  // 2.42
    EXPECT_EQ(builder.get("up"), "ABC-Äß");   // 2.42
}

TEST(Relabel, LaterRulesSeeNothingAfterADrop) {
    LabelsBuilder builder(kSet);
    const std::vector rules{
        rule({.regex = "", .action = RelabelAction::keep}),
        rule({.source_labels = Names{"a"}, .regex = ".*", .action = RelabelAction::drop}),
        rule({.target_label = "later", .replacement = "x"})};
    EXPECT_FALSE(discovery::apply(rules, builder));
    EXPECT_EQ(builder.get("later"), "");
}

TEST(Relabel, RefusesWhatPrometheusRefuses) {
    EXPECT_EQ(error_of({.regex = "a(", .action = RelabelAction::keep}),
              "bad regex 'a(': missing ): ^(?:a()$");
    EXPECT_EQ(error_of({.target_label = "$1-x"}),
              "'$1-x' is an invalid 'target_label' for replace");
    EXPECT_EQ(error_of({}), "replace requires 'target_label'");
    EXPECT_EQ(error_of({.replacement = "a-b", .action = RelabelAction::labelmap}),
              "'a-b' is an invalid 'replacement' for labelmap");
    EXPECT_EQ(error_of({.target_label = "h", .action = RelabelAction::hashmod}),
              "hashmod requires a 'modulus' above zero");
    EXPECT_NE(error_of({.modulus = 3, .target_label = "a$1", .action = RelabelAction::hashmod}),
              "");
    EXPECT_NE(error_of({.source_labels = Names{"a-b"}, .action = RelabelAction::keep}), "");
    EXPECT_EQ(
        error_of({.source_labels = Names{}, .regex = "x", .action = RelabelAction::labeldrop}),
        "labeldrop takes only 'regex' and no other field");
    EXPECT_EQ(error_of({.source_labels = Names{"a"},
                        .regex = "x",
                        .target_label = "b",
                        .action = RelabelAction::keepequal}),
              "keepequal takes only 'source_labels' and 'target_label' and no other field");
    EXPECT_EQ(error_of({.target_label = "${1}", .action = RelabelAction::lowercase}),
              "");  // 2.42 takes it
}

TEST(Relabel, ActionsAreReadInAnyCase) {
    EXPECT_EQ(relabel_action_from("KeepEqual"), RelabelAction::keepequal);
    EXPECT_EQ(relabel_action_from("keeps"), std::nullopt);
}

}  // namespace
}  // namespace inferscope::discovery
