// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_replay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/crc32c.h"
#include "base/log.h"
#include "base/memory_files.h"
#include "tsdb/wal_appender.h"
#include "tsdb/wal_for_test.h"
#include "tsdb/wal_format.h"

namespace inferscope::tsdb {
namespace {

const std::string kFirst = "wal/00000001.wal";
const std::string kSecond = "wal/00000002.wal";

void append(Appender& log, GroupId group, Timestamp time, std::vector<double> values) {
    ASSERT_TRUE(log.append_row(group, {.time = time, .values = values, .changed = {}}));
}

/// A log of two segments with every kind of record; `live` gets its calls.
void write_log(MemoryFiles& files, CallRecorder& live) {
    auto log = *LogAppender::open(files, "wal", {}, live);
    const auto engine = log->open_group("engine");
    const auto columns = engine_columns(3, "gpu7:8000");
    log->add_columns(engine, std::span(columns).first(2));
    append(*log, engine, 1000, {1, 2.5});
    append(*log, engine, 2000, {1, 2.75});
    log->add_columns(engine, std::span(columns).last(1));
    append(*log, engine, 3000, {4, 2.75, 1e9});
    const auto other = log->open_group("other");
    ASSERT_TRUE(log->append_timed(
        other, std::array{TimedSample{columns[0].labels, nullptr, ShownOn::raw, 77, 0.1}}));
    log->append_exemplars(engine,
                          std::array{Exemplar{1, Labels::from({{"trace_id", "a1"}}), 0.5, 2999}});
    log->append_gap(engine, 3500);
    log->close_group(other, 3600);
    ASSERT_TRUE(log->roll());
    append(*log, engine, 4000, {5, 2.75, 1e9 + 1});
    log->start_epoch(engine);
    log->add_columns(engine, std::span(columns).first(1));
    append(*log, engine, 5000, {6});
}

struct Replayed {
    std::vector<std::string> lines;
    ReplayReport report;
};

Replayed replay(Files& files) {
    CallRecorder recorder;
    const auto report = replay_log(files, "wal", recorder);
    EXPECT_TRUE(report) << report.error().text;
    return {recorder.lines, report.value_or(ReplayReport())};
}

class WalReplayTest : public testing::Test {
protected:
    WalReplayTest() {
        log::set_level(log::Level::error);  // thousands of harmed logs would be reported
        write_log(files_, live_);
        first_ = files_.bytes(kFirst);
        second_ = files_.bytes(kSecond);
        const auto fourth =
            std::ranges::find_if(live_.lines, [](auto& line) { return line.contains("row 4000"); });
        calls_in_first_ = static_cast<std::size_t>(fourth - live_.lines.begin());
    }

    ~WalReplayTest() override { log::set_level(log::Level::info); }

    MemoryFiles files_;
    CallRecorder live_;
    std::string first_, second_;
    std::size_t calls_in_first_ = 0;
};

TEST_F(WalReplayTest, WholeLogGivesAllCalls) {
    const auto all = replay(files_);
    EXPECT_EQ(all.lines, live_.lines);
    EXPECT_EQ(all.report.segments.size(), 2);
    EXPECT_EQ(all.report.bytes, first_.size() + second_.size());
    EXPECT_EQ(all.report.counts.rows, 5);
}

TEST_F(WalReplayTest, EveryCutOfTheEndGivesAPrefixAndIsCutBack) {
    ASSERT_TRUE(files_.remove(kSecond));
    std::size_t most = 0;
    for (std::size_t size = 0; size <= first_.size(); ++size) {
        files_.set_bytes(kFirst, first_.substr(0, size));
        const auto left = replay(files_);
        ASSERT_LE(left.lines.size(), calls_in_first_);
        ASSERT_TRUE(
            std::ranges::equal(left.lines, std::span(live_.lines).first(left.lines.size())));
        ASSERT_EQ(left.report.bytes + left.report.cut_bytes, size);
        ASSERT_EQ(files_.bytes(kFirst).size(), left.report.bytes);
        ASSERT_GE(left.lines.size(), most);  // more bytes, more calls
        most = left.lines.size();
    }
    EXPECT_EQ(most, calls_in_first_);
}

TEST_F(WalReplayTest, EveryFlippedBitGivesAPrefix) {
    ASSERT_TRUE(files_.remove(kSecond));
    for (std::size_t bit = 0; bit < first_.size() * 8; ++bit) {
        auto harmed = first_;
        harmed[bit / 8] = static_cast<char>(harmed[bit / 8] ^ 1 << bit % 8);
        files_.set_bytes(kFirst, harmed);
        const auto left = replay(files_);
        ASSERT_LT(left.lines.size(), calls_in_first_);
        ASSERT_TRUE(
            std::ranges::equal(left.lines, std::span(live_.lines).first(left.lines.size())));
        ASSERT_EQ(left.report.bytes + left.report.cut_bytes + left.report.skipped_bytes,
                  first_.size());
    }
}

TEST_F(WalReplayTest, HarmInTheMiddleSkipsTheRestOfItsSegmentOnly) {
    for (std::size_t at = 0; at < first_.size(); ++at) {
        auto harmed = first_;
        harmed[at] = static_cast<char>(harmed[at] ^ 0x55);
        files_.set_bytes(kFirst, harmed);
        const auto left = replay(files_);
        ASSERT_EQ(left.report.cut_bytes, 0);
        ASSERT_EQ(left.report.bytes + left.report.skipped_bytes, first_.size() + second_.size());
        ASSERT_EQ(files_.bytes(kFirst), harmed);
        // The last five calls are those of the second segment, perhaps behind its groups' layouts.
        ASSERT_GE(left.lines.size(), 5);
        ASSERT_TRUE(
            std::ranges::equal(std::span(left.lines).last(4), std::span(live_.lines).last(4)));
        const std::set<std::string> known(live_.lines.begin(), live_.lines.end());
        for (const auto& line : left.lines)
            ASSERT_TRUE(known.contains(line) || line.contains(": columns ")) << line;
    }
}

TEST_F(WalReplayTest, CountsWholeBatchesBehindAHarmedOneAndLeavesThem) {
    ASSERT_TRUE(files_.remove(kSecond));
    auto harmed = first_;
    harmed[wal::kHeaderBytes + wal::kFrameBytes] ^= 1;  // the first record
    files_.set_bytes(kFirst, harmed);
    const auto left = replay(files_);
    EXPECT_EQ(left.lines.size(), 0);
    EXPECT_EQ(left.report.skipped_batches, 10);
    EXPECT_EQ(files_.bytes(kFirst), harmed);
}

TEST_F(WalReplayTest, ZerosBehindTheEndAreCutOff) {
    files_.set_bytes(kSecond, second_ + std::string(5000, '\0'));
    const auto left = replay(files_);
    EXPECT_EQ(left.lines, live_.lines);
    EXPECT_EQ(left.report.cut_bytes, 5000);
    EXPECT_EQ(files_.bytes(kSecond), second_);
}

TEST_F(WalReplayTest, RefusesALogOfANewerVersion) {
    auto newer = first_;
    newer[8] = 9;
    newer.resize(wal::kHeaderBytes - 4);
    const auto crc = crc32c(newer);
    newer.append(reinterpret_cast<const char*>(&crc), sizeof crc);
    files_.set_bytes(kFirst, newer);
    CallRecorder recorder;
    const auto refused = replay_log(files_, "wal", recorder);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::invalid_argument);
    EXPECT_EQ(refused.error().text,
              "wal/00000001.wal: log of version 9; this program reads version 1");
    EXPECT_EQ(files_.bytes(kFirst), newer);
}

TEST_F(WalReplayTest, SegmentUnderAnotherNumberIsPassedOver) {
    ASSERT_TRUE(files_.rename(kFirst, "wal/00000007.wal"));
    const auto left = replay(files_);
    EXPECT_EQ(left.lines.size(), 7);
    EXPECT_EQ(left.report.skipped_bytes, first_.size());
}

TEST_F(WalReplayTest, OtherFilesArePassedOver) {
    files_.set_bytes("wal/1.wal", "x");
    files_.set_bytes("wal/00000003.wal.old", "x");
    files_.set_bytes("wal/99999999999.wal", "x");
    EXPECT_EQ(replay(files_).lines, live_.lines);
}

TEST(WalReplay, RubbishBehindTheChecksumIsNoCall) {
    using namespace std::string_view_literals;
    const auto lines = [](std::string_view records) {
        CallRecorder recorder;
        WalReplay replay(recorder);
        replay.begin_segment(1);
        EXPECT_FALSE(replay.apply(records));
        return recorder.lines.size();
    };
    EXPECT_EQ(lines("\x08\0"sv), 0);                             // no such record
    EXPECT_EQ(lines("\3\0\0\0"sv), 0);                           // a row of no group
    EXPECT_EQ(lines("\1\0\0\5abc"sv), 0);                        // a name that isn't there
    EXPECT_EQ(lines("\1\0\0\1a\2\0\xff\xff\xff\xff\x0f"sv), 1);  // four billion columns
    EXPECT_EQ(lines("\1\0\0\1a\6\0\1\0\0\0\0\0"sv), 1);          // an exemplar of no column
}

TEST(WalReplay, RowNeedsItsLayoutInTheSameSegment) {
    using namespace std::string_view_literals;
    CallRecorder recorder;
    WalReplay replay(recorder);
    replay.begin_segment(1);
    EXPECT_TRUE(replay.apply("\1\0\0\1a\3\0\2"sv));
    replay.begin_segment(1);
    EXPECT_FALSE(replay.apply("\3\0\2"sv));
    EXPECT_TRUE(replay.apply("\1\0\0\1a\3\0\2"sv));
    EXPECT_EQ(recorder.lines, (std::vector<std::string>{"a: open", "a: row 1", "a: row 1"}));
}

}  // namespace
}  // namespace inferscope::tsdb
