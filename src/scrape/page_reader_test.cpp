// SPDX-License-Identifier: Apache-2.0
#include "scrape/page_reader.h"

#include <gtest/gtest.h>

#include <map>

#include "base/numbers.h"

namespace inferscope::scrape {
namespace {

/// Gives every new key the next column, as a scrape without relabelling does; `x_dropped` is
/// dropped.
class Columns final : public NewSeries {
public:
    Result<ColumnIndex> on_new_series(const exposition::Line& line,
                                      const FamilyPtr& family) override {
        ++calls;
        families[std::string(line.name)] = *family;
        if (line.name == "x_refused") return Error{Errc::limit_exceeded, "refused"};
        if (line.name == "x_dropped") return kDropped;
        if (line.time && honor_timestamps) return kFirstTimed;
        return columns
            .try_emplace(exposition::parse_series(line.key).value(),
                         static_cast<ColumnIndex>(columns.size()))
            .first->second;
    }

    bool honor_timestamps = true;
    int calls = 0;
    std::map<Labels, ColumnIndex> columns;
    std::map<std::string, Family> families;
};

class PageReaderTest : public testing::Test {
protected:
    Result<PageValues, ParseError> read(std::string page) {
        return reader.read(page, exposition::Format::text, columns);
    }
    std::vector<double> row() { return {reader.row().begin(), reader.row().end()}; }

    Columns columns;
    PageLayouts layouts;
    PageReader reader{layouts, true, 1000};
};

TEST_F(PageReaderTest, LearnsALayoutOnceAndThenReadsOnlyWhatChanged) {
    auto first = read("# TYPE a counter\na{x=\"1\"} 1\na{x=\"2\"} 2\nb 3\n");
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->layout_known);
    EXPECT_EQ(first->added, 3u);
    auto second = read("# TYPE a counter\na{x=\"1\"} 1\na{x=\"2\"} 2000.5\nb 3\n");
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->layout_known);
    EXPECT_EQ(second->added, 0u);
    EXPECT_EQ(row(), (std::vector<double>{1, 2000.5, 3}));
    EXPECT_EQ(reader.changed()[0], 0b010u);
    auto third = read("# TYPE a counter\na{x=\"1\"} 1\na{x=\"2\"} 3\nb 4\n");
    ASSERT_TRUE(third);
    EXPECT_TRUE(third->layout_known);
    EXPECT_EQ(row(), (std::vector<double>{1, 3, 4}));
    EXPECT_EQ(columns.calls, 3);
}

TEST_F(PageReaderTest, ReadsOnlyUnknownLinesInFullWhenALineComesOrGoes) {
    ASSERT_TRUE(read("a 1\nb 2\nc 3\n"));
    auto values = read("a 1\nc 30\nd 4\n");
    ASSERT_TRUE(values);
    EXPECT_FALSE(values->layout_known);
    EXPECT_EQ(values->added, 1u);
    EXPECT_EQ(columns.calls, 4);
    ASSERT_EQ(reader.row().size(), 4u);
    EXPECT_EQ(reader.row()[0], 1);
    EXPECT_TRUE(is_stale_marker(reader.row()[1]));
    EXPECT_EQ(reader.row()[2], 30);
    EXPECT_EQ(reader.row()[3], 4);
    values = read("a 1\nb 5\nc 30\nd 4\n");
    ASSERT_TRUE(values);
    EXPECT_EQ(columns.calls, 4) << "a series that comes back keeps its column";
    EXPECT_EQ(row(), (std::vector<double>{1, 5, 30, 4}));
}

TEST_F(PageReaderTest, KeepsNothingOfAPageThatFails) {
    ASSERT_TRUE(read("a 1\nb 2\n"));
    for (const auto* bad : {"a 9\nb x\n", "a 9\nnew 1\nx_refused 1\n", "a 9\nb 2\nc{ 1\n"}) {
        const auto values = read(bad);
        ASSERT_FALSE(values) << bad;
        EXPECT_GT(values.error().line, 1);
        EXPECT_EQ(row(), (std::vector<double>{1, 2})) << bad;
    }
    columns.columns.clear();
    columns.columns[Labels::from({{"__name__", "a"}})] = 0;
    columns.columns[Labels::from({{"__name__", "b"}})] = 1;
    ASSERT_TRUE(read("a 1\nb 2\nnew 7\n"));
    EXPECT_EQ(row(), (std::vector<double>{1, 2, 7}));
}

TEST_F(PageReaderTest, CountsTheLinesOfTheLastPageThatWasFine) {
    ASSERT_TRUE(read("a 1\nb 2\na 3\n"));
    ASSERT_FALSE(read("c{ 1\n"));
    const auto values = read("a 5\nb 6\na 7\n");
    ASSERT_TRUE(values);
    EXPECT_TRUE(values->layout_known);
    EXPECT_EQ(values->kept, 2u);
    EXPECT_EQ(values->duplicates, 1u);
}

TEST_F(PageReaderTest, KeepsItsOwnValuesWhereAnotherReaderHasTheSameLayout) {
    PageReader other(layouts, true, 1000);
    Columns its;
    ASSERT_TRUE(read("a 1\nb 2\n"));
    ASSERT_TRUE(other.read("a 10\nb 20\n", exposition::Format::text, its));
    ASSERT_TRUE(other.read("a 100\nb 20\nc 3\n", exposition::Format::text, its));
    const auto values = read("a 1\nb 3\n");
    ASSERT_TRUE(values);
    EXPECT_TRUE(values->layout_known);
    EXPECT_EQ(reader.changed()[0], 0b10U);
    EXPECT_EQ(row(), (std::vector<double>{1, 3}));
    EXPECT_EQ(other.row()[0], 100);
}

TEST_F(PageReaderTest, RefusesInOpenMetricsWhatOnlyTheTextFormatAllows) {
    ASSERT_TRUE(read("a {x=\"1\"} 1\nb 2\n"));
    std::string page = "b 2\na {x=\"1\"} 1\n# EOF\n";
    EXPECT_FALSE(reader.read(page, exposition::Format::openmetrics, columns))
        << "its key is known, but of the other format";
    ASSERT_TRUE(read("b 20\na {x=\"1\"} 10\n"));
    EXPECT_EQ(row(), (std::vector<double>{10, 20}));
    EXPECT_EQ(columns.calls, 2);
}

TEST_F(PageReaderTest, CountsAsAddedInANewEpochOnlyWhatWasNotThere) {
    ASSERT_TRUE(read("a 1\nb 2\n"));
    reader.forget();
    columns.columns.clear();
    auto values = read("b 2\nc 3\n");
    ASSERT_TRUE(values);
    EXPECT_EQ(values->added, 1u);
    values = read("b 2\nc 3\nd 4\n");
    ASSERT_TRUE(values);
    EXPECT_EQ(values->added, 1u);
}

TEST_F(PageReaderTest, LetsTheFirstOfTwoLinesWithOneLabelSetWin) {
    const auto* page = "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\na{x=\"1\",y=\"2\"} 3\n";
    auto values = read(page);
    ASSERT_TRUE(values);
    EXPECT_EQ(values->duplicates, 2u);
    EXPECT_EQ(values->samples, 3u);
    EXPECT_EQ(values->kept, 1u);
    EXPECT_EQ(row(), (std::vector<double>{1}));
    values = read("a{x=\"1\",y=\"2\"} 4\na{y=\"2\",x=\"1\"} 5\na{x=\"1\",y=\"2\"} 6\n");
    ASSERT_TRUE(values);
    EXPECT_TRUE(values->layout_known);
    EXPECT_EQ(row(), (std::vector<double>{4}));
}

TEST_F(PageReaderTest, HandsLinesWithTimesOnBesideTheRow) {
    ASSERT_TRUE(read("a 1\nb 2 1000\n"));
    const auto values = read("a 1\nb 3 2000\n");
    ASSERT_TRUE(values);
    EXPECT_TRUE(values->layout_known);
    EXPECT_EQ(reader.row().size(), 1u);
    ASSERT_EQ(values->special.size(), 1u);
    EXPECT_EQ(values->special[0].value, 3);
    EXPECT_EQ(values->special[0].time, 2000);
}

TEST_F(PageReaderTest, IgnoresTimesThatAreNotHonored) {
    columns.honor_timestamps = false;
    PageReader deaf(layouts, false, 1000);
    for (const auto* text : {"b 2 1000\n", "b 3 2000\n"}) {
        std::string page = text;
        const auto values = deaf.read(page, exposition::Format::text, columns);
        ASSERT_TRUE(values);
        EXPECT_FALSE(values->special[0].time);
    }
    EXPECT_EQ(deaf.row()[0], 3);
}

TEST_F(PageReaderTest, CarriesExemplarsOfOpenMetrics) {
    std::string page = "# TYPE a counter\na_total 1 # {trace_id=\"x\"} 0.5\n# EOF\n";
    for (int i = 0; i < 2; ++i) {
        std::string copy = page;
        const auto values = reader.read(copy, exposition::Format::openmetrics, columns);
        ASSERT_TRUE(values);
        EXPECT_EQ(values->layout_known, i == 1);
        ASSERT_EQ(values->special.size(), 1u);
        EXPECT_EQ(values->special[0].exemplar, "{trace_id=\"x\"} 0.5");
    }
    EXPECT_EQ(reader.row()[0], 1);
    EXPECT_EQ(columns.families["a_total"].name, "a_total");
    EXPECT_EQ(columns.families["a_total"].type, MetricType::counter);
}

TEST_F(PageReaderTest, FindsTheFamilyOfSuffixedAndOfGarbledNames) {
    ASSERT_TRUE(
        read("# HELP h Help\\n.\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n"
             "# TYPE s:c counter\ns_c_total 1\nlone 1\n"));
    EXPECT_EQ(columns.families["h_bucket"].name, "h");
    EXPECT_EQ(columns.families["h_count"].type, MetricType::histogram);
    EXPECT_EQ(columns.families["h_sum"].help, "Help\n.");
    EXPECT_EQ(columns.families["s_c_total"].type, MetricType::counter);
    EXPECT_EQ(columns.families["lone"].type, MetricType::unknown);
}

TEST_F(PageReaderTest, RefusesAPageOverTheSampleLimitAndSaysHowToRaiseIt) {
    PageReader small(layouts, true, 2);
    std::string page = "a 1\nb 2\nc 3\n";
    const auto values = small.read(page, exposition::Format::text, columns);
    ASSERT_FALSE(values);
    EXPECT_NE(values.error().text.find("sample_limit"), std::string::npos);
}

TEST_F(PageReaderTest, LeavesDerivedColumnsAlone) {
    ASSERT_TRUE(read("a 1\nb 2\n"));
    reader.ensure_columns(3);
    reader.row()[2] = 42;
    ASSERT_TRUE(read("a 1\n"));
    EXPECT_EQ(reader.row()[2], 42);
    ASSERT_TRUE(read("a 5\n"));
    EXPECT_EQ(reader.row()[2], 42);
}

TEST_F(PageReaderTest, SeesEveryChangeOfLengthAndEnd) {
    ASSERT_TRUE(read("a 1\nb 2\n# the end\n"));
    for (const auto* page :
         {"a 1\nb 2\n", "a 1\nb 2", "a 1 \nb 2\n# the end\n", "a 1\nb 222\n# the end\n",
          "a NaN\nb +Inf\n# the end\n", "a 1\nb 2\n# the end\nc 3\n"}) {
        PageReader fresh(layouts, true, 1000);
        std::string copy = page;
        Columns other;
        ASSERT_TRUE(fresh.read(copy, exposition::Format::text, other)) << page;
        ASSERT_TRUE(read(page)) << page;
        for (std::size_t i = 0; i < fresh.row().size(); ++i) {
            EXPECT_EQ(format_number(reader.row()[i]), format_number(fresh.row()[i]))
                << page << " column " << i;
        }
    }
}

}  // namespace
}  // namespace inferscope::scrape
