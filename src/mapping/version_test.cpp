// SPDX-License-Identifier: Apache-2.0
#include "mapping/version.h"

#include <gtest/gtest.h>

namespace inferscope::mapping {
namespace {

Version version(std::string_view text) {
    const auto parsed = Version::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(Version());
}

bool matches(std::string_view range, std::string_view text) {
    const auto parsed = VersionRange::parse(range);
    EXPECT_TRUE(parsed) << range;
    return parsed && parsed->contains(text);
}

TEST(Version, OrdersAsPep440) {
    // Each is newer than the one before it.
    constexpr std::string_view kRising[] = {
        "0.9.2",
        "0.11.0.dev5",
        "0.11.0a1",
        "0.11.0b2.dev1",
        "0.11.0b2",
        "0.11.0rc1",
        "0.11.0rc2.dev20",
        "0.11.0rc2.dev21",
        "0.11.0rc2.dev21+gabc",
        "0.11.0rc2",
        "0.11.0rc2.post1.dev3",
        "0.11.0rc2.post1",
        "0.11.0",
        "0.11.0+abc",
        "0.11.0+abc.5",
        "0.11.0+5",
        "0.11.0+5.1",
        "0.11.0.post1.dev2",
        "0.11.0.post1",
        "0.11.0.post2+cu128",
        "0.11.1",
        "0.12",
        "1!0.1",
    };
    for (std::size_t i = 0; i + 1 < std::size(kRising); ++i) {
        EXPECT_LT(version(kRising[i]), version(kRising[i + 1]))
            << kRising[i] << " " << kRising[i + 1];
    }
}

TEST(Version, TakesTheOtherSpellingsOfPep440) {
    EXPECT_EQ(version("v0.11"), version("0.11.0"));
    EXPECT_EQ(version("0.11.0-RC.1"), version("0.11rc1"));
    EXPECT_EQ(version("0.11.0_alpha"), version("0.11a0"));
    EXPECT_EQ(version("0.4.4-3"), version("0.4.4.post3"));
    EXPECT_EQ(version("0.4.4.rev3"), version("0.4.4.post3"));
    EXPECT_EQ(version("1.0c1"), version("1.0pre1"));
    EXPECT_EQ(version("1.0+ubuntu-1"), version("1.0+UBUNTU.1"));
    EXPECT_EQ(version(" 1.0 "), version("1"));
}

TEST(Version, IsNothingForOtherTexts) {
    for (const auto* text : {"", "nightly", "b10573-3f545bec", "1.", "1.0+", "1.0+a..b",
                             "1.0 final", ".5", "1!", "1.0rc1rc2", "99999999999999999999"}) {
        EXPECT_FALSE(Version::parse(text)) << text;
    }
}

TEST(VersionRange, ComparesByEveryOperator) {
    EXPECT_TRUE(matches("*", "0.1"));
    EXPECT_TRUE(matches("*", "nightly"));
    EXPECT_TRUE(matches("<0.11.0", "0.11.0rc2.dev21+gabc"));
    EXPECT_FALSE(matches("<0.11.0", "0.11.0+cu128"));
    EXPECT_TRUE(matches("<=0.4.4.post3", "0.4.4.post3"));
    EXPECT_FALSE(matches("<=0.4.4", "0.4.4.post1"));
    EXPECT_TRUE(matches(">0.4.4", "0.4.4.post1"));
    EXPECT_TRUE(matches(">=0.9.2, <0.11", "0.10.2"));
    EXPECT_FALSE(matches(">=0.9.2, <0.11", "0.11"));
    EXPECT_TRUE(matches("0.8.5", "0.8.5.0"));
    EXPECT_TRUE(matches("==0.8.5", "0.8.5"));
    EXPECT_FALSE(matches("0.8.5", "0.8.5.post1"));
}

TEST(VersionRange, MatchesTextsWithoutOrderOnlyByEquality) {
    EXPECT_TRUE(matches("nightly", "nightly"));
    EXPECT_FALSE(matches("nightly", "nightly2"));
    EXPECT_FALSE(matches("<0.11.0", "nightly"));
    EXPECT_FALSE(matches("nightly", "0.11.0"));
}

TEST(VersionRange, HoldsForAnUnknownVersion) {
    EXPECT_TRUE(matches("<0.9.2", ""));
    EXPECT_TRUE(matches(">=0.9.2", ""));
}

TEST(VersionRange, RefusesWhatHasNoMeaning) {
    for (const auto* text : {"", " ", "<", ">=nightly", ">=1,", ",<1", ">=1,*"}) {
        EXPECT_FALSE(VersionRange::parse(text)) << text;
    }
    EXPECT_NE(VersionRange::parse("<nightly").error().text.find("nightly"), std::string::npos);
}

}  // namespace
}  // namespace inferscope::mapping
