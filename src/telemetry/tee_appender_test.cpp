// SPDX-License-Identifier: Apache-2.0
#include "telemetry/tee_appender.h"

#include <gtest/gtest.h>

#include <array>

#include "telemetry/recording_appender.h"

namespace inferscope {
namespace {

TEST(TeeAppender, BothGetEachCallUnderTheirOwnNumbers) {
    RecordingAppender shown;
    RecordingAppender kept;
    (void)kept.open_group("somebody else's");
    TeeAppender tee(shown, kept);
    const auto group = tee.open_group("a");
    const Column column{.labels = Labels::from({{"a", "b"}}), .family = {}, .second_names = {}};
    tee.add_columns(group, std::span(&column, 1));
    const std::array values{1.5};
    ASSERT_TRUE(tee.append_row(group, {.time = 7, .values = values, .changed = {}}));
    tee.append_gap(group, 8);
    tee.close_group(group, 9);
    for (const auto& its : {shown.groups()[0], kept.groups()[1]}) {
        EXPECT_EQ(its.source, "a");
        EXPECT_EQ(its.columns.size(), 1U);
        EXPECT_EQ(its.rows.size(), 1U);
        EXPECT_GE(its.gaps.size(), 1U);
        EXPECT_TRUE(its.closed);
    }
    EXPECT_EQ(tee.not_kept(), 0U);
}

/// A store whose disk is full.
class FullAppender final : public Appender {
public:
    GroupId open_group(std::string_view) override { return GroupId{0}; }
    void start_epoch(GroupId) override {}
    void add_columns(GroupId, std::span<const Column>) override {}
    Result<void> append_row(GroupId, const Row&) override { return Error{Errc::no_space, "full"}; }
    void append_gap(GroupId, Timestamp) override {}
    Result<void> append_timed(GroupId, std::span<const TimedSample>) override {
        return Error{Errc::invalid_argument, "out of order sample"};
    }
    void append_exemplars(GroupId, std::span<const Exemplar>) override {}
    void close_group(GroupId, Timestamp) override {}
};

TEST(TeeAppender, AStoreThatCantTakeARowDoesntFailTheScrape) {
    RecordingAppender shown;
    FullAppender kept;
    TeeAppender tee(shown, kept);
    const auto group = tee.open_group("a");
    EXPECT_TRUE(tee.append_row(group, {.time = 7, .values = {}, .changed = {}}));
    EXPECT_TRUE(tee.append_timed(group, {}));
    EXPECT_EQ(shown.groups()[0].rows.size(), 1U);
    EXPECT_EQ(tee.not_kept(), 1U);
}

}  // namespace
}  // namespace inferscope
