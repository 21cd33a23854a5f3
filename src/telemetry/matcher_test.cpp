// SPDX-License-Identifier: Apache-2.0
#include "telemetry/matcher.h"

#include <absl/hash/hash.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace inferscope {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Matcher made(std::string name, MatchOp op, std::string value) {
    auto matcher = Matcher::make(std::move(name), op, std::move(value));
    EXPECT_TRUE(matcher);
    return std::move(matcher).value();
}

TEST(Matcher, ComparesAsItsOperatorSays) {
    struct Case {
        MatchOp op;
        std::string value;
        std::string_view tried;
        bool matches;
    };
    // The cases of Prometheus's model/labels/matcher_test.go.
    const std::vector<Case> cases{
        {MatchOp::equal, "bar", "bar", true},
        {MatchOp::equal, "bar", "foo-bar", false},
        {MatchOp::not_equal, "bar", "bar", false},
        {MatchOp::not_equal, "bar", "foo-bar", true},
        {MatchOp::regex, "bar", "bar", true},
        {MatchOp::regex, "bar", "foo-bar", false},
        {MatchOp::regex, ".*bar", "foo-bar", true},
        {MatchOp::not_regex, "bar", "bar", false},
        {MatchOp::not_regex, "bar", "foo-bar", true},
        {MatchOp::not_regex, ".*bar", "foo-bar", false},
        {MatchOp::regex, "foo.bar", "foo-bar", true},
        {MatchOp::regex, "(?i)FOO", "foo", true},
        {MatchOp::regex, "$*bar", "bar", true},
        {MatchOp::regex, "bar^", "bar", false},
    };
    for (const auto& one : cases) {
        EXPECT_EQ(made("a", one.op, one.value).matches(one.tried), one.matches)
            << to_string(one.op) << one.value << " on " << one.tried;
    }
}

TEST(Matcher, KnowsWhetherAnAbsentLabelMatches) {
    EXPECT_TRUE(Matcher::equal("a", "").matches_empty());
    EXPECT_FALSE(Matcher::equal("a", "b").matches_empty());
    EXPECT_TRUE(Matcher::not_equal("a", "b").matches_empty());
    EXPECT_FALSE(Matcher::not_equal("a", "").matches_empty());
    EXPECT_TRUE(made("a", MatchOp::regex, ".*").matches_empty());
    EXPECT_FALSE(made("a", MatchOp::regex, ".+").matches_empty());
    EXPECT_TRUE(made("a", MatchOp::regex, "b|").matches_empty());
    EXPECT_TRUE(made("a", MatchOp::not_regex, "b").matches_empty());
    EXPECT_FALSE(made("a", MatchOp::not_regex, ".*").matches_empty());
}

TEST(Matcher, KnowsTheValuesItNames) {
    EXPECT_THAT(Matcher::not_equal("a", "b").values(), ElementsAre("b"));
    EXPECT_EQ(Matcher::equal("a", "b").prefix(), "b");
    EXPECT_THAT(made("a", MatchOp::not_regex, "c|b").values(), ElementsAre("b", "c"));
    EXPECT_THAT(made("a", MatchOp::regex, "b.*").values(), IsEmpty());
    EXPECT_EQ(made("a", MatchOp::regex, "b.*").prefix(), "b");
}

TEST(Matcher, PrintsItselfAsPromql) {
    EXPECT_EQ(Matcher::equal("job", "a").to_text(), R"(job="a")");
    EXPECT_EQ(made("job", MatchOp::not_regex, R"(a"\.b)").to_text(), R"(job!~"a\"\\.b")");
    EXPECT_EQ(Matcher::not_equal("http.path", "\n\x01é\xff").to_text(),
              R"("http.path"!="\n\x01é\xff")");
}

TEST(Matcher, IsEqualWhenItMeansTheSameText) {
    const auto a = made("a", MatchOp::regex, "b.*");
    EXPECT_EQ(a, made("a", MatchOp::regex, "b.*"));
    EXPECT_EQ(absl::HashOf(a), absl::HashOf(made("a", MatchOp::regex, "b.*")));
    EXPECT_NE(a, made("a", MatchOp::not_regex, "b.*"));
    EXPECT_NE(a, Matcher::equal("a", "b.*"));
    const auto two = Matcher::make("a", MatchOp::regex, "b.*", RegexDialect::prometheus2);
    ASSERT_TRUE(two);
    EXPECT_NE(a, *two);
}

TEST(Matcher, RefusesABadExpression) {
    const auto bad = Matcher::make("a", MatchOp::regex, "*");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace inferscope
