// SPDX-License-Identifier: Apache-2.0
#include "telemetry/change_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace inferscope {
namespace {

TEST(ChangeLog, TellsChangesSinceAMarkByTheirOldestTime) {
    ChangeLog log;
    log.note(5);
    const auto first = log.mark();
    EXPECT_FALSE(log.has_changed(first, 1'000'000));
    log.note(20);
    log.note(30);
    EXPECT_FALSE(log.has_changed(first, 19));
    EXPECT_TRUE(log.has_changed(first, 20));
    const auto second = log.mark();
    EXPECT_FALSE(log.has_changed(second, 1'000'000));
    log.note(10);
    EXPECT_TRUE(log.has_changed(first, 10));
    EXPECT_TRUE(log.has_changed(second, 10));
    EXPECT_FALSE(log.has_changed(second, 9));
    log.note(ChangeLog::kEverything);
    EXPECT_TRUE(log.has_changed(second, -1'000'000));
}

TEST(ChangeLog, ForgetsOldMarks) {
    ChangeLog log;
    const auto old = log.mark();
    for (int i = 0; i < 1023; ++i) (void)log.mark();
    EXPECT_FALSE(log.has_changed(old, 0));
    (void)log.mark();
    EXPECT_TRUE(log.has_changed(old, 0));
}

/// What a reader that came after its mark didn't find is noted since that mark.
TEST(ChangeLog, MissesNothingThatIsWrittenMeanwhile) {
    constexpr Timestamp kLast = 200'000;
    ChangeLog log;
    std::atomic<Timestamp> written = 0;
    std::thread writer([&] {
        for (Timestamp time = 1; time <= kLast; ++time) {
            written = time;
            log.note(time);
        }
    });
    while (true) {
        const auto mark = log.mark();
        const Timestamp seen = written;
        if (seen + 2 > kLast) break;
        while (written < seen + 2) std::this_thread::yield();  // `seen + 1` has been noted
        EXPECT_TRUE(log.has_changed(mark, seen + 1));
    }
    writer.join();
}

}  // namespace
}  // namespace inferscope
