// SPDX-License-Identifier: Apache-2.0
// kill -9 at any moment: a child appends rows and says through a pipe how many were acknowledged;
// it is killed, and the log must have all of these, value by value, and nothing that it never
// wrote. WAL_KILLS: how many children (20).
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <thread>

#include "base/check.h"
#include "telemetry/recording_appender.h"
#include "tsdb/wal_appender.h"
#include "tsdb/wal_for_test.h"
#include "tsdb/wal_replay.h"

namespace inferscope::tsdb {
namespace {

constexpr std::size_t kColumns = 70;
constexpr std::uint32_t kMostRows = 100'000;
constexpr int kRoundsInAFolder = 10;

double value_of(std::uint32_t row, std::size_t column) {
    switch (column % 4) {
        case 0:
            return static_cast<double>(row) * static_cast<double>(column + 1);
        case 1:
            return static_cast<double>(column);
        case 2:
            return row % 5 == 0 ? static_cast<double>(row) : 1.5;
        default:
            return static_cast<double>(row) * 0.1 + static_cast<double>(column);
    }
}

std::vector<double> values_of(std::uint32_t row) {
    std::vector<double> values(kColumns);
    for (std::size_t i = 0; i < kColumns; ++i) values[i] = value_of(row, i);
    return values;
}

std::string source_of(int round) { return "round " + std::to_string(round); }

/// The four ways in which a log may be used.
WalSettings settings_of(int round) {
    WalSettings settings{.segment_bytes = 100'000, .allocate_bytes = 50'000};
    if (round % 4 == 1) settings.gather_bytes = 20'000;
    if (round % 4 == 2) settings.fsync = WalSettings::Fsync::always;
    return settings;
}

void say(int pipe, std::uint32_t acknowledged) {
    CHECK(::write(pipe, &acknowledged, sizeof acknowledged) == sizeof acknowledged, "pipe is open");
}

[[noreturn]] void append_until_killed(const std::string& folder, int round, int pipe) {
    DiskFiles files;
    RecordingAppender head;
    const auto settings = settings_of(round);
    auto log = LogAppender::open(files, folder, settings, head);
    CHECK(log, "the log of the killed process can be opened");
    std::thread wal;
    if (round % 4 == 3) {
        wal = std::thread([&log] {
            while ((*log)->sync()) std::this_thread::yield();
        });
    }
    const auto group = (*log)->open_group(source_of(round));
    (*log)->add_columns(group, engine_columns(kColumns, "gpu7:8000"));
    for (std::uint32_t row = 0; row < kMostRows; ++row) {
        const auto values = values_of(row);
        CHECK((*log)->append_row(group, {.time = row, .values = values, .changed = {}}), "taken");
        if (settings.gather_bytes == 0) {
            say(pipe, row + 1);
        } else if (row % 7 == 6) {
            CHECK((*log)->flush(), "taken");
            say(pipe, row + 1);
        }
    }
    while (true) ::pause();  // all rows are written; to be killed
}

/// Kills a child once it has acknowledged `rows`, at the earliest; returns how many it had.
std::uint32_t kill_one(const std::string& folder, int round, std::uint32_t rows) {
    std::array<int, 2> ends{};
    CHECK(::pipe(ends.data()) == 0, "a pipe");
    const auto child = ::fork();
    if (child == 0) append_until_killed(folder, round, ends[1]);
    ::close(ends[1]);
    std::uint32_t acknowledged = 0;
    while (acknowledged < rows &&
           ::read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
    }
    ::kill(child, SIGKILL);
    while (::read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(ends[0]);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    return acknowledged;
}

void expect_rows(const RecordingAppender::Group& group, std::uint32_t at_least) {
    ASSERT_GE(group.rows.size(), at_least);
    for (std::uint32_t row = 0; row < group.rows.size(); ++row) {
        const auto& [time, values] = group.rows[row];
        ASSERT_EQ(time, row);
        ASSERT_EQ(values.size(), kColumns);
        for (std::size_t i = 0; i < kColumns; ++i) {
            ASSERT_EQ(std::bit_cast<std::uint64_t>(values[i]),
                      std::bit_cast<std::uint64_t>(value_of(row, i)));
        }
    }
}

/// Reads the log of some killed children; `acknowledged` has a number for each.
void expect_all(const std::string& folder, std::span<const std::uint32_t> acknowledged,
                int first_round) {
    DiskFiles files;
    RecordingAppender unused;
    const auto log = LogAppender::open(files, folder, {}, unused);
    ASSERT_TRUE(log) << log.error().text;
    RecordingAppender read;
    const auto report = replay_log(files, folder, read);
    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->skipped_bytes, 0);
    std::size_t group = 0;
    for (std::size_t i = 0; i < acknowledged.size(); ++i) {
        const auto source = source_of(first_round + static_cast<int>(i));
        const bool there = group < read.groups().size() && read.groups()[group].source == source;
        ASSERT_TRUE(there || acknowledged[i] == 0) << source;
        if (there) expect_rows(read.groups()[group++], acknowledged[i]);
    }
    EXPECT_EQ(group, read.groups().size());
}

TEST(WalKill, WhatWasAcknowledgedIsThereAfterAKill) {
    const char* wanted = std::getenv("WAL_KILLS");
    const int rounds = wanted != nullptr ? std::atoi(wanted) : 20;
    const auto folder = testing::TempDir() + "inferscope_wal_kill_" + std::to_string(::getpid());
    std::mt19937_64 random(static_cast<std::uint64_t>(rounds));
    std::vector<std::uint32_t> acknowledged;
    for (int round = 0; round < rounds && !HasFailure(); ++round) {
        if (round % kRoundsInAFolder == 0) {
            std::filesystem::remove_all(folder);
            acknowledged.clear();
        }
        const auto rows = static_cast<std::uint32_t>(random() % (round % 4 == 2 ? 100 : 2000));
        acknowledged.push_back(kill_one(folder, round, rows));
        expect_all(folder, acknowledged, round - round % kRoundsInAFolder);
    }
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace inferscope::tsdb
