// SPDX-License-Identifier: Apache-2.0
#include "api/query_parameters.h"

#include <gtest/gtest.h>

namespace inferscope::api {
namespace {

TEST(ParseTime, TakesSecondsAndRfc3339) {
    EXPECT_EQ(parse_time("1435781451"), 1'435'781'451'000);
    EXPECT_EQ(parse_time("1435781451.781"), 1'435'781'451'781);
    EXPECT_EQ(parse_time("1.5e9"), 1'500'000'000'000);
    EXPECT_EQ(parse_time("-1.5"), -1'500);
    EXPECT_EQ(parse_time("2015-07-01T20:10:51.781Z"), 1'435'781'451'781);
    EXPECT_EQ(parse_time("2015-07-01T22:10:51.781+02:00"), 1'435'781'451'781);
    for (const auto* const wrong : {"", "soon", "NaN", "1e300", "2015-07-01", "1 "})
        EXPECT_FALSE(parse_time(wrong)) << wrong;
}

TEST(ParseTime, RoundsTheFractionAsPrometheusDoes) {
    EXPECT_EQ(parse_time("1700001815.0005"), 1'700'001'815'000);
    EXPECT_EQ(parse_time("1700001815.0006"), 1'700'001'815'001);
    EXPECT_EQ(parse_time("1700001815.9999"), 1'700'001'816'000);
}

TEST(ParseSeconds, TakesNumbersAndDurations) {
    EXPECT_EQ(parse_seconds("0.25").value(), 0.25);
    EXPECT_EQ(parse_seconds("1m30s").value(), 90);
    EXPECT_EQ(parse_seconds("").error().text, "cannot parse \"\" to a valid duration");
    EXPECT_EQ(parse_seconds("1e30").error().text,
              "cannot parse \"1e30\" to a valid duration. It overflows int64");
}

TEST(Parameters, SayWhichOneIsWrong) {
    net::HttpRequest request;
    request.target = "/api/v1/query?time=x";
    EXPECT_EQ(time_parameter(request, "time", 5).error().text,
              "invalid parameter \"time\": Invalid time value for 'time': cannot parse \"x\" to a "
              "valid timestamp");
    EXPECT_EQ(time_parameter(request, "start", 5).value(), 5);
    EXPECT_EQ(needed_time_parameter(request, "start").error().text,
              "invalid parameter \"start\": cannot parse \"\" to a valid timestamp");
}

}  // namespace
}  // namespace inferscope::api
