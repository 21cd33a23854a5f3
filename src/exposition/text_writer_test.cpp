// SPDX-License-Identifier: Apache-2.0
#include "exposition/text_writer.h"

#include <gtest/gtest.h>

#include <limits>

namespace inferscope::exposition {
namespace {

TEST(TextWriter, WritesAFamilyAndItsSamples) {
    std::string out;
    TextWriter writer(out);
    writer.family(
        {.name = "a_total", .type = MetricType::counter, .help = "A \\ \"b\"\nc", .unit = {}});
    writer.sample("a_total", std::vector<Label>{{"x", "1\"\\\n"}}, 3);
    writer.sample(Labels::from({{kMetricName, "a_total"}, {"y", "2"}}), 0.1);
    writer.sample("a_total", {}, std::numeric_limits<double>::infinity());
    EXPECT_EQ(out,
              "# HELP a_total A \\\\ \"b\"\\nc\n"
              "# TYPE a_total counter\n"
              "a_total{x=\"1\\\"\\\\\\n\"} 3\n"
              "a_total{y=\"2\"} 0.1\n"
              "a_total +Inf\n");
}

TEST(TextWriter, LeavesOutAnEmptyHelp) {
    std::string out;
    TextWriter(out).family({.name = "a", .type = MetricType::unknown, .help = {}, .unit = {}});
    EXPECT_EQ(out, "# TYPE a untyped\n");
}

TEST(TextWriter, QuotesNamesThatTheLegacyAlphabetLacks) {
    std::string out;
    TextWriter writer(out);
    writer.family({.name = "a.b", .type = MetricType::gauge, .help = "x", .unit = {}});
    writer.sample(Labels::from({{kMetricName, "a.b"}, {"c\"d", "e"}, {"f", "g"}}), 1);
    writer.sample("a.b", {}, 2);
    EXPECT_EQ(out,
              "# HELP \"a.b\" x\n# TYPE \"a.b\" gauge\n{\"a.b\",\"c\\\"d\"=\"e\",f=\"g\"} "
              "1\n{\"a.b\"} 2\n");
    const auto back = parse_series(R"({"a.b","c\"d"="e",f="g"})");
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, Labels::from({{kMetricName, "a.b"}, {"c\"d", "e"}, {"f", "g"}}));
}

}  // namespace
}  // namespace inferscope::exposition
