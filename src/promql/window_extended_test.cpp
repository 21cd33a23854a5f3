// SPDX-License-Identifier: Apache-2.0
// Expectations from Prometheus 3.14, "Extended range selectors": anchored windows take the last
// sample at or before their start, smoothed ones lie on the lines between samples.
#include <gtest/gtest.h>

#include <vector>

#include "promql/windows_for_test.h"

namespace inferscope::promql {
namespace {

using Window = VectorSelector::Window;
constexpr Timestamp kLookback = 300'000;

/// The window from 60 to 120 s.
double over(std::string_view name, const std::vector<Sample>& samples, Window kind) {
    const WindowTimes times{.first = 120'000,
                            .range = 60'000,
                            .before = kLookback,
                            .behind = kind == Window::smoothed ? kLookback : 0};
    return TestWindows(samples, times).evaluate(name, Dialect::prometheus3, {}, kind)[0];
}

TEST(AnchoredWindows, TakeTheSampleBeforeTheirStart) {
    const std::vector<Sample> samples{{10'000, 1}, {50'000, 2}, {70'000, 5}, {110'000, 9}};
    EXPECT_EQ(over("increase", samples, Window::anchored), 7.0);
    EXPECT_EQ(over("rate", samples, Window::anchored), 7.0 / 60);
    EXPECT_EQ(over("delta", samples, Window::anchored), 7.0);
    EXPECT_EQ(over("changes", samples, Window::anchored), 2.0);
}

TEST(AnchoredWindows, AddTheValuesBeforeResets) {
    const std::vector<Sample> samples{{50'000, 8}, {70'000, 5}, {90'000, 6}, {110'000, 2}};
    EXPECT_EQ(over("increase", samples, Window::anchored), 2.0 - 8 + 8 + 6);
    EXPECT_EQ(over("delta", samples, Window::anchored), -6.0);
    EXPECT_EQ(over("resets", samples, Window::anchored), 2.0);
}

TEST(AnchoredWindows, NeedASampleBehindTheirStart) {
    EXPECT_TRUE(is_absent(over("increase", {{10'000, 1}, {60'000, 2}}, Window::anchored)));
    EXPECT_TRUE(is_absent(over("resets", {{10'000, 1}, {60'000, 2}}, Window::anchored)));
    EXPECT_EQ(over("increase", {{80'000, 3}}, Window::anchored), 0.0);
}

TEST(SmoothedWindows, InterpolateAtBothEnds) {
    const std::vector<Sample> samples{{50'000, 2}, {70'000, 6}, {110'000, 10}, {130'000, 14}};
    EXPECT_EQ(over("increase", samples, Window::smoothed), 12.0 - 4.0);
    EXPECT_EQ(over("rate", samples, Window::smoothed), 8.0 / 60);
}

TEST(SmoothedWindows, LetACounterRiseFromZeroAfterAReset) {
    const std::vector<Sample> samples{{50'000, 9}, {70'000, 6}, {110'000, 10}, {130'000, 4}};
    // At 60 s: half of 6. At 120 s: half of 4, a reset behind 10.
    EXPECT_EQ(over("increase", samples, Window::smoothed), 2.0 - 3.0 + 10.0);
    EXPECT_EQ(over("delta", samples, Window::smoothed), 7.0 - 7.5);
}

TEST(SmoothedWindows, AreAbsentOutsideOfTheirSamples) {
    EXPECT_TRUE(is_absent(over("increase", {{10'000, 1}, {50'000, 2}}, Window::smoothed)));
    EXPECT_TRUE(is_absent(over("increase", {{130'000, 1}, {150'000, 2}}, Window::smoothed)));
}

TEST(ExtendedWindows, AreForFewFunctions) {
    EXPECT_EQ(find_window_function("irate", Dialect::prometheus3, Window::anchored), nullptr);
    EXPECT_EQ(find_window_function("changes", Dialect::prometheus3, Window::smoothed), nullptr);
}

}  // namespace
}  // namespace inferscope::promql
