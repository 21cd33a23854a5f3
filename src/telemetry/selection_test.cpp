// SPDX-License-Identifier: Apache-2.0
#include "telemetry/selection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/numbers.h"

namespace inferscope {
namespace {

/// Adds rows to the one column, and says what is known of them.
void add(ColumnRows& rows, const std::vector<double>& values) {
    const auto begin = static_cast<Timestamp>(rows.times().size());
    std::vector<Timestamp> times;
    for (std::size_t i = 0; i < values.size(); ++i)
        times.push_back(begin + static_cast<Timestamp>(i));
    rows.add_rows(times);
    std::ranges::copy(values, rows.last_values(0, values.size()).begin());
    rows.know(0, values.size(), facts_of(values));
}

TEST(ColumnFacts, AreFoundInValues) {
    EXPECT_TRUE(facts_of(std::array{-1.0, 0.0, 0.0, 5.0}).never_falls);
    EXPECT_TRUE(facts_of(std::array{5.0, 4.0}).is_plain);
    EXPECT_FALSE(facts_of(std::array{5.0, 4.0}).never_falls);
    EXPECT_TRUE(facts_of(std::array{1.0, kNormalNaN, 2.0}).is_plain);
    EXPECT_FALSE(facts_of(std::array{1.0, kNormalNaN, 2.0}).never_falls);
    EXPECT_FALSE(facts_of(std::array{kNormalNaN}).never_falls);
    EXPECT_FALSE(facts_of(std::array{1.0, kStaleMarker}).is_plain);
}

TEST(ColumnRows, KnowsOfAllRowsWhatIsKnownOfEachPart) {
    ColumnRows rows(1, 10);
    add(rows, {1, 2});
    EXPECT_TRUE(rows.facts(0).never_falls);
    add(rows, {2, 3});
    EXPECT_TRUE(rows.facts(0).never_falls);
    add(rows, {2});  // falls from part to part
    EXPECT_FALSE(rows.facts(0).never_falls);
    EXPECT_TRUE(rows.facts(0).is_plain);
    add(rows, {4, 5});
    EXPECT_FALSE(rows.facts(0).never_falls);
    add(rows, {kStaleMarker});
    EXPECT_FALSE(rows.facts(0).is_plain);
}

TEST(ColumnRows, KnowsNothingOnceNothingWasSaidOfAPart) {
    ColumnRows rows(1, 10);
    add(rows, {1});
    rows.add_rows(std::array<Timestamp, 1>{100});
    rows.last_values(0, 1)[0] = 0;
    EXPECT_FALSE(rows.facts(0).is_plain);
    add(rows, {2});
    EXPECT_FALSE(rows.facts(0).is_plain);
    EXPECT_FALSE(ColumnRows::of(std::array<Sample, 1>{{{1, 1}}}).facts(0).is_plain);
}

}  // namespace
}  // namespace inferscope
