// SPDX-License-Identifier: Apache-2.0
#include "telemetry/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <array>
#include <random>

namespace inferscope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Pattern compiled(std::string_view text, RegexDialect dialect = RegexDialect::prometheus3) {
    auto pattern = Pattern::compile(text, dialect);
    EXPECT_TRUE(pattern) << text;
    return std::move(pattern).value();
}

/// What the expression means, by its definition.
bool by_definition(std::string_view text, std::string_view value, RegexDialect dialect) {
    RE2::Options options;
    options.set_log_errors(false);
    const auto flags = dialect == RegexDialect::prometheus3 ? "^(?s:" : "^(?:";
    const RE2 regex(flags + std::string(text) + ")$", options);
    return RE2::FullMatch({value.data(), value.size()}, regex);
}

TEST(Pattern, AnswersWithoutRe2WhatPeopleWriteMost) {
    for (const auto text :
         {"", "a", "a|b|c", "(a|b|c)", "(?:a|b)c", "prod-(eu|us)-[12]", "foo.*", ".*foo", ".*foo.*",
          ".*(a|b).*", ".+", ".*", "^a$", "a?b", R"(10\.0\.0\.1:8000)", "foo.+", "é|ü", "|a"}) {
        EXPECT_FALSE(compiled(text).uses_re2()) << text;
    }
    for (const auto text : {"(?i)a", "a*", "a.b", R"(\d+)", "[^a]", "a{2}", ".*a|b", ".+.+", "a.*b",
                            R"(\Qa|b\E)", "[[:alpha:]]", R"(a\.*)"}) {
        EXPECT_TRUE(compiled(text).uses_re2()) << text;
    }
}

TEST(Pattern, KnowsItsValues) {
    EXPECT_THAT(compiled("b|a|c|a").values(), ElementsAre("a", "b", "c"));
    EXPECT_THAT(compiled("x(1|2)?").values(), ElementsAre("x", "x1", "x2"));
    EXPECT_THAT(compiled("[a-c]1").values(), ElementsAre("a1", "b1", "c1"));
    EXPECT_THAT(compiled("").values(), ElementsAre(""));
    EXPECT_THAT(compiled("a.*").values(), IsEmpty());
    EXPECT_THAT(compiled("a+").values(), IsEmpty());
    EXPECT_THAT(compiled("[a-z][a-z][a-z]").values(), IsEmpty());
}

TEST(Pattern, KnowsItsPrefix) {
    EXPECT_EQ(compiled("foo.*").prefix(), "foo");
    EXPECT_EQ(compiled("foo(bar|baz)").prefix(), "fooba");
    EXPECT_EQ(compiled("foo[0-9]+").prefix(), "foo");
    EXPECT_EQ(compiled("foo|bar").prefix(), "");
    EXPECT_EQ(compiled("(?i)foo").prefix(), "");
    EXPECT_EQ(compiled(".*foo").prefix(), "");
}

TEST(Pattern, LetsADotTakeANewlineOnlyInPrometheus3) {
    for (const auto text : {"a.b", "a.*", "a.*b", ".*\n.*b", ".*b"}) {
        EXPECT_TRUE(compiled(text).matches("a\nb")) << text;
    }
    const auto two = RegexDialect::prometheus2;
    EXPECT_FALSE(compiled("a.b", two).matches("a\nb"));
    EXPECT_FALSE(compiled("a.*", two).matches("a\nb"));
    EXPECT_FALSE(compiled(".*b", two).matches("a\nb"));
    EXPECT_TRUE(compiled("a\nb", two).matches("a\nb"));
    EXPECT_TRUE(compiled(".*\n.*", two).matches("a\nb"));
}

TEST(Pattern, TakesAByteThatIsNotUtf8AsOneCharacter) {
    for (const auto text : {"a.b", "a.*b", "a.*", "a[^x]b"}) {
        EXPECT_TRUE(
            compiled(text).matches("a\xff"
                                   "b"))
            << text;
    }
    EXPECT_FALSE(
        compiled("a.b").matches("a\xff\xff"
                                "b"));
}

TEST(Pattern, SaysWhatIsWrong) {
    const auto open = Pattern::compile("a(b\n");
    ASSERT_FALSE(open);
    EXPECT_EQ(open.error().code, Errc::invalid_argument);
    EXPECT_THAT(open.error().text, HasSubstr("bad regular expression \"a(b\\x0a\": missing"));
    EXPECT_FALSE(Pattern::compile("a)(b"));
    EXPECT_FALSE(Pattern::compile("\xff"));
    const auto large = Pattern::compile("((a{100}){100}){100}");
    ASSERT_FALSE(large);
    const auto program = Pattern::compile("(([a-zé]{100}){10}.){900}x");
    ASSERT_FALSE(program);
}

TEST(Pattern, IsBoundedInTimeAndDepth) {
    std::string deep(2000, '(');
    EXPECT_FALSE(Pattern::compile(deep));
    std::string many;
    for (int i = 0; i < 10'000; ++i) many += std::to_string(i) + "|";
    const auto pattern = compiled(many);
    EXPECT_EQ(pattern.values().size(), 10'001u);
    EXPECT_TRUE(pattern.matches("9999"));
    EXPECT_FALSE(pattern.matches("10000"));
}

class RandomTexts {
public:
    template <std::size_t N>
    std::string join(const std::array<std::string_view, N>& pieces, int most) {
        std::string text;
        for (auto count = random_() % static_cast<unsigned>(most + 1); count > 0; --count) {
            text += pieces[random_() % N];
        }
        return text;
    }

private:
    std::mt19937 random_{1};
};

TEST(Pattern, MeansWhatRe2SaysItMeans) {
    constexpr std::array<std::string_view, 26> kPieces{
        "a", "b",    "ab",    "é", "\\.", "\\|", ".*", ".+", ".",  "|", "(a|b)", "(?:ab|)", "[",
        "]", "[ab]", "[a-c]", "?", "*",   "+",   "^",  "$",  "\n", "(", ")",     "{1}",     "\\"};
    constexpr std::array<std::string_view, 8> kValues{"a", "b", "ab", "é", ".", "\n", "c", "|"};
    RandomTexts random;
    int understood = 0;
    for (int round = 0; round < 8'000; ++round) {
        const auto text = random.join(kPieces, 6);
        const auto dialect = round % 2 == 0 ? RegexDialect::prometheus3 : RegexDialect::prometheus2;
        const auto pattern = Pattern::compile(text, dialect);
        RE2::Options quiet;
        quiet.set_log_errors(false);
        ASSERT_EQ(pattern.has_value(), RE2(text, quiet).ok()) << text;
        if (!pattern) continue;
        understood += pattern->uses_re2() ? 0 : 1;
        for (int i = 0; i < 8; ++i) {
            const auto value = random.join(kValues, 4);
            const bool expected = by_definition(text, value, dialect);
            ASSERT_EQ(pattern->matches(value), expected) << text << " on " << value;
            if (!expected) continue;
            ASSERT_TRUE(value.starts_with(pattern->prefix())) << text << " on " << value;
        }
        for (const auto& value : pattern->values()) {
            ASSERT_TRUE(by_definition(text, value, dialect)) << text << " on " << value;
        }
    }
    EXPECT_GT(understood, 500);
}

}  // namespace
}  // namespace inferscope
