// SPDX-License-Identifier: Apache-2.0
#include "base/shared_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

namespace inferscope {
namespace {

SharedBytes bytes(std::string_view text) {
    return SharedBytes::make(text.size(), [&](char* at) { std::ranges::copy(text, at); });
}

TEST(SharedBytes, CopiesShowTheSameBytes) {
    auto first = bytes("kept");
    const auto second = first;
    EXPECT_EQ(first.view().data(), second.view().data());
    first = bytes("other");
    EXPECT_EQ(second.view(), "kept");
    EXPECT_EQ(first.view(), "other");
    first = second;
    first = *&first;
    EXPECT_EQ(first.view(), "kept");
    const auto moved = std::move(first);
    EXPECT_EQ(moved.view(), "kept");
}

TEST(SharedBytes, AreEqualByContent) {
    EXPECT_EQ(bytes("a"), bytes("a"));
    EXPECT_NE(bytes("a"), bytes("b"));
    EXPECT_NE(bytes("a"), SharedBytes());
    EXPECT_EQ(bytes(""), SharedBytes());
    EXPECT_TRUE(bytes("").empty());
}

TEST(SharedBytes, TheLastOfManyThreadsFreesThem) {
    auto shared = bytes(std::string(1000, 'x'));
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([mine = shared] {
            for (int round = 0; round < 10'000; ++round) {
                const auto copy = mine;
                ASSERT_EQ(copy.view().size(), 1000);
            }
        });
    }
    shared = SharedBytes();
    for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace inferscope
