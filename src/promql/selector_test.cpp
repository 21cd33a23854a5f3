// SPDX-License-Identifier: Apache-2.0
#include "promql/selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace inferscope::promql {
namespace {

using testing::ElementsAre;

std::vector<std::string> matchers(std::string_view text) {
    const auto selector = parse_selector(text);
    if (!selector) return {to_api_text(selector.error())};
    std::vector<std::string> texts;
    for (const auto& matcher : selector->matchers) texts.push_back(matcher.to_text());
    return texts;
}

TEST(Selector, ReadsNamesAndMatchers) {
    EXPECT_THAT(matchers("up"), ElementsAre(R"(__name__="up")"));
    EXPECT_THAT(
        matchers(" a:b { x = \"1\" , y!='2',z=~`a\\d`, w !~ \"\" , } # end"),
        ElementsAre(R"(__name__="a:b")", R"(x="1")", R"(y!="2")", R"(z=~"a\\d")", R"(w!~"")"));
    EXPECT_THAT(matchers(R"({"my.metric", "a.b"="c"})"),
                ElementsAre(R"(__name__="my.metric")", R"("a.b"="c")"));
    EXPECT_THAT(matchers(R"({__name__=~"a.*"})"), ElementsAre(R"(__name__=~"a.*")"));
}

TEST(Selector, ReadsEscapesAsGoDoes) {
    EXPECT_EQ(parse_selector(R"({a="\x41\u00e4\n\"\101"})")->matchers[0].value(), "A\u00e4\n\"A");
    EXPECT_EQ(parse_selector(R"({a='\'"'})")->matchers[0].value(), "'\"");
    EXPECT_EQ(parse_selector(R"({a=`\n`})")->matchers[0].value(), "\\n");
}

TEST(Selector, ReadsRanges) {
    EXPECT_FALSE(parse_selector("up")->range);
    EXPECT_EQ(parse_selector("up[5m]")->range, Millis(300'000));
    EXPECT_EQ(parse_selector("up [ 1h30m ]")->range, Millis(5'400'000));
    EXPECT_EQ(parse_selector("up[1.5]")->range, Millis(1500));
}

TEST(Selector, SaysWhereAndWhatIsWrong) {
    EXPECT_THAT(matchers(""),
                ElementsAre("unknown position: parse error: unexpected end of input"));
    EXPECT_THAT(matchers("up{"),
                ElementsAre("1:4: parse error: unexpected end of input inside braces"));
    EXPECT_THAT(matchers("up{a}"), ElementsAre("1:5: parse error: unexpected \"}\" in label "
                                               "matching, expected label matching operator"));
    EXPECT_THAT(matchers("rate(up[5m])"), ElementsAre("1:5: parse error: unexpected \"(\""));
    EXPECT_THAT(matchers("\n {a=\"x}"),
                ElementsAre("2:5: parse error: unterminated quoted string"));
    EXPECT_THAT(matchers("{a=\"\\q\"}"),
                ElementsAre("1:4: parse error: unknown escape sequence U+0071 'q'"));
    EXPECT_THAT(matchers("{a=\"\"}"),
                ElementsAre("1:1: parse error: vector selector must contain at least one non-empty "
                            "matcher"));
    EXPECT_THAT(
        matchers("up{__name__=\"b\"}"),
        ElementsAre("1:1: parse error: metric name must not be set twice: \"up\" or \"b\""));
    EXPECT_THAT(matchers("up[x]"),
                ElementsAre("1:4: parse error: unexpected character in duration expression: 'x'"));
    EXPECT_THAT(matchers("up[0s]"),
                ElementsAre("1:4: parse error: duration must be greater than 0"));
    EXPECT_FALSE(parse_selector("{a=~\"(\"}"));
}

}  // namespace
}  // namespace inferscope::promql
