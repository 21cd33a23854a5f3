// SPDX-License-Identifier: Apache-2.0
#include "app/process_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

namespace inferscope::app {
namespace {

/// In pieces of 64 KiB, touched: what a query frees, with something behind it that stays.
std::unique_ptr<char[]> use_and_free(std::size_t pieces) {
    constexpr std::size_t kPiece = 64 << 10;
    std::vector<std::unique_ptr<char[]>> all;
    for (std::size_t i = 0; i < pieces; ++i) {
        all.push_back(std::make_unique<char[]>(kPiece));
        std::memset(all.back().get(), 1, kPiece);
    }
    return std::move(all.back());
}

TEST(FreeMemoryWatch, GivesBackMuchAtOnceAndLittleNowAndThen) {
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
    GTEST_SKIP() << "a sanitizer's allocator gives nothing back";
#endif
    FreeMemoryWatch watch;
    for (int i = 0; i < 5; ++i) watch.look();
    const auto before = resident_bytes();
    ASSERT_GT(before, 0u);
    const auto much = use_and_free(512);  // 32 MiB
    EXPECT_GT(resident_bytes(), before + (24u << 20));
    watch.look();
    EXPECT_LT(resident_bytes(), before + (8u << 20));
    const auto little = use_and_free(64);  // 4 MiB
    watch.look();
    EXPECT_GT(resident_bytes(), before + (3u << 20));
    for (int i = 0; i < 5; ++i) watch.look();
    EXPECT_LT(resident_bytes(), before + (2u << 20));
}

}  // namespace
}  // namespace inferscope::app
