// SPDX-License-Identifier: Apache-2.0
#include "exposition/history_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "telemetry/recording_appender.h"

namespace inferscope::exposition {
namespace {

using testing::ElementsAre;

Result<HistoryCounts, ParseError> read(std::string_view text, PieceAppender& into) {
    return read_history(text, into, [] { return Result<void>(); });
}

std::string error_of(std::string_view text) {
    RecordingAppender into;
    const auto refused = read(text, into);
    return refused ? "" : refused.error().message();
}

TEST(HistoryReader, MakesAColumnOfEachSeriesWhereverItsLinesStand) {
    RecordingAppender into;
    const auto counts = read(
        "# TYPE c counter\n# HELP c Calls.\nc_total{a=\"1\",b=\"2\"} 1 1\nd 5 2.5\n"
        "c_total{b=\"2\",a=\"1\"} 2 2 # {trace=\"x\"} 1 1\n# EOF\n",
        into);
    ASSERT_TRUE(counts) << counts.error().message();
    EXPECT_EQ(counts->series, 2);
    ASSERT_EQ(into.groups().size(), 1);
    const auto& group = into.groups()[0];
    EXPECT_TRUE(group.loose);
    EXPECT_FALSE(group.closed);
    ASSERT_EQ(group.columns.size(), 2);
    EXPECT_EQ(group.columns[0].family->name, "c_total");
    EXPECT_EQ(group.columns[0].family->help, "Calls.");
    std::vector<std::tuple<Timestamp, std::uint32_t, double>> cells;
    for (const auto& [time, piece] : group.pieces)
        for (const auto& cell : piece) cells.emplace_back(time, cell.column, cell.value);
    EXPECT_THAT(cells, ElementsAre(std::tuple(1000, 0, 1.0), std::tuple(2500, 1, 5.0),
                                   std::tuple(2000, 0, 2.0)));
}

TEST(HistoryReader, NamesTheLineWithoutATime) {
    EXPECT_EQ(error_of("a 1 5\nb{x=\"1\"} 2\n# EOF\n"),
              "line 2 column 11: expected a time: samples without one can't be imported");
    EXPECT_THAT(error_of("a 1 5\n"), testing::StartsWith("line 2 column 1: expected '# EOF'"));
    EXPECT_THAT(error_of("a 1 5\na{x=\"1\",x=\"1\"} 1 5\n# EOF\n"),
                testing::StartsWith("line 2 column 1: "));
}

TEST(HistoryReader, ACounterIsNamedAfterItsTotalWhateverComesFirst) {
    RecordingAppender into;
    ASSERT_TRUE(read("# TYPE c counter\nc_created 5 1\nc_total 1 1\n# EOF\n", into));
    for (const auto& column : into.groups()[0].columns) EXPECT_EQ(column.family->name, "c_total");
}

TEST(HistoryReader, StopsWhereWhatIsBetweenFails) {
    RecordingAppender into;
    const auto full = [] { return Result<void>(Error{Errc::no_space, "disk full"}); };
    const auto failed = read_history("a 1 5\n# EOF\n", into, full);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().text, "disk full");
}

}  // namespace
}  // namespace inferscope::exposition
