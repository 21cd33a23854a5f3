// SPDX-License-Identifier: Apache-2.0
#include "telemetry/row_writer.h"

#include <gtest/gtest.h>

#include <array>

#include "telemetry/recording_appender.h"

namespace inferscope {
namespace {

const auto kLoad = std::make_shared<const Family>(Family{"load", MetricType::gauge, "Load.", ""});

TEST(RowWriter, AnnouncesASeriesOnceAndMarksWhatIsGoneAsStale) {
    RecordingAppender appender;
    RowWriter rows(appender, "test", Labels::from({{"instance", "a"}}));
    rows.set(kLoad, {{"cpu", "0"}}, 1);
    rows.set(kLoad, {{"cpu", "1"}}, 2);
    ASSERT_TRUE(rows.flush(1000));
    rows.set(kLoad, {{"cpu", "1"}}, 3);
    ASSERT_TRUE(rows.flush(2000));
    ASSERT_EQ(appender.groups().size(), 1u);
    EXPECT_EQ(appender.groups()[0].columns.size(), 2u);
    EXPECT_EQ(appender.latest(),
              (std::map<std::string, double>{{R"(load{cpu="1",instance="a"})", 3}}));
}

TEST(RowWriter, ForgetsColumnsWhenMostAreDead) {
    RecordingAppender appender;
    RowWriter rows(appender, "test");
    for (const auto* cpu : {"0", "1", "2"}) rows.set(kLoad, {{"cpu", cpu}}, 1);
    for (int i = 0; i < 102; ++i) {
        rows.set(kLoad, {{"cpu", "9"}}, i);
        ASSERT_TRUE(rows.flush(i));
    }
    EXPECT_EQ(appender.groups()[0].epochs, 2);
    EXPECT_EQ(appender.groups()[0].columns.size(), 1u);
}

TEST(RowWriter, SetsAKnownSeriesByItsRefAndFindsItAgainAfterForgetting) {
    RecordingAppender appender;
    RowWriter rows(appender, "test", Labels::from({{"instance", "a"}}));
    SeriesRef load;
    for (const auto* cpu : {"0", "1", "2"}) rows.set(kLoad, {{"cpu", cpu}}, 1);
    for (int i = 0; i < 102; ++i) {
        rows.set(load, kLoad, {{"cpu", "9"}}, i);
        ASSERT_TRUE(rows.flush(i));
    }
    EXPECT_EQ(appender.groups()[0].epochs, 2);
    EXPECT_EQ(appender.latest(),
              (std::map<std::string, double>{{R"(load{cpu="9",instance="a"})", 101}}));
}

TEST(Histogram, IsCumulativeWithInclusiveBounds) {
    RecordingAppender appender;
    RowWriter rows(appender, "test");
    const auto family =
        std::make_shared<const Family>(Family{"h", MetricType::histogram, "H.", ""});
    Histogram histogram({0.5, 1});
    for (const double value : {0.5, 0.7, 3.0}) histogram.observe(value);
    histogram.write(rows, family, {});
    ASSERT_TRUE(rows.flush(1));
    EXPECT_EQ(appender.latest(), (std::map<std::string, double>{{R"(h_bucket{le="0.5"})", 1},
                                                                {R"(h_bucket{le="1.0"})", 2},
                                                                {R"(h_bucket{le="+Inf"})", 3},
                                                                {"h_sum", 4.2},
                                                                {"h_count", 3}}));
}

}  // namespace
}  // namespace inferscope
