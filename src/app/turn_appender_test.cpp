// SPDX-License-Identifier: Apache-2.0
#include "app/turn_appender.h"

#include <gtest/gtest.h>

#include "base/memory_files.h"
#include "telemetry/recording_appender.h"
#include "tsdb/wal_appender.h"

namespace inferscope::app {
namespace {

class TurnAppenderTest : public testing::Test {
protected:
    TurnAppenderTest() {
        const std::vector columns = {
            Column{.labels = Labels::from({{"__name__", "a"}}),
                   .family = std::make_shared<const Family>(Family{"a", MetricType::gauge, "", ""}),
                   .second_names = {}}};
        group = turn.open_group("test");
        turn.add_columns(group, columns);
        turn.end_turn();
        turns = 0;
    }
    Result<void> append(double value) {
        return turn.append_row(group, {.time = now += 1000, .values = {&value, 1}, .changed = {}});
    }
    std::size_t rows() { return next.groups()[0].rows.size(); }

    MemoryFiles files;
    RecordingAppender next;
    std::unique_ptr<tsdb::LogAppender> log =
        tsdb::LogAppender::open(files, "log", {.allocate_bytes = 0}, next).value();
    int turns = 0;
    TurnAppender turn{*log, [this] { ++turns; }};
    GroupId group{};
    Timestamp now = 0;
};

TEST_F(TurnAppenderTest, WritesWhatCameWithinATurnAtItsEnd) {
    const auto before = log->written();
    ASSERT_TRUE(append(1));
    ASSERT_TRUE(append(2));
    EXPECT_EQ(turns, 1);
    EXPECT_EQ(rows(), 2U) << "seen at once";
    EXPECT_EQ(log->written(), before);
    turn.end_turn();
    EXPECT_GT(log->written(), before);
    ASSERT_TRUE(append(3));
    EXPECT_EQ(turns, 2);
    turn.end_turn();
}

TEST_F(TurnAppenderTest, LosesNothingWhenTheLogClosesWithinATurn) {
    ASSERT_TRUE(append(1));
    const auto path = "log/" + files.list("log").value().back();
    const auto before = files.bytes(path).size();
    log.reset();
    EXPECT_GT(files.bytes(path).size(), before);
}

TEST_F(TurnAppenderTest, LetsSourcesHearOfARefusalAndTakesTurnsAgainWhenItIsOver) {
    files.set_room(0);
    ASSERT_TRUE(append(1));
    turn.end_turn();
    EXPECT_EQ(append(2).error().code, Errc::no_space);
    EXPECT_EQ(append(3).error().code, Errc::no_space);
    EXPECT_EQ(turns, 1);
    EXPECT_EQ(rows(), 1U);
    files.set_room(MemoryFiles::kEndless);
    ASSERT_TRUE(append(4));
    EXPECT_EQ(turns, 1);
    const auto before = log->written();
    ASSERT_TRUE(append(5));
    EXPECT_EQ(turns, 2);
    EXPECT_EQ(log->written(), before);
    turn.end_turn();
    EXPECT_EQ(rows(), 3U);
}

}  // namespace
}  // namespace inferscope::app
