// SPDX-License-Identifier: Apache-2.0
// What differs in dialect 2, and without experimental features.
#include <gtest/gtest.h>

#include "promql/parser.h"
#include "promql/parsing_for_test.h"

namespace inferscope::promql {
namespace {

const Language kPlain;
const Language kOld(Dialect::prometheus2);

TEST(Features, AreOffUnlessEnabled) {
    expect_refused(
        {{"limitk(1, a)",
          "1:1: limitk() is experimental and must be enabled with "
          "--enable-feature=promql-experimental-functions"},
         {"limit_ratio(0.5, a)",
          "1:1: limit_ratio() is experimental and must be enabled with "
          "--enable-feature=promql-experimental-functions"},
         {"mad_over_time(a[5m])", R"(1:1: function "mad_over_time" is not enabled)"},
         {R"(sort_by_label(a, "x"))", R"(1:1: function "sort_by_label" is not enabled)"},
         {"info(a)", R"(1:1: function "info" is not enabled)"},
         {"double_exponential_smoothing(a[5m], 1, 1)",
          R"(1:1: function "double_exponential_smoothing" is not enabled)"},
         {"start()", R"(1:1: function "start" is not enabled)"},
         {"step()", R"(1:1: function "step" is not enabled)"},
         {"max_of(1, 2)", R"(1:1: function "max_of" is not enabled)"},
         {"a anchored", "1:1: anchored modifier is experimental and not enabled"},
         {"a[5m] smoothed", "1:1: smoothed modifier is experimental and not enabled"},
         {"a + fill(0) b", "1:1: binop fill modifiers are experimental and not enabled"},
         {"sum(a + fill_left(0) b)", "1:5: binop fill modifiers are experimental and not enabled"},
         {"limitk()", "1:1: no arguments for aggregate expression provided"},
         {"limitk(a)",
          "1:1: limitk() is experimental and must be enabled with "
          "--enable-feature=promql-experimental-functions"},
         {"ts_of_last_over_time(a[5m])", R"(1:1: function "ts_of_last_over_time" is not enabled)"},
         {R"(histogram_quantiles(a, "q", 0.5))",
          R"(1:1: function "histogram_quantiles" is not enabled)"},
         {"start_timestamp(a)", R"(1:1: function "start_timestamp" is not enabled)"}},
        kPlain);
    expect_unchanged({"first_over_time(a[5m])", "a[5m + step()]", "a offset -(5m)"}, kPlain);
}

TEST(Dialect2, PrintsAs242Does) {
    expect_printed({{"100000000", "1e+08"},
                    {"1e6", "1e+06"},
                    {"123456", "123456"},
                    {"0.00001", "1e-05"},
                    {"a offset -5m", "a offset -5m"},
                    {"a[5m]", "a[5m]"},
                    {"a[5m:]", "a[5m:]"},
                    {"a[5m x5m]", "a[5m:5m]"},
                    {"a[ 5m ]", "a[5m]"},
                    {"a[5m ]", "a[5m]"},
                    {"a @ 5", "a @ 5.000"},
                    {"a @ start()", "a @ start()"},
                    {"a @ start()[5m]", "a[5m] @ start()"},
                    {"limitk", "limitk"},
                    {"step", "step"},
                    {"holt_winters(a[5m], 0.5, 0.5)", "holt_winters(a[5m], 0.5, 0.5)"},
                    {"last_over_time(a[5m])", "last_over_time(a[5m])"},
                    {"histogram_count(a)", "histogram_count(a)"},
                    {"fill + fill", "fill + fill"},
                    {"a * ignoring() group_left(b) c", "a * c"},
                    {"a * on() group_left(b) c", "a * on () group_left (b) c"},
                    {R"({__name__="",a="b"})", R"({a="b"})"},
                    {"0x1e", "30"},
                    {R"(a{b=~"."})", R"(a{b=~"."})"},
                    {"a atan2 b", "a atan2 b"},
                    {"group(a)", "group(a)"},
                    {"a == bool b", "a == bool b"},
                    {"-1 ^ 2", "-1 ^ 2"},
                    {"topk(1, a) by (b)", "topk by (b) (1, a)"}},
                   kOld);
}

TEST(Dialect2, RefusesWhatCameLater) {
    expect_refused(
        {{"", "1:1: no expression found in input"},
         {"1_000", R"(1:1: bad number or duration syntax: "1")"},
         {"5m", R"(1:1: unexpected duration "5m")"},
         {"a[300]", "1:3: missing unit character in duration"},
         {"a[5m:30]",
          R"(1:6: unexpected number "30" in subquery selector, expected duration or "]")"},
         {"a offset 300", R"(1:10: unexpected number "300" in offset, expected duration)"},
         {"a offset 0s", "1:10: duration must be greater than 0"},
         {"a[0s]", "1:3: duration must be greater than 0"},
         {"a[5m:0s]", "1:6: duration must be greater than 0"},
         {"a[x]", R"(1:3: bad duration syntax: "")"},
         {"a[]", "1:3: missing unit character in duration"},
         {"a[:5m]", "1:3: missing unit character in duration"},
         {"a @ 5m", R"(1:5: unexpected duration "5m" in @, expected timestamp)"},
         {"a @ 5[5m]", "1:6: no @ modifiers allowed before range"},
         {R"({"a"})",
          R"(1:2: unexpected string "\"a\"" in label matching, expected identifier or "}")"},
         {R"({"a"="b"})",
          R"(1:2: unexpected string "\"a\"" in label matching, expected identifier or "}")"},
         {R"(a{"b"="c"})",
          R"(1:3: unexpected string "\"b\"" in label matching, expected identifier or "}")"},
         {R"(sum by ("a") (b))",
          R"(1:9: unexpected string "\"a\"" in grouping opts, expected label)"},
         {"sum by (a:b) (c)",
          R"(1:9: unexpected metric identifier "a:b" in grouping opts, expected label)"},
         {"limitk(1, a)", R"(1:1: unknown function with name "limitk")"},
         {"step()", R"(1:1: unknown function with name "step")"},
         {"start()", R"(1:6: unexpected "(")"},
         {"double_exponential_smoothing(a[5m], 0.5, 0.5)",
          R"(1:1: unknown function with name "double_exponential_smoothing")"},
         {"first_over_time(a[5m])", R"(1:1: unknown function with name "first_over_time")"},
         {"mad_over_time(a[5m])", R"(1:1: unknown function with name "mad_over_time")"},
         {"info(a)", R"(1:1: unknown function with name "info")"},
         {R"(sort_by_label(a, "b"))", R"(1:1: unknown function with name "sort_by_label")"},
         {"histogram_avg(a)", R"(1:1: unknown function with name "histogram_avg")"},
         {"a </ b", "1:4: unexpected <op:/>"},
         {"a anchored", R"(1:3: unexpected identifier "anchored")"},
         {"a + fill(0) b", R"(1:5: unknown function with name "fill")"},
         {"a offset", "1:9: unexpected end of input in offset, expected duration"},
         {"a offset b", R"(1:10: unexpected identifier "b" in offset, expected duration)"},
         {"a[5m", "1:5: unclosed left bracket"},
         {"a[5m:", "1:6: unclosed left bracket"},
         {"a[5m:x]", "1:6: unexpected colon 'x'"},
         {"a[5hs]", R"(1:3: not a valid duration string: "5hs")"},
         {"a[300y]", "1:3: duration out of range"},
         {"1h", R"(1:1: unexpected duration "1h")"},
         {"1e", R"(1:1: error parsing number: strconv.ParseFloat: parsing "1e": invalid syntax)"},
         {".5.5", R"(1:3: unexpected number ".5")"},
         {"a[(5m)]", "1:3: missing unit character in duration"},
         {"a[5m + 1m]", R"(1:6: unexpected <op:+> in subquery or range, expected ":" or "]")"},
         {"a offset (5m)", R"(1:10: unexpected "(" in offset, expected duration)"}},
        kOld);
}

TEST(Dialect2, KnowsNoFeatures) {
    Language language(Dialect::prometheus2);
    EXPECT_TRUE(language.enable("promql-experimental-functions"));
    EXPECT_TRUE(language.enable("promql-duration-expr"));
    EXPECT_FALSE(language.enable("promql-at-modifier"));
    EXPECT_FALSE(language.has(Feature::experimental_functions));
    EXPECT_FALSE(parse_query("a[5m + 1m]", language));
}

}  // namespace
}  // namespace inferscope::promql
