// SPDX-License-Identifier: Apache-2.0
#include "telemetry/bound.h"

#include <gtest/gtest.h>

namespace inferscope {
namespace {

TEST(NormalBound, IsPrometheus3sSpellingOfTheNumber) {
    EXPECT_EQ(normal_bound("1"), "1.0");
    EXPECT_EQ(normal_bound("1.0"), "1.0");
    EXPECT_EQ(normal_bound("0"), "0.0");
    EXPECT_EQ(normal_bound("0.005"), "0.005");
    EXPECT_EQ(normal_bound("1e-05"), "1e-05");
    EXPECT_EQ(normal_bound("0.0001"), "0.0001");
    EXPECT_EQ(normal_bound("200000"), "200000.0");
    EXPECT_EQ(normal_bound("1000000.0"), "1e+06");
    EXPECT_EQ(normal_bound("1100000"), "1.1e+06");
    EXPECT_EQ(normal_bound("1e6"), "1e+06");
    EXPECT_EQ(normal_bound("8589934592"), "8.589934592e+09");
    EXPECT_EQ(normal_bound("inf"), "+Inf");
    EXPECT_EQ(normal_bound("-1"), "-1.0");
}

TEST(NormalBound, LeavesATextThatIsNoNumber) { EXPECT_EQ(normal_bound("a lot"), "a lot"); }

}  // namespace
}  // namespace inferscope
