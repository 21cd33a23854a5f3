// SPDX-License-Identifier: Apache-2.0
#include "app/query_table.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace inferscope::app {
namespace {

using Json = nlohmann::ordered_json;

TEST(QueryTable, AlignsValuesOfAVector) {
    const auto table = query_table(Json::parse(R"({"resultType":"vector","result":[
        {"metric":{"__name__":"up","job":"a"},"value":[1700000000.5,"1"]},
        {"metric":{},"value":[1700000000.5,"+Inf"]}]})"));
    ASSERT_TRUE(table);
    EXPECT_EQ(*table, "up{job=\"a\"}  1\n{}           +Inf\n");
}

TEST(QueryTable, WritesEachSampleOfAMatrixWithItsTime) {
    const auto table = query_table(Json::parse(R"({"resultType":"matrix","result":[
        {"metric":{"__name__":"up"},"values":[[1700000000.042,"1"],[1700000015,"NaN"]]}]})"));
    ASSERT_TRUE(table);
    EXPECT_EQ(*table, "up\n  2023-11-14T22:13:20.042Z  1\n  2023-11-14T22:13:35.000Z  NaN\n");
}

TEST(QueryTable, NeverPassesTerminalCodesOn) {
    EXPECT_EQ(for_terminal("a\x1b[31m\x7f"), "a\\x1b[31m\\x7f");
    EXPECT_EQ(for_terminal("\xc2\x9b"
                           "2J"),
              "\\u{009b}2J");
    EXPECT_EQ(for_terminal("\xe2\x80\xae"
                           "gpj"),
              "\\u{202e}gpj");
    EXPECT_EQ(for_terminal("\xff模型"), "\\xff模型");
}

TEST(QueryTable, RefusesAnotherShape) {
    EXPECT_FALSE(query_table(Json::parse(R"({"resultType":"vector","result":[{"value":1}]})")));
    EXPECT_FALSE(query_table(Json::parse("[]")));
}

}  // namespace
}  // namespace inferscope::app
