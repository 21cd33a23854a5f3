// SPDX-License-Identifier: Apache-2.0
// The store as its users see it: what was taken is read again, whatever happened in between.
#include "tsdb/store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <cstdlib>
#include <map>
#include <random>
#include <thread>

#include "base/log.h"
#include "base/memory_files.h"
#include "base/numbers.h"

namespace inferscope::tsdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::size_t kEndless = static_cast<std::size_t>(-1);

Labels name(std::string_view metric) { return Labels::from({{kMetricName, metric}}); }
Column column(const Labels& labels) { return {.labels = labels, .family = {}, .second_names = {}}; }

class StoreTest : public testing::Test {
protected:
    void SetUp() override { open(); }
    void open() {
        store_.reset();
        auto opened = Store::open(files_, folder_, config_);
        ASSERT_TRUE(opened) << opened.error().text;
        store_ = std::move(*opened);
    }
    Result<void> timed(std::string_view metric, Timestamp time, double value) {
        const auto group = store_->appender().open_group("test");
        const TimedSample sample{name(metric), nullptr, ShownOn::raw, time, value};
        return store_->appender().append_timed(group, std::span(&sample, 1));
    }
    std::string text(std::string_view metric, Timestamp from = 0, Timestamp to = kForever) {
        const std::vector matchers{Matcher::equal(std::string(kMetricName), std::string(metric))};
        const auto selection = store_->read(matchers, from, to, kEndless);
        EXPECT_TRUE(selection);
        std::string out;
        for (const auto& series : selection->series) {
            for (const auto& [time, value] : selection->samples(series))
                out += fmt::format("{}{}={}", out.empty() ? "" : " ", time, format_number(value));
        }
        return out;
    }

    MemoryFiles files_;
    std::string folder_ = "data";
    StoreConfig config_;
    std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, KeepsSamplesOverRestartsAndFlushes) {
    ASSERT_TRUE(timed("a", 1000, 1));
    EXPECT_EQ(text("a"), "1000=1");
    open();
    EXPECT_EQ(text("a"), "1000=1");
    ASSERT_TRUE(store_->flush(5));
    EXPECT_EQ(text("a"), "1000=1");
    EXPECT_EQ(store_->stats().blocks.blocks, 1);
    ASSERT_TRUE(timed("a", 2000, 2));
    EXPECT_EQ(text("a"), "1000=1 2000=2");
    open();
    EXPECT_EQ(text("a"), "1000=1 2000=2");
    ASSERT_TRUE(store_->flush(6));
    open();
    EXPECT_EQ(text("a"), "1000=1 2000=2");
    EXPECT_EQ(text("a", 1500), "2000=2");
}

TEST_F(StoreTest, SeriesGoOnInAnotherGroupAfterARestart) {
    std::string expected;
    for (Timestamp time = 1000; time < 8000; time += 1000) {
        const auto group = store_->appender().open_group("test");
        store_->appender().add_columns(group, std::vector{column(name("a"))});
        const std::array values{static_cast<double>(time)};
        const Row row{.time = time, .values = values, .changed = {}};
        ASSERT_TRUE(store_->appender().append_row(group, row));
        expected += fmt::format("{}{}={}", expected.empty() ? "" : " ", time, time);
        EXPECT_EQ(text("a"), expected);
        open();
        EXPECT_EQ(text("a"), expected);
    }
}

TEST_F(StoreTest, TakesSamplesOfAnyTimeInAnEmptyStore) {
    for (const Timestamp time : {0, 1, 1'000'000'000}) ASSERT_TRUE(timed("a", time, 1));
    for (const Timestamp time : {0, 1, 1'000'000'000}) ASSERT_TRUE(timed("b", time, 2));
    ASSERT_TRUE(store_->flush(1));
    EXPECT_EQ(text("b"), "0=2 1=2 1000000000=2");
    EXPECT_EQ(store_->stats().blocks.blocks, 2);
}

TEST_F(StoreTest, NeitherAClockThatJumpsNorASampleBeyondItRemovesAnything) {
    constexpr Timestamp kHour = Timestamp{3600} * 1000;
    constexpr Timestamp kNow = 500'000 * kHour;
    config_.blocks.retention = Millis(2 * kHour);
    open();
    ASSERT_TRUE(timed("a", kNow, 1));
    for (const Timestamp clock : {kNow, kNow + 1000 * kHour, Timestamp{0}, kNow}) {
        ASSERT_TRUE(store_->maintain(clock));
        ASSERT_TRUE(store_->flush(clock));
        EXPECT_EQ(text("a"), fmt::format("{}=1", kNow));
    }
    ASSERT_TRUE(timed("b", kNow + 1000 * kHour, 2));
    ASSERT_TRUE(store_->flush(kNow + kHour));
    EXPECT_EQ(text("a"), fmt::format("{}=1", kNow));
    EXPECT_EQ(text("b"), fmt::format("{}=2", kNow + 1000 * kHour));

    ASSERT_TRUE(timed("a", kNow + 6 * kHour, 3));
    ASSERT_TRUE(store_->flush(kNow + 6 * kHour));
    EXPECT_EQ(text("a"), fmt::format("{}=3", kNow + 6 * kHour)) << "now the first one is old";
    EXPECT_EQ(text("b"), fmt::format("{}=2", kNow + 1000 * kHour));
}

TEST_F(StoreTest, CutsTheHeadThoughASampleIsFarAhead) {
    constexpr Timestamp kHour = Timestamp{3600} * 1000;
    constexpr Timestamp kNow = 500'000 * kHour;
    ASSERT_TRUE(timed("ahead", kNow + 1000 * kHour, 2));
    for (Timestamp time = kNow; time < kNow + 8 * kHour; time += kHour / 2) {
        ASSERT_TRUE(timed("a", time, 1));
        ASSERT_TRUE(store_->maintain(time));
    }
    EXPECT_GE(store_->stats().cuts, 3u);
}

TEST_F(StoreTest, HasOneOwner) {
    const auto second = Store::open(files_, folder_, config_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::already_exists);
}

TEST_F(StoreTest, TellsNamesAndSeriesOfMemoryAndBlocks) {
    ASSERT_TRUE(timed("a", 1000, 1));
    ASSERT_TRUE(store_->flush(1));
    ASSERT_TRUE(timed("b", 2000, 1));
    const std::string metric(kMetricName);
    EXPECT_THAT(store_->label_names({}, 0, 9000, 0), ElementsAre(metric));
    EXPECT_THAT(store_->label_values(metric, {}, 0, 9000, 0), ElementsAre("a", "b"));
    EXPECT_THAT(store_->label_values(metric, {}, 0, 9000, 1), ElementsAre("a"));
    EXPECT_THAT(store_->series({}, 0, 9000), ElementsAre(name("a"), name("b")));
    EXPECT_THAT(store_->series({}, 1500, 9000), ElementsAre(name("b")));
    EXPECT_THAT(store_->series({}, 0, 1500), ElementsAre(name("a")));
}

TEST_F(StoreTest, TellsNoSeriesThatWasDeleted) {
    ASSERT_TRUE(timed("a", 1000, 1));
    ASSERT_TRUE(timed("b", 1000, 1));
    const std::vector is_a{Matcher::equal(std::string(kMetricName), "a")};
    const auto mark = store_->changes().mark();
    ASSERT_TRUE(store_->delete_series(is_a, {}, 1));
    EXPECT_TRUE(store_->changes().has_changed(mark, 0));
    EXPECT_THAT(store_->series({}, 0, 9000), ElementsAre(name("b")));
    const std::string metric(kMetricName);
    EXPECT_THAT(store_->label_values(metric, {}, 0, 9000, 0), ElementsAre("b"));
    const std::vector is_any{Matcher::not_equal(metric, "")};
    EXPECT_THAT(store_->label_values(metric, is_any, 0, 9000, 0), ElementsAre("b"));
    ASSERT_TRUE(timed("a", 2000, 2));
    EXPECT_THAT(store_->label_values(metric, {}, 1500, 9000, 0), ElementsAre("a"));
    EXPECT_THAT(store_->label_names({}, 2500, 9000, 0), IsEmpty());
    EXPECT_THAT(store_->series({}, 0, 9000), ElementsAre(name("a"), name("b")));
}

TEST_F(StoreTest, KeepsFamiliesWhenTheLogIsCut) {
    const auto family =
        std::make_shared<const Family>(Family{"a", MetricType::counter, "Help.", "seconds"});
    store_->appender().add_families(std::span(&family, 1));
    ASSERT_TRUE(timed("a", 1000, 1));
    ASSERT_TRUE(store_->flush(1));
    open();
    const auto families = store_->families("a", 0);
    ASSERT_EQ(families.size(), 1);
    EXPECT_EQ(families[0]->help, "Help.");
}

TEST_F(StoreTest, AFullDiskFailsTheCutAndLosesNothing) {
    config_.wal.allocate_bytes = 1000;
    open();
    const auto group = store_->appender().open_group("test");
    store_->appender().add_columns(group, std::vector{column(name("a"))});
    const auto row = [&](Timestamp time) {
        const std::array values{static_cast<double>(time)};
        return store_->appender().append_row(group,
                                             {.time = time, .values = values, .changed = {}});
    };
    std::string expected;
    Timestamp time = 0;
    for (; time < 20; ++time) {
        ASSERT_TRUE(row(time));
        expected += fmt::format("{}{}={}", expected.empty() ? "" : " ", time, time);
    }
    for (std::uint64_t room = 0; room < 600; room += 11) {
        files_.set_room(room);
        const auto flushed = store_->flush(1);
        if (!flushed) EXPECT_EQ(flushed.error().code, Errc::no_space);
        EXPECT_EQ(text("a"), expected) << room;
        files_.set_room(MemoryFiles::kEndless);
        ASSERT_TRUE(row(time));
        expected += fmt::format(" {}={}", time, time);
        ++time;
    }
    ASSERT_TRUE(store_->flush(1));
    open();
    EXPECT_EQ(text("a"), expected);
}

std::vector<Column> numbered_columns(std::size_t count, std::string_view pod) {
    std::vector<Column> columns;
    for (std::size_t i = 0; i < count; ++i) {
        const auto number = fmt::format("{}", i);
        columns.push_back(column(Labels::from({{kMetricName, "m"}, {"n", number}, {"pod", pod}})));
    }
    return columns;
}

TEST_F(StoreTest, SeriesThatComeAndGoDontStayInMemory) {
    log::set_level(log::Level::error);
    constexpr std::uint32_t kSeries = 2'000;
    Timestamp now = 1'700'000'000'000;
    std::size_t settled = 0;
    for (int generation = 0; generation < 48; ++generation) {  // three hours each
        const auto pod = fmt::format("pod-{}", generation);
        const auto group = generation % 2 == 0 ? store_->appender().open_group(pod)
                                               : store_->appender().open_loose_group(pod);
        store_->appender().add_columns(group, numbered_columns(kSeries, pod));
        std::vector<Cell> cells;
        for (std::uint32_t i = 0; i < kSeries; ++i) cells.push_back({i, 1.0 * i});
        for (int row = 0; row < 12; ++row) {
            ASSERT_TRUE(store_->appender().append_cells(group, now, cells));
            now += 15 * 60 * 1000;
            ASSERT_TRUE(store_->maintain(now));
        }
        store_->appender().close_group(group, now);
        if (generation == 20) settled = store_->stats().head.memory.bytes;
    }
    const auto stats = store_->stats();
    EXPECT_LE(stats.head.series, 3 * kSeries);
    EXPECT_LT(stats.head.memory.bytes, settled * 3 / 2);
    EXPECT_LT(stats.wal_bytes, 10 << 20);
    const std::vector matchers{Matcher::equal("pod", "pod-7"), Matcher::equal("n", "77")};
    const auto old = store_->read(matchers, 0, kForever, kEndless);
    ASSERT_TRUE(old);
    ASSERT_EQ(old->series.size(), 1);
    EXPECT_EQ(old->samples(old->series[0]).size(), 12);
}

TEST_F(StoreTest, AGroupMayHaveAHundredThousandColumns) {
    constexpr std::size_t kColumns = 100'000;
    const auto group = store_->appender().open_group("kube-state-metrics");
    store_->appender().add_columns(group, numbered_columns(kColumns, "x"));
    std::vector<double> values(kColumns);
    for (Timestamp time = 0; time < 40; ++time) {
        for (std::size_t i = 0; i < kColumns; ++i) values[i] = static_cast<double>(i % 7) + 0.5;
        values[77'777] = static_cast<double>(time);
        ASSERT_TRUE(
            store_->appender().append_row(group, {.time = time, .values = values, .changed = {}}));
    }
    const std::vector matchers{Matcher::equal("n", "77777")};
    for (int round = 0; round < 2; ++round) {
        const auto selection = store_->read(matchers, 0, kForever, kEndless);
        ASSERT_TRUE(selection);
        ASSERT_EQ(selection->series.size(), 1);
        const auto samples = selection->samples(selection->series[0]);
        ASSERT_EQ(samples.size(), 40);
        EXPECT_EQ(samples[39].value, 39);
        ASSERT_TRUE(store_->flush(1));
    }
}

/// STORE_SINGLES: how many (a million in the long tests).
TEST_F(StoreTest, SeriesByThemselvesTakeLessThanTwoKibibytes) {
    const char* const asked = std::getenv("STORE_SINGLES");
    const std::size_t count = asked != nullptr ? std::stoul(asked) : 50'000;
    constexpr std::size_t kInAGroup = 50'000;
    std::vector<GroupId> groups;
    for (std::size_t at = 0; at < count; at += kInAGroup) {
        const auto pod = fmt::format("{}", at);
        groups.push_back(store_->appender().open_loose_group("singles"));
        store_->appender().add_columns(groups.back(),
                                       numbered_columns(std::min(kInAGroup, count - at), pod));
    }
    for (Timestamp time = 0; time < 40; ++time) {
        for (std::size_t at = 0; at < count; ++at) {
            const Cell cell{static_cast<std::uint32_t>(at % kInAGroup),
                            0.1 * static_cast<double>(time)};
            const auto when = time * 15'000 + static_cast<Timestamp>(at % 15'000);
            ASSERT_TRUE(
                store_->appender().append_cells(groups[at / kInAGroup], when, std::span(&cell, 1)));
        }
        ASSERT_TRUE(store_->maintain(time));
    }
    EXPECT_LT(store_->stats().head.memory.bytes / count, 2048);
    ASSERT_TRUE(store_->flush(1));
    const std::vector matchers{Matcher::equal("n", "7")};
    const auto selection = store_->read(matchers, 0, kForever, kEndless);
    ASSERT_TRUE(selection);
    EXPECT_EQ(selection->series.size(), groups.size());
    EXPECT_EQ(selection->samples(selection->series[0]).size(), 40);
}

/// Three writers (rows, pieces, series by themselves) among a reader and background work: what a
/// reader has seen once it sees always, and in the end everything is there.
TEST_F(StoreTest, ManyThreadsUseItAtOnce) {
    log::set_level(log::Level::error);
    constexpr Timestamp kRows = 10'000;
    constexpr Timestamp kStep = 15'000;
    std::atomic<bool> is_done = false;
    const auto write = [&](int kind) {
        auto& appender = store_->appender();
        const auto pod = fmt::format("{}", kind);
        const auto group = kind == 2 ? appender.open_loose_group(pod) : appender.open_group(pod);
        appender.add_columns(group, numbered_columns(4, pod));
        for (Timestamp row = 0; row < kRows; ++row) {
            const auto value = static_cast<double>(row);
            const std::array values{value, value, value, value};
            if (kind == 0) {
                ASSERT_TRUE(appender.append_row(
                    group, {.time = row * kStep, .values = values, .changed = {}}));
                continue;
            }
            const std::array cells{Cell{0, value}, Cell{1, value}, Cell{2, value}, Cell{3, value}};
            appender.begin_batch();
            ASSERT_TRUE(appender.append_cells(group, row * kStep, std::span(cells).first(2)));
            ASSERT_TRUE(appender.append_cells(group, row * kStep, std::span(cells).last(2)));
            ASSERT_TRUE(appender.end_batch());
        }
    };
    const auto expect_rising = [&](std::size_t at_least) {
        const auto selection = store_->read({}, 0, kForever, kEndless);
        ASSERT_TRUE(selection);
        std::size_t all = 0;
        for (const auto& series : selection->series) {
            const auto samples = selection->samples(series);
            for (std::size_t i = 0; i < samples.size(); ++i)
                ASSERT_EQ(samples[i].value * kStep, static_cast<double>(samples[i].time));
            all += samples.size();
        }
        ASSERT_GE(all, at_least);
    };
    std::thread reader([&] {
        std::size_t seen = 0;
        while (!is_done) {
            const auto taken = store_->sample_counts()[Verdict::taken];
            expect_rising(seen);
            seen = taken;
        }
    });
    std::thread background([&] {
        for (Timestamp now = 0; !is_done; ++now) {
            ASSERT_TRUE(store_->maintain(now));
            if (now % 7 == 6) ASSERT_TRUE(store_->flush(now));
            ASSERT_TRUE(store_->sync());
            (void)store_->stats();
        }
    });
    std::vector<std::thread> writers;
    for (int kind = 0; kind < 3; ++kind) writers.emplace_back(write, kind);
    for (auto& writer : writers) writer.join();
    is_done = true;
    reader.join();
    background.join();
    expect_rising(kRows * 4 * 3);
    open();
    expect_rising(kRows * 4 * 3);
}

/// Random rows, pieces and samples by themselves, with flushes, restarts and power cuts in between.
class RandomStore : public StoreTest {
protected:
    struct Source {
        GroupId id{};
        std::vector<std::string> columns;
        bool has_rows = false;
    };

    bool one_of(unsigned many) { return random_() % many == 0; }
    double any_value() {
        return one_of(5) ? 0.1 * static_cast<double>(random_() % 100)
                         : static_cast<double>(random_() % 3);
    }
    void open_sources() {
        sources_.clear();
        for (unsigned i = 0; i < 6; ++i) {
            auto& source = sources_.emplace_back();
            source.has_rows = i < 2;
            source.id = i == 5 ? store_->appender().open_loose_group("loose")
                               : store_->appender().open_group("source");
            add_columns(source, i);
        }
    }
    void add_columns(Source& source, unsigned number) {
        std::vector<Column> columns;
        for (unsigned i = 0; i < 1 + random_() % 5; ++i) {
            const auto metric = fmt::format("m{}_{}", number, source.columns.size());
            columns.push_back(column(name(metric)));
            source.columns.push_back(metric);
        }
        store_->appender().add_columns(source.id, columns);
    }
    /// No time twice for a series: what happens then is the head's test.
    bool is_free(const std::string& metric, Timestamp time) {
        return !samples_[metric].contains(time);
    }
    void append() {
        auto& source = sources_[random_() % sources_.size()];
        const Timestamp time = one_of(8) ? now_ - static_cast<Timestamp>(random_() % 60'000)
                                         : now_ += static_cast<Timestamp>(random_() % 90'000);
        if (source.has_rows) return append_row(source, time);
        std::vector<Cell> cells;
        for (std::uint32_t i = 0; i < source.columns.size(); ++i) {
            if (one_of(3) || !is_free(source.columns[i], time)) continue;
            cells.push_back({i, any_value()});
            samples_[source.columns[i]][time] = cells.back().value;
        }
        const auto taken = store_->appender().append_cells(source.id, time, cells);
        ASSERT_TRUE(taken);
        ASSERT_EQ((*taken)[Verdict::taken], cells.size());
    }
    void append_row(const Source& source, Timestamp time) {
        std::vector<double> values;
        for (const auto& metric : source.columns) {
            if (!is_free(metric, time)) return;
            values.push_back(any_value());
        }
        for (std::size_t i = 0; i < values.size(); ++i)
            samples_[source.columns[i]][time] = values[i];
        ASSERT_TRUE(store_->appender().append_row(source.id,
                                                  {.time = time, .values = values, .changed = {}}));
    }
    void compare(Timestamp from, Timestamp to) {
        const auto selection = store_->read({}, from, to, kEndless);
        ASSERT_TRUE(selection) << selection.error().text;
        EXPECT_THAT(selection->warnings, IsEmpty());
        std::map<std::string, std::vector<Sample>> found;
        for (const auto& series : selection->series)
            found[std::string(series.labels.metric_name())] = selection->samples(series);
        for (const auto& [metric, all] : samples_) {
            const auto& its = found[metric];
            std::size_t at = 0;
            for (auto sample = all.lower_bound(from); sample != all.end() && sample->first <= to;
                 ++sample, ++at) {
                ASSERT_LT(at, its.size()) << metric;
                ASSERT_EQ(its[at].time, sample->first) << metric;
                ASSERT_TRUE(same_bits(its[at].value, sample->second)) << metric;
            }
            ASSERT_EQ(at, its.size()) << metric;
        }
    }
    void step() {
        switch (random_() % 60) {
            case 0:
                return void(store_->flush(now_));
            case 1:
                ASSERT_TRUE(store_->sync());
                files_.crash(random_());
                open();
                return open_sources_again();
            case 2:
                open();
                return open_sources_again();
            case 3:
            case 4:
                ASSERT_TRUE(store_->maintain(now_));
                return;
            case 5:
                return compare(now_ - static_cast<Timestamp>(random_() % 20'000'000), now_);
            case 6: {
                const auto number = static_cast<unsigned>(random_() % 5);
                return add_columns(sources_[number], number);
            }
            default:
                append();
        }
    }
    /// The same series go on in new groups.
    void open_sources_again() {
        for (unsigned i = 0; i < sources_.size(); ++i) {
            auto& source = sources_[i];
            source.id = i == 5 ? store_->appender().open_loose_group("loose")
                               : store_->appender().open_group("source");
            std::vector<Column> columns;
            for (const auto& metric : source.columns) columns.push_back(column(name(metric)));
            store_->appender().add_columns(source.id, columns);
        }
    }

    std::mt19937 random_;
    Timestamp now_ = 1'700'000'000'000;
    std::vector<Source> sources_;
    std::map<std::string, std::map<Timestamp, double>> samples_;
};

TEST_F(RandomStore, GivesBackWhatItTook) {
    log::set_level(log::Level::error);
    for (unsigned seed = 0; seed < 40; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        random_.seed(seed);
        store_.reset();
        folder_ = fmt::format("data {}", seed);
        samples_.clear();
        config_.wal.segment_bytes = 1 + random_() % 20'000;
        open();
        open_sources();
        for (int i = 0; i < 1500; ++i) {
            step();
            ASSERT_FALSE(HasFatalFailure()) << "step " << i;
        }
        compare(0, kForever);
        ASSERT_TRUE(store_->flush(now_));
        compare(0, kForever);
        ASSERT_FALSE(HasFatalFailure());
    }
}

}  // namespace
}  // namespace inferscope::tsdb
