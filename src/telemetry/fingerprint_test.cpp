// SPDX-License-Identifier: Apache-2.0
#include "telemetry/fingerprint.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace inferscope {
namespace {

TEST(Fingerprint, IsTheSameForTheSameTextAndDiffersInBothHalvesForOthers) {
    EXPECT_EQ(Fingerprint::of("a"), Fingerprint::of(std::string("a")));
    std::set<std::uint64_t> lows;
    std::set<std::uint64_t> highs;
    for (int i = 0; i < 1000; ++i) {
        const auto fingerprint = Fingerprint::of("up{instance=\"" + std::to_string(i) + "\"}");
        EXPECT_NE(fingerprint.low, fingerprint.high);
        lows.insert(fingerprint.low);
        highs.insert(fingerprint.high);
    }
    EXPECT_EQ(lows.size(), 1000u);
    EXPECT_EQ(highs.size(), 1000u);
}

}  // namespace
}  // namespace inferscope
