// SPDX-License-Identifier: Apache-2.0
#include "remote/intake.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>

#include "base/numbers.h"
#include "doubles/piece_recorder.h"
#include "doubles/remote_write_message.h"

namespace inferscope::remote {
namespace {

using doubles::compressed;
using doubles::exemplar_field;
using doubles::label_field;
using doubles::label_fields;
using doubles::PieceRecorder;
using doubles::sample_field;
using doubles::series;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Timestamp kTime = 1'760'000'000'000;
constexpr Timestamp kMinute = 60'000;

Labels metric(std::string_view name, std::string_view instance = "a:1") {
    return Labels::from({{kMetricName, name}, {"instance", instance}, {"job", "j"}});
}

/// A row of `size` series of one instance.
std::string row(Timestamp time, int size, std::string_view instance = "a:1", double value = 1) {
    std::string message;
    for (int i = 0; i < size; ++i)
        message += series(metric(fmt::format("m{}", i), instance), {{time, value + i}});
    return message;
}

class IntakeTest : public testing::Test {
protected:
    WriteOutcome write(std::string_view message) {
        auto outcome = intake.write(compressed(message));
        EXPECT_TRUE(outcome) << outcome.error().text;
        return outcome ? *outcome : WriteOutcome{};
    }
    Error fail(std::string_view body) {
        auto outcome = intake.write(body);
        EXPECT_FALSE(outcome);
        return outcome ? Error{} : outcome.error();
    }

    PieceRecorder store;
    WriteConfig config;
    Intake intake{store, config};
};

TEST_F(IntakeTest, SeriesOfOneTargetAndTimeBecomeOneGroupAndOnePiece) {
    const auto outcome = write(row(kTime, 5) + row(kTime, 4, "b:1"));
    EXPECT_EQ(outcome.samples[Verdict::taken], 9u);
    EXPECT_EQ(outcome.refusals, "");
    ASSERT_THAT(store.groups, SizeIs(2));
    EXPECT_EQ(store.groups[0].source, "remote write, job j, instance a:1");
    EXPECT_FALSE(store.groups[0].is_loose);
    EXPECT_THAT(store.groups[0].columns, SizeIs(5));
    EXPECT_EQ(store.groups[0].columns[3].labels, metric("m3"));
    ASSERT_THAT(store.groups[0].pieces, SizeIs(1));
    EXPECT_EQ(store.groups[0].pieces[0].first, kTime);
    EXPECT_EQ(store.groups[0].pieces[0].second[4].value, 5);
    EXPECT_THAT(store.groups[1].columns, SizeIs(4));
    EXPECT_EQ(store.batches, 1);
}

TEST_F(IntakeTest, KnownSeriesKeepTheirColumns) {
    write(row(kTime, 5));
    write(row(kTime + kMinute, 5, "a:1", 0));
    ASSERT_THAT(store.groups, SizeIs(1));
    EXPECT_THAT(store.groups[0].columns, SizeIs(5));
    ASSERT_THAT(store.groups[0].pieces, SizeIs(2));
    EXPECT_EQ(store.groups[0].pieces[1].second[0].value, 0);
    EXPECT_EQ(store.groups[0].pieces[1].second[3].column, 3u);
}

TEST_F(IntakeTest, AFewSeriesShareTheLooseGroup) {
    write(row(kTime, 3) + row(kTime, 3, "b:1"));
    write(row(kTime + kMinute, 1, "c:1"));
    ASSERT_THAT(store.groups, SizeIs(1));
    EXPECT_TRUE(store.groups[0].is_loose);
    EXPECT_THAT(store.groups[0].columns, SizeIs(7));
}

TEST_F(IntakeTest, SeriesThatStartAtDifferentTimesShareNoGroup) {
    std::string message;
    for (int i = 0; i < 5; ++i) message += series(metric(fmt::format("m{}", i)), {{kTime + i, 1}});
    write(message);
    ASSERT_THAT(store.groups, SizeIs(1));
    EXPECT_TRUE(store.groups[0].is_loose);
}

TEST_F(IntakeTest, ShardsOfOneTargetAreGroupsOfTheirOwn) {
    const auto all = row(kTime, 10);
    std::string shards[2];
    for (int i = 0; i < 10; ++i)
        shards[i % 2] += series(metric(fmt::format("m{}", i)), {{kTime, 1. + i}});
    write(shards[0]);
    write(shards[1]);
    ASSERT_THAT(store.groups, SizeIs(2));
    EXPECT_THAT(store.groups[1].columns, SizeIs(5));
    EXPECT_EQ(write(all).samples[Verdict::known], 10u);
    EXPECT_THAT(store.groups, SizeIs(2));
}

TEST_F(IntakeTest, OneSeriesMayStandInARequestTwice) {
    const auto outcome = write(row(kTime, 5) + row(kTime + 1, 5));
    EXPECT_EQ(outcome.samples[Verdict::taken], 10u);
    ASSERT_THAT(store.groups, SizeIs(1));
    EXPECT_THAT(store.groups[0].columns, SizeIs(5));
    EXPECT_THAT(store.groups[0].pieces, SizeIs(2));
}

TEST_F(IntakeTest, AllSpellingsOfALabelSetAreOneSeries) {
    const Label name{kMetricName, "m"}, job{"job", "j"}, zone{"zone", "z"}, empty{"a", ""};
    const auto one = sample_field({kTime, 1});
    write(series(label_fields(std::vector{name, job, zone}) + one));
    const std::vector<std::string> others{
        label_fields(std::vector{zone, name, job}) + sample_field({kTime + 1, 2}),
        label_fields(std::vector{name, empty, job, zone}) + sample_field({kTime + 2, 3}),
        sample_field({kTime + 3, 4}) + label_fields(std::vector{name, job, zone}),
        label_field(job) + sample_field({kTime + 4, 5}) + label_field(name) +
            sample_field({kTime + 5, 6}) + label_field(zone)};
    for (int round = 0; round < 2; ++round) {
        for (const auto& fields : others) write(series(fields));
    }
    ASSERT_THAT(store.groups, SizeIs(1));
    EXPECT_THAT(store.groups[0].columns, SizeIs(1));
    ASSERT_THAT(store.samples, SizeIs(1));
    EXPECT_THAT(store.samples.begin()->second, SizeIs(6));
    EXPECT_EQ(intake.counters().series, 1u);
}

TEST_F(IntakeTest, ALabelThatLooksLikeASampleStaysALabel) {
    // The label's value ends in the bytes of a sample; the series has no sample behind it, or one.
    const auto fake = sample_field({kTime, 7});
    ASSERT_EQ(fake.size(), 18u);
    const std::string fields = label_fields(std::vector<Label>{{kMetricName, "m"}, {"x", fake}});
    write(series(fields));
    EXPECT_THAT(store.samples, IsEmpty());
    EXPECT_EQ(intake.counters().series, 0u);
}

TEST_F(IntakeTest, AllFormsOfASampleAreRead) {
    const std::vector<Sample> samples{{-5, 1},
                                      {0, 0},
                                      {0x7fff'ffff'ffff, -0.0},
                                      {kTime, kNormalNaN},
                                      {kTime + 1, kStaleMarker},
                                      {kTime + 2, 1e300}};
    store.oldest = std::numeric_limits<Timestamp>::min();
    for (const auto& sample : samples) {
        PieceRecorder one;
        one.oldest = std::numeric_limits<Timestamp>::min();
        Intake alone(one, config);
        ASSERT_TRUE(alone.write(compressed(series(metric("m"), {sample}))));
        const auto& taken = one.samples.at(metric("m").to_text());
        ASSERT_THAT(taken, SizeIs(1));
        EXPECT_EQ(taken.begin()->first, sample.time);
        EXPECT_TRUE(same_bits(taken.begin()->second, sample.value));
    }
}

TEST_F(IntakeTest, OfSeveralValuesAtOneTimeTheFirstIsTakenAndTheStoreJudgesTheOthers) {
    const auto outcome = write(series(metric("m"), {{kTime, 1}, {kTime, 2}, {kTime, 1}}));
    EXPECT_EQ(outcome.samples[Verdict::taken], 1u);
    EXPECT_EQ(outcome.samples[Verdict::duplicate], 1u);
    EXPECT_EQ(outcome.samples[Verdict::known], 1u);
    EXPECT_EQ(store.samples.at(metric("m").to_text()).at(kTime), 1);
    EXPECT_EQ(outcome.refusals,
              fmt::format("duplicate sample for timestamp: {{__name__=\"m\",instance=\"a:1\","
                          "job=\"j\"}}, timestamp {} (1 in this request)\n",
                          kTime));
}

TEST_F(IntakeTest, NamesTheFirstRefusedSeriesOfAPiece) {
    write(row(kTime, 10));
    std::string message;
    for (int i = 0; i < 10; ++i)
        message +=
            series(metric(fmt::format("m{}", i)), {{kTime, i == 6 || i == 8 ? 100. : 1. + i}});
    const auto outcome = write(message);
    EXPECT_EQ(outcome.samples[Verdict::duplicate], 2u);
    EXPECT_EQ(outcome.refused, 2u);
    EXPECT_THAT(outcome.refusals, HasSubstr("__name__=\"m6\""));
    EXPECT_THAT(outcome.refusals, HasSubstr("(2 in this request)"));
}

TEST_F(IntakeTest, KeepsTheGoodSamplesOfABadRequest) {
    write(row(kTime, 4));
    store.oldest = kTime - 100 * kMinute;
    const auto outcome = write(series(metric("m0"), {{kTime - 11 * kMinute, 5}}) +
                               series(metric("m1"), {{kTime + 1, 6}}) +
                               series(metric("m2"), {{kTime - 200 * kMinute, 6}}));
    EXPECT_EQ(outcome.samples[Verdict::taken], 1u);
    EXPECT_EQ(outcome.refused, 2u);
    EXPECT_THAT(outcome.refusals, HasSubstr("out of order sample: {__name__=\"m0\""));
    EXPECT_THAT(outcome.refusals, HasSubstr("out of bounds: {__name__=\"m2\""));
    EXPECT_EQ(store.samples.at(metric("m1").to_text()).at(kTime + 1), 6);
}

TEST_F(IntakeTest, RefusesInvalidLabelsInPrometheussWords) {
    const auto refusal_of = [&](std::vector<Label> labels) {
        return write(series(label_fields(labels) + sample_field({kTime, 1})) + row(kTime, 1))
            .refusals;
    };
    EXPECT_EQ(refusal_of({{kMetricName, "m"}, {"a", "1"}, {"a", "2"}}),
              "label name \"a\" is not unique: invalid sample: {__name__=\"m\",a=\"1\",a=\"2\"} "
              "(1 in this request)\n");
    EXPECT_THAT(refusal_of({}), HasSubstr("empty labelset: invalid sample"));
    EXPECT_THAT(refusal_of({{"a", "1"}}), HasSubstr("invalid metric name or labels: {a=\"1\"}"));
    EXPECT_THAT(refusal_of({{kMetricName, "m"}, {"", "1"}}), HasSubstr("invalid metric name"));
    EXPECT_THAT(refusal_of({{kMetricName, "m"}, {"a", "\xff"}}), HasSubstr("invalid metric name"));
    EXPECT_EQ(refusal_of({{kMetricName, "température.°C"}, {"größe", "ß"}}), "");
    EXPECT_EQ(intake.counters().invalid_labels, 5u);
    EXPECT_EQ(store.samples.at(metric("m0").to_text()).size(), 1u);
}

TEST_F(IntakeTest, RefusesWhatPassesALimitAndNamesTheSetting) {
    WriteConfig tight{.max_labels_per_series = 3,
                      .max_label_name_bytes = 8,
                      .max_label_value_bytes = 4,
                      .max_series = 2};
    Intake small(store, tight);
    const auto refusal_of = [&](std::vector<Label> labels) {
        return small.write(compressed(series(label_fields(labels) + sample_field({kTime, 1}))))
            ->refusals;
    };
    EXPECT_THAT(refusal_of({{kMetricName, "m"}, {"a", "1"}, {"b", "1"}, {"c", "1"}}),
                HasSubstr("more than 3 labels (remote_write_receiver.max_labels_per_series)"));
    EXPECT_THAT(refusal_of({{kMetricName, "m"}, {"a23456789", "1"}}),
                HasSubstr("remote_write_receiver.max_label_name_bytes"));
    EXPECT_THAT(refusal_of({{kMetricName, "m"}, {"a", "12345"}}),
                HasSubstr("remote_write_receiver.max_label_value_bytes"));
    EXPECT_EQ(refusal_of({{kMetricName, "m"}}), "");
    EXPECT_EQ(refusal_of({{kMetricName, "n"}, {"empty", ""}, {"a", ""}, {"b", ""}}), "");
    EXPECT_THAT(refusal_of({{kMetricName, "o"}}),
                HasSubstr("more than 2 series (remote_write_receiver.max_series)"));
    EXPECT_EQ(refusal_of({{kMetricName, "m"}}), "");
}

TEST_F(IntakeTest, RefusesNativeHistogramsAndTakesTheRest) {
    std::string fields = label_fields(metric("h")) + sample_field({kTime, 1});
    doubles::add_field(fields, 4, "\x08\x01");
    const auto outcome = write(row(kTime, 4) + series(fields));
    EXPECT_EQ(outcome.samples[Verdict::taken], 5u);
    EXPECT_EQ(outcome.refused, 1u);
    EXPECT_THAT(outcome.refusals, HasSubstr("native histograms aren't supported: {__name__=\"h\""));
}

TEST_F(IntakeTest, ExemplarsAndMetadataGoAlong) {
    const auto trace = Labels::from({{"trace_id", "t"}});
    write(row(kTime, 4) +
          series(label_fields(metric("m2")) + sample_field({kTime + 1, 1}) +
                 exemplar_field(trace, 0.5, kTime)) +
          series(label_fields(metric("alone", "z:1")) + sample_field({kTime, 1}) +
                 exemplar_field(trace, 2, kTime)) +
          doubles::metadata(1, "m0", "helps", "seconds") + doubles::metadata(99, "m1", "", ""));
    ASSERT_THAT(store.groups, SizeIs(2));
    ASSERT_THAT(store.groups[0].exemplars, SizeIs(1));
    EXPECT_EQ(store.groups[0].exemplars[0].column, 2u);
    EXPECT_EQ(store.groups[0].exemplars[0].labels, trace);
    EXPECT_EQ(store.groups[0].exemplars[0].value, 0.5);
    EXPECT_THAT(store.groups[1].exemplars, SizeIs(1));
    ASSERT_THAT(store.families, SizeIs(2));
    EXPECT_EQ(store.families[0]->name, "m0");
    EXPECT_EQ(store.families[0]->type, MetricType::counter);
    EXPECT_EQ(store.families[0]->help, "helps");
    EXPECT_EQ(store.families[0]->unit, "seconds");
    EXPECT_EQ(store.families[1]->type, MetricType::unknown);
}

TEST_F(IntakeTest, RubbishIsRefusedWhole) {
    EXPECT_EQ(fail("rubbish").code, Errc::invalid_argument);
    EXPECT_EQ(fail("").code, Errc::invalid_argument);
    const auto good = row(kTime, 5);
    EXPECT_EQ(fail(compressed(good + "\x0a")).code, Errc::invalid_argument);
    EXPECT_EQ(fail(compressed(good.substr(0, good.size() - 3))).code, Errc::invalid_argument);
    // The last series only seems to end in a sample: its labels can't be read.
    EXPECT_EQ(fail(compressed(good + series("\x0a\x7f" + sample_field({kTime, 1})))).code,
              Errc::invalid_argument);
    EXPECT_THAT(store.groups, IsEmpty());
    EXPECT_EQ(intake.counters().refused_rubbish, 5u);
}

TEST_F(IntakeTest, SizesAreRefusedBeforeMemoryIsTaken) {
    const WriteConfig tight{.max_body_bytes = 1000, .max_items_per_request = 8};
    Intake small(store, tight);
    const auto long_body = small.write(compressed(std::string(1001, 'x')));
    ASSERT_FALSE(long_body);
    EXPECT_EQ(long_body.error().code, Errc::limit_exceeded);
    EXPECT_THAT(
        long_body.error().text,
        HasSubstr(
            "1001 bytes decompressed, more than remote_write_receiver.max_body_bytes = 1000"));
    const auto many = small.write(compressed(row(kTime, 5)));
    ASSERT_FALSE(many);
    EXPECT_THAT(many.error().text, HasSubstr("remote_write_receiver.max_items_per_request"));
    // Ten bytes don't become 900.
    EXPECT_EQ(small.decompressed_bytes(std::string("\x84\x07") + "12345678").error().code,
              Errc::invalid_argument);
}

TEST_F(IntakeTest, ATroubleOfTheStoreFailsTheRequestAndTheNextOneWorks) {
    store.refuse_cells = Error{Errc::no_space, "no space left on device"};
    EXPECT_EQ(fail(compressed(row(kTime, 5))).code, Errc::no_space);
    store.refuse_cells.reset();
    store.refuse_batch = Error{Errc::io_error, "the log can't be written"};
    EXPECT_EQ(fail(compressed(row(kTime, 5))).code, Errc::io_error);
    EXPECT_EQ(store.depth, 0);
    store.refuse_batch.reset();
    EXPECT_EQ(write(row(kTime, 5)).refused, 0u);
    EXPECT_THAT(store.groups, SizeIs(1));
    EXPECT_EQ(intake.counters().failed, 2u);
}

TEST_F(IntakeTest, ABoundOfTheStoreRefusesThePieceOnly) {
    store.refuse_cells = Error{Errc::limit_exceeded, "storage.max_groups is 1"};
    const auto outcome = write(row(kTime, 5));
    EXPECT_EQ(outcome.refused, 5u);
    EXPECT_THAT(outcome.refusals, HasSubstr("storage.max_groups is 1: {__name__=\"m0\""));
}

TEST_F(IntakeTest, IdleGroupsAreClosedAndTheirSeriesForgotten) {
    write(row(kTime, 5) + row(kTime, 5, "b:1"));
    intake.close_idle(0);
    intake.close_idle(30 * kMinute);  // both had samples in this period
    EXPECT_EQ(intake.counters().groups, 2u);
    write(row(kTime + kMinute, 5));
    intake.close_idle(60 * kMinute);
    EXPECT_EQ(store.groups[1].closed, kTime);
    EXPECT_FALSE(store.groups[0].closed);
    EXPECT_EQ(intake.counters().series, 5u);
    write(row(kTime + 2 * kMinute, 5, "b:1"));
    EXPECT_THAT(store.groups, SizeIs(3));
}

TEST_F(IntakeTest, SeriesThatStillLiveLeaveAMostlyDeadGroup) {
    write(row(kTime, 9));
    intake.close_idle(0);
    intake.close_idle(30 * kMinute);
    write(row(kTime + 1, 2));
    intake.close_idle(60 * kMinute);
    EXPECT_TRUE(store.groups[0].closed);
    write(row(kTime + 2, 2));
    ASSERT_THAT(store.groups, SizeIs(2));
    EXPECT_THAT(store.groups[1].columns, SizeIs(2));
    EXPECT_THAT(store.samples.at(metric("m0").to_text()), SizeIs(3));
}

TEST_F(IntakeTest, AClockThatJumpsBackClosesNothingEarly) {
    write(row(kTime, 5));
    intake.close_idle(1000 * kMinute);
    intake.close_idle(10 * kMinute);
    write(row(kTime + 1, 5));
    intake.close_idle(41 * kMinute);
    EXPECT_EQ(intake.counters().groups, 1u);
    intake.close_idle(71 * kMinute);
    EXPECT_EQ(intake.counters().groups, 0u);
}

TEST_F(IntakeTest, LooseGroupsAreOpenedOneAfterTheOther) {
    const WriteConfig small{.max_group_columns = 10};
    Intake other(store, small);
    std::string message;
    for (int i = 0; i < 25; ++i)
        message += series(metric("m", fmt::format("i{}", i)), {{kTime, 1}});
    ASSERT_TRUE(other.write(compressed(message)));
    ASSERT_THAT(store.groups, SizeIs(3));
    EXPECT_THAT(store.groups[2].columns, SizeIs(5));
    ASSERT_TRUE(other.write(compressed(row(kTime, 25))));
    ASSERT_THAT(store.groups, SizeIs(6));
    EXPECT_FALSE(store.groups[3].is_loose);
}

/// Samples of `instances` × `series` × `times`, some missing, as (labels, sample) in row order.
std::vector<std::pair<Labels, Sample>> random_samples(std::mt19937& random) {
    std::vector<std::pair<Labels, Sample>> all;
    const auto below = [&](unsigned most) { return static_cast<int>(random() % most); };
    const int instances = 1 + below(4), size = 1 + below(12), times = 1 + below(8);
    for (int t = 0; t < times; ++t) {
        for (int i = 0; i < instances; ++i) {
            for (int s = 0; s < size; ++s) {
                if (below(8) == 0) continue;
                all.emplace_back(metric(fmt::format("m{}", s), fmt::format("i{}", i)),
                                 Sample{kTime + 15'000 * t + i, static_cast<double>(below(5))});
            }
        }
    }
    return all;
}

/// One series field for each run of samples of one series, requests of up to `most` samples.
PieceRecorder::SamplesOfSeries send(const std::vector<std::pair<Labels, Sample>>& samples,
                                    std::size_t most) {
    PieceRecorder store;
    Intake intake(store, {});
    for (std::size_t at = 0; at < samples.size();) {
        std::string message;
        const auto end = std::min(samples.size(), at + most);
        while (at < end) {
            std::vector<Sample> of_series;
            const auto& labels = samples[at].first;
            for (; at < end && samples[at].first == labels; ++at)
                of_series.push_back(samples[at].second);
            message += series(labels, of_series);
        }
        const auto outcome = intake.write(compressed(message));
        EXPECT_TRUE(outcome && outcome->refused == 0);
    }
    return store.samples;
}

TEST(IntakeProperty, RowsSeriesAndAnyOrderGiveTheSameSamples) {
    std::mt19937 random(20251017);
    for (int round = 0; round < 300; ++round) {
        auto samples = random_samples(random);
        PieceRecorder::SamplesOfSeries expected;
        for (const auto& [labels, sample] : samples)
            expected[labels.to_text()][sample.time] = sample.value;
        const std::size_t most = 1 + random() % 100;
        EXPECT_EQ(send(samples, most), expected);
        std::ranges::sort(samples, {}, [](const auto& entry) {
            return std::pair(entry.first.to_text(), entry.second.time);
        });
        EXPECT_EQ(send(samples, most), expected);
        std::ranges::shuffle(samples, random);
        EXPECT_EQ(send(samples, most), expected);
    }
}

TEST(IntakeThreads, RequestsOfSeveralThreadsAreAllTaken) {
    PieceRecorder store;
    Intake intake(store, {});
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&intake, t] {
            for (int i = 0; i < 50; ++i) {
                const auto body = compressed(row(kTime + i, 20, fmt::format("i{}", t)));
                EXPECT_TRUE(intake.write(body));
                if (i % 10 == 0) intake.close_idle(0);
            }
        });
    }
    threads.clear();
    EXPECT_EQ(intake.counters().samples[Verdict::taken], 4000u);
    EXPECT_EQ(intake.counters().groups, 4u);
}

}  // namespace
}  // namespace inferscope::remote
