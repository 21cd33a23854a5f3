// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_appender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <thread>

#include "base/memory_files.h"
#include "base/numbers.h"
#include "tsdb/wal_for_test.h"
#include "tsdb/wal_replay.h"

namespace inferscope::tsdb {
namespace {

using testing::HasSubstr;

class LogAppenderTest : public testing::Test {
protected:
    void open(const WalSettings& settings = {}) {
        log_.reset();
        auto opened = LogAppender::open(files_, "wal", settings, live_);
        ASSERT_TRUE(opened) << opened.error().text;
        log_ = std::move(*opened);
    }

    Result<void> append(GroupId group, Timestamp time, std::vector<double> values) {
        return log_->append_row(group, {.time = time, .values = values, .changed = {}});
    }

    GroupId open_engine(std::size_t columns = 3) {
        const auto group = log_->open_group("engine");
        log_->add_columns(group, engine_columns(columns, "gpu7:8000"));
        return group;
    }

    /// What reading the log gives.
    std::vector<std::string> replayed() {
        CallRecorder recorder;
        const auto report = replay_log(files_, "wal", recorder);
        EXPECT_TRUE(report) << report.error().text;
        report_ = report.value_or(ReplayReport());
        return recorder.lines;
    }

    MemoryFiles files_;
    CallRecorder live_;
    std::unique_ptr<LogAppender> log_;
    ReplayReport report_;
};

TEST_F(LogAppenderTest, ABatchIsWrittenAtItsEndAndKnowsWhetherItWas) {
    files_.refuse_allocation(true);
    open();
    const auto group = open_engine(1);
    log_->begin_batch();
    const auto before = log_->written();
    ASSERT_TRUE(log_->append_cells(group, 1000, std::vector{Cell{0, 1}}));
    EXPECT_EQ(log_->written(), before);
    ASSERT_TRUE(log_->end_batch());
    EXPECT_GT(log_->written(), before);
    log_->begin_batch();
    ASSERT_TRUE(log_->append_cells(group, 2000, std::vector{Cell{0, 2}}));
    files_.set_room(0);
    EXPECT_FALSE(log_->flush());  // by somebody else
    files_.set_room(MemoryFiles::kEndless);
    EXPECT_EQ(log_->end_batch().error().code, Errc::no_space);
    ASSERT_TRUE(log_->append_cells(group, 3000, std::vector{Cell{0, 3}}));
    const auto lines = replayed();
    EXPECT_EQ(lines.size(), 4);
    EXPECT_THAT(lines.back(), HasSubstr("cells 3000"));
}

TEST_F(LogAppenderTest, EveryCallIsHandedOnAndComesBack) {
    open();
    const auto group = open_engine();
    ASSERT_TRUE(append(group, 1000, {1, 2.5, -3}));
    ASSERT_TRUE(append(group, 2000, {1, 2.75, 4}));
    log_->add_columns(group, engine_columns(2, "gpu8:8000"));
    ASSERT_TRUE(append(group, 3000, {2, 2.75, 4, 5, 6}));
    log_->append_gap(group, 4000);
    const auto other = log_->open_group("other");
    const auto column = engine_columns(1, "x")[0];
    const std::array timed{TimedSample{column.labels, column.family, ShownOn::raw, 77, 0.1},
                           TimedSample{column.labels, nullptr, ShownOn::metrics, -3, 2e300}};
    ASSERT_TRUE(log_->append_timed(other, timed));
    const std::array exemplars{Exemplar{4, Labels::from({{"trace_id", "a1"}}), 0.5, 2999},
                               Exemplar{0, Labels(), 3, 3001}};
    log_->append_exemplars(group, exemplars);
    log_->start_epoch(group);
    ASSERT_TRUE(append(group, 5000, {}));
    log_->add_columns(group, std::span(&column, 1));
    ASSERT_TRUE(append(group, 6000, {9}));
    log_->close_group(other, 7000);
    const auto loose = log_->open_loose_group("loose");
    log_->add_columns(loose, engine_columns(2, "y"));
    const std::array cells{Cell{0, 1.5}, Cell{1, kStaleMarker}};
    ASSERT_TRUE(log_->append_cells(loose, 8000, cells));
    log_->add_families(std::span(&column.family, 1));
    EXPECT_EQ(live_.lines.size(), 21);
    EXPECT_EQ(replayed(), live_.lines);
    EXPECT_EQ(report_.counts.rows, 6);
    EXPECT_EQ(report_.open_groups, (std::vector{group, loose}));
}

TEST_F(LogAppenderTest, SegmentsStandOnTheirOwn) {
    open({.segment_bytes = 1500});
    const auto group = open_engine();
    const auto idle = log_->open_group("idle");
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(append(group, i, {1.0 * i, 0.5 * i, 7}));
    const auto segments = log_->segments();
    ASSERT_TRUE(segments);
    ASSERT_GT(segments->size(), 3);
    for (const auto& segment : *segments) EXPECT_LT(segment.bytes, 1600);
    EXPECT_EQ(replayed(), live_.lines);

    const auto last = log_->roll();
    ASSERT_TRUE(last);
    ASSERT_TRUE(append(group, 1000, {1, 2, 3}));
    log_->append_gap(idle, 1001);
    ASSERT_TRUE(log_->drop_before(*last));
    EXPECT_EQ(log_->segments()->size(), 1);
    const auto left = replayed();
    ASSERT_EQ(left.size(), 5);  // both groups, columns, the row, the gap
    EXPECT_EQ(left[2], live_.lines[live_.lines.size() - 2]);
}

TEST_F(LogAppenderTest, SegmentThatIsWrittenToIsNotDropped) {
    open();
    const auto group = open_engine();
    ASSERT_TRUE(append(group, 1, {1, 2, 3}));
    ASSERT_TRUE(log_->drop_before(1000));
    EXPECT_EQ(log_->segments()->size(), 1);
}

TEST_F(LogAppenderTest, NextProcessGoesOnInASegmentOfItsOwn) {
    for (int run = 0; run < 3; ++run) {
        open();
        const auto group = open_engine();
        ASSERT_TRUE(append(group, run, {1, 2, 3}));
    }
    live_.lines.clear();
    log_.reset();
    EXPECT_EQ(files_.list("wal")->size(), 3);  // and no lock is left
    EXPECT_EQ(replayed().size(), 11);          // two of the groups are closed
    EXPECT_EQ(report_.open_groups.size(), 1);
}

TEST_F(LogAppenderTest, FolderHasOneWriter) {
    open();
    const auto second = LogAppender::open(files_, "wal", {}, live_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::already_exists);
    EXPECT_THAT(second.error().text, HasSubstr("wal/lock: in use by"));
}

TEST_F(LogAppenderTest, FullDiskRefusesRowsAndTakesThemAgain) {
    for (const bool ahead : {true, false}) {
        files_.refuse_allocation(!ahead);
        for (std::uint64_t room = 0; room < 1500; room += 7) {
            live_ = {};
            files_.set_room(MemoryFiles::kEndless);
            open({.allocate_bytes = 100});
            files_.set_room(room);
            const auto group = open_engine();
            int taken = 0;
            for (int i = 0; i < 50; ++i) {
                const auto appended = append(group, i, {1.0 * i, 0.1 * i, 7});
                taken += appended ? 1 : 0;
                if (!appended) EXPECT_EQ(appended.error().code, Errc::no_space);
                if (i == 40) files_.set_room(MemoryFiles::kEndless);
            }
            EXPECT_GE(taken, 9);
            EXPECT_EQ(replayed(), live_.lines) << room;
            EXPECT_EQ(report_.cut_bytes + report_.skipped_bytes, 0);
            ASSERT_TRUE(log_->drop_before(log_->roll().value_or(0)));
        }
    }
}

TEST_F(LogAppenderTest, HalfARowThatCantBeCutStopsTheLog) {
    files_.refuse_allocation(true);
    open();
    const auto group = open_engine();
    ASSERT_TRUE(append(group, 1, {1, 2, 3}));
    files_.set_room(10);
    files_.fail_truncates(true);
    EXPECT_FALSE(append(group, 2, {1.1, 2.1, 3.1}));
    files_.set_room(MemoryFiles::kEndless);
    files_.fail_truncates(false);
    const auto refused = append(group, 3, {1, 2, 4});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::io_error);
    EXPECT_THAT(refused.error().text, HasSubstr("until a restart"));
    EXPECT_EQ(replayed(), live_.lines);
}

TEST_F(LogAppenderTest, FailedSyncMakesTheLogReadOnly) {
    open();
    const auto group = open_engine();
    ASSERT_TRUE(append(group, 1, {1, 2, 3}));
    ASSERT_TRUE(log_->sync());
    EXPECT_EQ(log_->synced(), log_->written());
    ASSERT_TRUE(append(group, 2, {1, 2, 4}));
    EXPECT_LT(log_->synced(), log_->written());
    files_.fail_syncs(true);
    EXPECT_EQ(log_->sync().error().code, Errc::io_error);
    files_.fail_syncs(false);
    EXPECT_EQ(append(group, 3, {1, 2, 5}).error().code, Errc::io_error);
    EXPECT_FALSE(log_->sync());
    EXPECT_FALSE(log_->flush());
    EXPECT_FALSE(log_->roll());
    EXPECT_EQ(replayed(), live_.lines);
}

TEST_F(LogAppenderTest, SyncAlwaysSurvivesAPowerCut) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        open({.fsync = WalSettings::Fsync::always, .segment_bytes = 1500});
        const auto group = open_engine();
        for (int i = 0; i < 60; ++i) ASSERT_TRUE(append(group, i, {1.0 * i, 0.1 * i, 7}));
        files_.crash(seed);
        EXPECT_EQ(replayed(), live_.lines);
        live_ = {};
        log_.reset();
        for (const auto& name : *files_.list("wal")) ASSERT_TRUE(files_.remove("wal/" + name));
    }
}

TEST_F(LogAppenderTest, PowerCutLosesNothingThatWasSyncedAndKeepsAPrefix) {
    std::mt19937_64 random(5);
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        open();
        const auto group = open_engine();
        std::size_t safe = 0;
        for (int i = 0; i < 60; ++i) {
            ASSERT_TRUE(append(group, i, {1.0 * i, 0.1 * i, 7}));
            if (random() % 20 != 0) continue;
            ASSERT_TRUE(log_->sync());
            safe = live_.lines.size();
        }
        files_.crash(seed);
        const auto left = replayed();
        ASSERT_GE(left.size(), safe);
        ASSERT_TRUE(std::equal(left.begin(), left.end(), live_.lines.begin()));
        const auto cut = report_.cut_bytes;
        EXPECT_EQ(replayed(), left);  // the tail is gone now
        EXPECT_EQ(report_.cut_bytes, 0) << cut;
        live_ = {};
        log_.reset();
        for (const auto& name : *files_.list("wal")) ASSERT_TRUE(files_.remove("wal/" + name));
    }
}

TEST_F(LogAppenderTest, GatheredCallsAreWrittenTogether) {
    open({.gather_bytes = 1000});
    const auto group = open_engine();
    ASSERT_TRUE(append(group, 1, {1, 2, 3}));
    const auto empty = log_->written();
    ASSERT_TRUE(log_->flush());
    EXPECT_GT(log_->written(), empty + 100);
    EXPECT_EQ(replayed(), live_.lines);
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(append(group, i, {0.1 * i, 0.2 * i, 0.3 * i}));
    EXPECT_GT(log_->written(), 5000);  // not more than gather_bytes wait
    ASSERT_TRUE(log_->flush());
    EXPECT_EQ(replayed(), live_.lines);
}

TEST_F(LogAppenderTest, LostGatheredCallsDontHarmLaterOnes) {
    open({.allocate_bytes = 0, .gather_bytes = 1'000'000});
    const auto group = open_engine();
    ASSERT_TRUE(append(group, 1, {1, 2, 3}));
    files_.set_room(5);
    EXPECT_EQ(log_->flush().error().code, Errc::no_space);
    EXPECT_EQ(replayed(), std::vector<std::string>());
    files_.set_room(MemoryFiles::kEndless);
    ASSERT_TRUE(append(group, 2, {1, 2, 4}));
    ASSERT_TRUE(log_->flush());
    EXPECT_EQ(replayed(), (std::vector{live_.lines[0], live_.lines[1], live_.lines[3]}));
}

TEST_F(LogAppenderTest, RowsThatTheNextAppenderRefusedAreOfferedAgain) {
    open();
    const auto group = open_engine();
    live_.refuse_rows = true;
    EXPECT_EQ(append(group, 1, {1, 2, 3}).error().code, Errc::limit_exceeded);
    live_.refuse_rows = false;
    ASSERT_TRUE(append(group, 2, {1, 2, 4}));
    EXPECT_EQ(replayed().size(), live_.lines.size() + 1);
    CallRecorder refusing;
    refusing.refuse_rows = true;
    EXPECT_EQ(replay_log(files_, "wal", refusing)->counts.refused, 2);
}

TEST_F(LogAppenderTest, ChangedIsNotHandedOnBehindARefusedRow) {
    open({.allocate_bytes = 0});
    const auto group = open_engine();
    ASSERT_TRUE(append(group, 1, {1, 2, 3}));
    files_.set_room(0);
    EXPECT_FALSE(append(group, 2, {8, 2, 3}));
    files_.set_room(MemoryFiles::kEndless);
    const std::array values{8.0, 2.0, 4.0};
    const std::array<std::uint64_t, 1> third_only{4};
    ASSERT_TRUE(log_->append_row(group, {.time = 3, .values = values, .changed = third_only}));
    EXPECT_EQ(live_.lines.size(), 4);  // without a complaint
    EXPECT_EQ(replayed(), live_.lines);
}

TEST_F(LogAppenderTest, ChangedIsNotBelievedOfNewColumns) {
    open();
    const auto group = open_engine(1);
    ASSERT_TRUE(append(group, 1, {1}));
    log_->add_columns(group, engine_columns(1, "gpu8:8000"));
    const std::array values{1.0, 5.0};
    const std::array<std::uint64_t, 1> none{0};
    ASSERT_TRUE(log_->append_row(group, {.time = 2, .values = values, .changed = none}));
    EXPECT_EQ(live_.lines.back(), "engine: row 2 3ff0000000000000 4014000000000000");
    EXPECT_EQ(replayed(), live_.lines);
}

TEST_F(LogAppenderTest, MoreFullSegmentsThanMayWaitAreSyncedByTheWriter) {
    open({.segment_bytes = 100});
    const auto group = open_engine();
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(append(group, i, {1, 2, 3}));
    files_.fail_syncs(true);
    EXPECT_FALSE(append(group, 31, {1, 2, 3}));
}

TEST_F(LogAppenderTest, SyncRunsBesideAppends) {
    open({.segment_bytes = 20'000});
    const auto group = open_engine();
    std::atomic<bool> done = false;
    std::thread wal([&] {
        while (!done) EXPECT_TRUE(log_->sync());
    });
    for (int i = 0; i < 5000; ++i) EXPECT_TRUE(append(group, i, {0.1 * i, 2, 3}));
    done = true;
    wal.join();
    ASSERT_TRUE(log_->sync());
    EXPECT_EQ(log_->synced(), log_->written());
    EXPECT_EQ(replayed(), live_.lines);
}

}  // namespace
}  // namespace inferscope::tsdb
