// SPDX-License-Identifier: Apache-2.0
#include "promql/printer.h"

#include <gtest/gtest.h>

#include "promql/parsing_for_test.h"

namespace inferscope::promql {
namespace {

std::string pretty(std::string_view query) {
    const auto text = format_query(query, with_all_features());
    return text ? *text : to_api_text(text.error());
}

TEST(FormatQuery, KeepsWhatFitsOnALine) {
    EXPECT_EQ(pretty("sum( rate(a[5m]) )by(x)"), "sum by (x) (rate(a[5m]))");
    EXPECT_EQ(pretty("a +"), "1:4: parse error: unexpected end of input");
    EXPECT_EQ(pretty(""), "unknown position: parse error: no expression found in input");
}

TEST(FormatQuery, BreaksCallsAndAggregations) {
    EXPECT_EQ(pretty("histogram_quantile(0.95, sum by (le, model_name) "
                     "(rate(vllm:time_to_first_token_seconds_bucket{engine=\"0\"}[5m])))"),
              "histogram_quantile(\n"
              "  0.95,\n"
              "  sum by (le, model_name) "
              "(rate(vllm:time_to_first_token_seconds_bucket{engine=\"0\"}[5m]))\n"
              ")");
    EXPECT_EQ(pretty("topk(3, sum by (instance, engine, model_name) (increase(vllm:request_success_"
                     "total{finished_reason=~\"stop|length\",job=\"engines\"}[1h])))"),
              R"(topk(
  3,
  sum by (instance, engine, model_name) (
    increase(vllm:request_success_total{finished_reason=~"stop|length",job="engines"}[1h])
  )
))");
}

TEST(FormatQuery, BreaksOperatorsParenthesesAndSigns) {
    EXPECT_EQ(pretty("-(sum by (instance) (rate(first_counter_total{job=\"engines\"}[5m])) / "
                     "on(instance) group_left(node) second_gauge_with_a_long_name)"),
              R"(-(
    sum by (instance) (rate(first_counter_total{job="engines"}[5m]))
  / on (instance) group_left (node)
    second_gauge_with_a_long_name
))");
}

TEST(FormatQuery, IndentsSubqueriesAsPrometheusDoes) {
    EXPECT_EQ(pretty("max_over_time((first_gauge_with_a_long_name + second_gauge_with_a_long_name_"
                     "that_does_not_fit_here_any_more_at_all_I_say)[1h:5m])"),
              R"(max_over_time(
  (
      first_gauge_with_a_long_name
    +
      second_gauge_with_a_long_name_that_does_not_fit_here_any_more_at_all_I_say
  )[1h:5m]
))");
    EXPECT_EQ(pretty("max_over_time(first_gauge_with_a_long_name_that_is_longer_than_it_should_be_"
                     "to_fit_on_a_line_at_all[1h:5m])"),
              R"(max_over_time(
first_gauge_with_a_long_name_that_is_longer_than_it_should_be_to_fit_on_a_line_at_all[1h:5m]
))");
}

}  // namespace
}  // namespace inferscope::promql
