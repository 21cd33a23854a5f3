// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "promql/series_columns.h"

namespace inferscope::promql {
namespace {

std::uint32_t count_up_to(const std::vector<Timestamp>& times, Timestamp time) {
    return static_cast<std::uint32_t>(std::ranges::upper_bound(times, time) - times.begin());
}

void expect_bounds(const std::vector<Timestamp>& times, const WindowSpec& spec) {
    WindowBounds bounds;
    find_bounds(times, spec, bounds);
    ASSERT_EQ(bounds.begins.size(), spec.count);
    ASSERT_EQ(bounds.ends.size(), spec.count);
    for (std::size_t step = 0; step < spec.count; ++step) {
        const auto end = spec.first_end + static_cast<Timestamp>(step) * spec.step;
        const auto start = end - spec.range - (spec.is_closed_left ? 1 : 0);
        ASSERT_EQ(bounds.begins[step], count_up_to(times, start)) << "step " << step;
        ASSERT_EQ(bounds.ends[step], count_up_to(times, end)) << "step " << step;
    }
}

TEST(WindowBounds, AreFoundAmongTimesThatComeEvenlyOrDont) {
    std::mt19937_64 random(42);
    const auto below = [&](std::int64_t bound) {
        return static_cast<Timestamp>(random() % static_cast<std::uint64_t>(bound));
    };
    for (int run = 0; run < 3000; ++run) {
        const auto interval = 1 + below(20);
        const auto jitter = below(3);
        const auto gaps = below(3);  // none in most runs
        std::vector<Timestamp> times;
        auto time = below(500) - 250;
        for (auto left = below(300); left > 0; --left) {
            time += std::max<Timestamp>(1, interval + (jitter > 0 ? below(jitter) : 0));
            if (gaps == 2 && below(40) == 0) time += below(200);
            times.push_back(time);
        }
        const auto step = below(4) == 0 ? below(60) : interval * below(5);
        expect_bounds(times, {.first_end = below(1000) - 500,
                              .step = step,
                              .range = below(100),
                              .is_closed_left = below(2) == 0,
                              .count = static_cast<std::size_t>(below(200))});
    }
}

}  // namespace
}  // namespace inferscope::promql
