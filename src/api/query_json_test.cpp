// SPDX-License-Identifier: Apache-2.0
#include "api/query_json.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace inferscope::api {
namespace {

using promql::QueryAnswer;
using promql::ValueType;

std::string to_json(const QueryAnswer& answer, bool with_stats = false) {
    std::string out;
    append_json(out, answer, with_stats);
    return out;
}

TEST(QueryJson, WritesScalarsAndStringsWithTheirTime) {
    QueryAnswer answer;
    answer.type = ValueType::scalar;
    answer.scalar = {1'700'000'000'120, std::numeric_limits<double>::infinity()};
    EXPECT_EQ(to_json(answer), R"({"resultType":"scalar","result":[1700000000.12,"+Inf"]})");
    answer.scalar.value = 1e21;
    EXPECT_EQ(to_json(answer),
              R"({"resultType":"scalar","result":[1700000000.12,"1000000000000000000000"]})");
    answer.type = ValueType::string;
    answer.text = "a\"\n";
    EXPECT_EQ(to_json(answer), R"({"resultType":"string","result":[1700000000.12,"a\"\n"]})");
}

TEST(QueryJson, WritesVectorsAndMatrices) {
    QueryAnswer answer;
    answer.type = ValueType::instant_vector;
    EXPECT_EQ(to_json(answer), R"({"resultType":"vector","result":[]})");
    answer.series = {{Labels::from({{"__name__", "up"}}), {{1000, 1}}}, {Labels(), {{1000, 0.5}}}};
    EXPECT_EQ(to_json(answer),
              R"({"resultType":"vector","result":[{"metric":{"__name__":"up"},"value":[1,"1"]},)"
              R"({"metric":{},"value":[1,"0.5"]}]})");
    answer.type = ValueType::range_vector;
    answer.series = {{Labels(), {{1000, 1e21}, {2500, -0.0}}}};
    EXPECT_EQ(
        to_json(answer),
        R"({"resultType":"matrix","result":[{"metric":{},"values":[[1,"1e+21"],[2.500,"-0"]]}]})");
}

TEST(QueryJson, TellsStatsWhereTheyAreWanted) {
    QueryAnswer answer;
    answer.stats.samples_queried = 7;
    answer.stats.peak_samples = 9;
    answer.stats.eval_total = Millis(1500);
    auto stats = nlohmann::json::parse(to_json(answer, true)).at("stats");
    EXPECT_EQ(stats.at("samples").at("totalQueryableSamples"), 7);
    EXPECT_EQ(stats.at("samples").at("peakSamples"), 9);
    EXPECT_FALSE(stats.at("samples").contains("totalQueryableSamplesPerStep"));
    EXPECT_EQ(stats.at("timings").at("evalTotalTime"), 1.5);
    answer.stats.samples_by_step = {{1000, 3}, {2000, 4}};
    stats = nlohmann::json::parse(to_json(answer, true)).at("stats");
    EXPECT_EQ(stats.at("samples").at("totalQueryableSamplesPerStep").dump(), "[[1,3],[2,4]]");
}

TEST(QueryJson, CutsSeriesBehindTheLimit) {
    QueryAnswer answer;
    answer.series.resize(3);
    EXPECT_FALSE(cut_to_limit(answer, 0));
    EXPECT_FALSE(cut_to_limit(answer, 3));
    EXPECT_TRUE(cut_to_limit(answer, 2));
    EXPECT_EQ(answer.series.size(), 2);
}

}  // namespace
}  // namespace inferscope::api
