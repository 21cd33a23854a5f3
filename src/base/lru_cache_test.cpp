// SPDX-License-Identifier: Apache-2.0
#include "base/lru_cache.h"

#include <gtest/gtest.h>

#include <memory>

namespace inferscope {
namespace {

struct Sized {
    std::size_t bytes = 0;
    [[nodiscard]] std::size_t heap_bytes() const { return bytes; }
};
using Cache = LruCache<int, Sized>;

TEST(LruCache, WhatWasNotUsedForLongestGoesFirst) {
    Cache cache(100);
    for (const int key : {1, 2, 3}) cache.put(key, std::make_shared<Sized>(30));
    EXPECT_TRUE(cache.find(1));
    cache.put(4, std::make_shared<Sized>(30));
    EXPECT_FALSE(cache.find(2));
    EXPECT_TRUE(cache.find(1) && cache.find(3) && cache.find(4));
    EXPECT_EQ(cache.bytes(), 90U);
}

TEST(LruCache, WhatGrowsPushesOthersOutOnceItIsMeasured) {
    Cache cache(100);
    const auto growing = std::make_shared<Sized>(30);
    cache.put(1, std::make_shared<Sized>(30));
    cache.put(2, growing);
    cache.put(3, std::make_shared<Sized>(30));
    growing->bytes = 60;
    EXPECT_EQ(cache.bytes(), 90U);
    EXPECT_TRUE(cache.find(2));
    cache.measure(2);
    EXPECT_FALSE(cache.find(1));
    EXPECT_EQ(cache.bytes(), 90U);
    growing->bytes = 1000;  // not measured: what was counted goes when it goes
    cache.drop(2);
    EXPECT_EQ(cache.bytes(), 30U);
    cache.measure(2);
    EXPECT_EQ(cache.bytes(), 30U);
}

TEST(LruCache, WhatWasPutLastStaysHoweverLargeItIs) {
    Cache cache(100);
    cache.put(1, std::make_shared<Sized>(30));
    cache.put(2, std::make_shared<Sized>(300));
    EXPECT_FALSE(cache.find(1));
    EXPECT_TRUE(cache.find(2));
}

}  // namespace
}  // namespace inferscope
