// SPDX-License-Identifier: Apache-2.0
#include "exposition/series_texts.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace inferscope::exposition {
namespace {

void expect_kept(const std::vector<std::string>& given) {
    SeriesTexts texts;
    for (const auto& text : given) texts.add(text);
    texts.shrink_to_fit();
    ASSERT_EQ(texts.size(), given.size());
    std::string page, expected;
    for (std::size_t i = 0; i < given.size(); ++i) {
        EXPECT_EQ(texts.at(i), given[i]) << i;
        texts.append(i, page);
        expected += given[i];
    }
    EXPECT_EQ(page, expected);
}

TEST(SeriesTexts, AHistogramsBuckets) {
    std::vector<std::string> given;
    for (const auto* name : {"ttft", "e2e"}) {
        for (int le = 1; le < 40; ++le)
            given.push_back(fmt::format(R"({}_bucket{{job="vllm",le="{}",model="m"}} )", name, le));
        given.push_back(fmt::format(R"({}_sum{{job="vllm",model="m"}} )", name));
    }
    expect_kept(given);
}

TEST(SeriesTexts, EmptyEqualAndOverlappingOnes) {
    // In `aaa` after `aaaa` the same bytes could be prefix and suffix.
    expect_kept({"", "", "a", "aaaa", "aaa", "aaaaaa", "aaaa", "aabaa", "b", "", "aabaa"});
}

TEST(SeriesTexts, LongerThanAPrefixMayBe) {
    const std::string longest(70'000, 'x');
    expect_kept({longest, longest, longest + "y", "y" + longest, longest + longest});
}

TEST(SeriesTexts, AnyTexts) {
    std::mt19937 random(1);
    for (int round = 0; round < 200; ++round) {
        std::vector<std::string> given(random() % 50);
        for (auto& text : given) {
            text.resize(random() % 12);
            for (auto& c : text) c = static_cast<char>('a' + random() % 2);
        }
        expect_kept(given);
    }
}

}  // namespace
}  // namespace inferscope::exposition
