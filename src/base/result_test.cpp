// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <gtest/gtest.h>

namespace inferscope {
namespace {

Result<int> halve(int value) {
    if (value % 2 != 0) return Error{Errc::invalid_argument, "odd"};
    return value / 2;
}

TEST(Result, CarriesAValueOrAnErrorWithItsPlace) {
    EXPECT_EQ(halve(4).value(), 2);
    const auto failed = halve(3);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().with("line 7").text, "line 7: odd");
}

TEST(ParseError, NamesFileLineAndColumnWhereKnown) {
    EXPECT_EQ((ParseError{"a.yml", 3, 5, "bad"}).message(), "a.yml:3:5: bad");
    EXPECT_EQ((ParseError{"", 3, 5, "bad"}).message(), "line 3 column 5: bad");
    EXPECT_EQ((ParseError{"a.yml", 0, 0, "bad"}).message(), "a.yml: bad");
}

}  // namespace
}  // namespace inferscope
