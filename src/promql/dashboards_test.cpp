// SPDX-License-Identifier: Apache-2.0
// The expressions of tests/promql/dashboards, which use what dashboards and rules use, in both
// dialects.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "promql/dashboard_queries_for_test.h"

namespace inferscope::promql {
namespace {

const Language kPrometheus3{Dialect::prometheus3};
const Language kPrometheus2{Dialect::prometheus2};

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Dashboards, ExpressionsEvaluateInBothDialects) {
    std::size_t queries = 0;
    for (const auto& entry : std::filesystem::directory_iterator(
             std::filesystem::path(INFERSCOPE_SOURCE_DIR) / "tests" / "promql" / "dashboards")) {
        for (const auto& query : dashboard_queries_in(text_of(entry.path()))) {
            ++queries;
            EXPECT_EQ(evaluate_dashboard_query(query, kPrometheus3).error, "") << query;
            EXPECT_EQ(evaluate_dashboard_query(query, kPrometheus2).error, "") << query;
        }
    }
    EXPECT_GE(queries, 60U);
}

TEST(Dashboards, FindsWhatCannotBeEvaluated) {
    EXPECT_EQ(evaluate_dashboard_query("sum(up", kPrometheus3).error,
              "1:7: unclosed left parenthesis");
    EXPECT_EQ(evaluate_dashboard_query("up[5m]", kPrometheus3).error, "");  // an instant query only
    EXPECT_EQ(evaluate_dashboard_query("label_replace(up, \"-\", \"\", \"\", \"\")", kPrometheus2)
                  .error.substr(0, 9),
              "instant: ");
    EXPECT_EQ(evaluate_dashboard_query("first_over_time(up[5m])", kPrometheus3).error, "");
    EXPECT_NE(evaluate_dashboard_query("first_over_time(up[5m])", kPrometheus2).error, "");
}

TEST(Dashboards, ExpressionsMeetSeriesOfTheirSelectors) {
    for (const auto* query :
         {R"(up{job="a", x!="", y=~"b|c", z!~"a|"})", R"({__name__=~"node_.+", mode!="idle"})",
          R"(histogram_quantile(0.5, rate(x_bucket{job="a"}[5m])) > 0)",
          "a * on (pod) group_left (node) b"})
        EXPECT_TRUE(evaluate_dashboard_query(query, kPrometheus3).has_answer) << query;
    EXPECT_FALSE(evaluate_dashboard_query("up > Inf", kPrometheus3).has_answer);
}

}  // namespace
}  // namespace inferscope::promql
