// SPDX-License-Identifier: Apache-2.0
#include "tsdb/symbols.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace inferscope::tsdb {
namespace {

using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

std::map<std::string, LabelNumber> labels_of(const Symbols& symbols, std::string_view name) {
    std::map<std::string, LabelNumber> labels;
    const auto number = symbols.find_name(name);
    if (!number) return labels;
    symbols.for_each_label(
        *number, [&](LabelNumber label, std::string_view value) { labels.emplace(value, label); });
    return labels;
}

TEST(Symbols, GiveEachLabelOneNumber) {
    Symbols symbols;
    const auto a1 = symbols.intern("a", "1");
    const auto b1 = symbols.intern("b", "1");
    EXPECT_NE(a1, b1);
    EXPECT_EQ(symbols.intern("a", "1"), a1);
    EXPECT_EQ(symbols.value(b1), "1");
    EXPECT_EQ(symbols.name(symbols.name_of(b1)), "b");
    EXPECT_EQ(symbols.find(*symbols.find_name("a"), "1"), a1);
    EXPECT_EQ(symbols.find(*symbols.find_name("a"), "2"), std::nullopt);
    EXPECT_EQ(symbols.find_name("c"), std::nullopt);
    EXPECT_EQ(symbols.size(), 2u);
}

TEST(Symbols, GiveNumbersOfReleasedLabelsAndNamesAgain) {
    Symbols symbols;
    const auto a1 = symbols.intern("a", "1");
    symbols.release(a1);
    EXPECT_EQ(symbols.find_name("a"), std::nullopt);
    EXPECT_EQ(symbols.size(), 0u);
    const auto b2 = symbols.intern("b", "2");
    EXPECT_EQ(b2, a1);
    EXPECT_THAT(labels_of(symbols, "b"), UnorderedElementsAre(Pair("2", b2)));
    EXPECT_THAT(labels_of(symbols, "a"), IsEmpty());
}

TEST(Symbols, KeepTheirOrderAndGiveMemoryBackWhenCompacted) {
    Symbols symbols;
    const auto text = [](int i) { return fmt::format("a rather long value {}", i); };
    for (int i = 0; i < 100'000; ++i) symbols.intern("a", text(i));
    const auto full = symbols.heap_bytes();
    for (int i = 0; i < 100'000; ++i) {
        if (i % 100 != 0) symbols.release(*symbols.find(0, text(i)));
    }
    EXPECT_GT(symbols.dead_bytes(), 90 * symbols.live_bytes());
    const auto moved = symbols.compact();
    EXPECT_EQ(symbols.dead_bytes(), 0u);
    EXPECT_LT(symbols.heap_bytes(), full / 10);
    EXPECT_EQ(moved[1], kNoLabel);
    for (int i = 0; i < 100'000; i += 100) {
        const auto number = symbols.find(*symbols.find_name("a"), text(i));
        ASSERT_EQ(number, moved[static_cast<std::size_t>(i)]);
        ASSERT_EQ(symbols.value(*number), text(i));
    }
    EXPECT_EQ(moved[200], 2u);
}

TEST(Symbols, HoldValuesLongerThanAChunk) {
    Symbols symbols;
    const std::string longest(1'000'000, 'x');
    const auto small = symbols.intern("a", "small");
    const auto large = symbols.intern("a", longest);
    const auto next = symbols.intern("a", "next");
    EXPECT_EQ(symbols.value(small), "small");
    EXPECT_EQ(symbols.value(large), longest);
    EXPECT_EQ(symbols.value(next), "next");
}

}  // namespace
}  // namespace inferscope::tsdb
