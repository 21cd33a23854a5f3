// SPDX-License-Identifier: Apache-2.0
#include "tsdb/index_head.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace inferscope::tsdb {
namespace {

using testing::ElementsAre;

Labels series(int i) {
    return Labels::from({{kMetricName, fmt::format("metric_{}", i % 50)},
                         {"instance", fmt::format("10.0.0.{}:8000", i / 50 % 200)},
                         {"job", "engines"},
                         {"uid", fmt::format("5e0c6a1b-{:08}", i)}});
}

TEST(HeadIndex, GivesALabelSetOneId) {
    HeadIndex index;
    const auto first = index.get_or_add(series(1));
    EXPECT_TRUE(first.is_new);
    const auto second = index.get_or_add(series(2));
    EXPECT_TRUE(second.is_new);
    EXPECT_NE(first.id, second.id);
    const auto again = index.get_or_add(series(1));
    EXPECT_FALSE(again.is_new);
    EXPECT_EQ(again.id, first.id);
    EXPECT_EQ(index.find(series(2)), second.id);
    EXPECT_EQ(index.find(series(3)), std::nullopt);
    EXPECT_EQ(index.labels(second.id), series(2));
    EXPECT_EQ(index.series_count(), 2u);
}

TEST(HeadIndex, TellsLabelSetsApartThatShareLabels) {
    HeadIndex index;
    const std::vector<Labels> sets{
        Labels::from({{"a", "1"}}), Labels::from({{"a", "1"}, {"b", "2"}}),
        Labels::from({{"b", "2"}}), Labels::from({{"b", "1"}}), Labels()};
    for (const auto& set : sets) EXPECT_TRUE(index.get_or_add(set).is_new);
    for (SeriesId id = 0; id < sets.size(); ++id) {
        EXPECT_EQ(index.find(sets[id]), id);
        EXPECT_EQ(index.labels(id), sets[id]);
    }
}

TEST(HeadIndex, ForgetsWhatIsRemovedAndGivesItsIdAgain) {
    HeadIndex index;
    const auto first = index.get_or_add(series(1)).id;
    const auto second = index.get_or_add(series(2)).id;
    index.remove(std::vector{first});
    EXPECT_EQ(index.find(series(1)), std::nullopt);
    EXPECT_EQ(index.find(series(2)), second);
    EXPECT_THAT(index.select({}), ElementsAre(second));
    EXPECT_THAT(index.label_values("uid", {}), ElementsAre("5e0c6a1b-00000002"));
    EXPECT_EQ(index.get_or_add(series(3)).id, first);
    index.remove(std::vector{first, second});
    EXPECT_EQ(index.series_count(), 0u);
    EXPECT_TRUE(index.label_names({}).empty());
}

TEST(HeadIndex, DoesNotGrowWhileSeriesComeAndGo) {
    HeadIndex index;
    constexpr int kAlive = 10'000;
    std::vector<SeriesId> ids;
    const auto live_through = [&](int from, int to) {
        for (int i = from; i < to; ++i) {
            ids.push_back(index.get_or_add(series(i)).id);
            if (ids.size() < 2 * kAlive) continue;
            index.remove(std::span(ids).first(kAlive));
            ids.erase(ids.begin(), ids.begin() + kAlive);
        }
    };
    live_through(0, 4 * kAlive);
    const auto before = index.heap_bytes();
    live_through(4 * kAlive, 40 * kAlive);
    EXPECT_LT(index.heap_bytes(), before * 3 / 2);
    EXPECT_LE(index.id_limit(), 2u * kAlive);
    index.remove(ids);
    EXPECT_EQ(index.id_limit(), 0u);
    EXPECT_LT(index.heap_bytes(), 20'000u);
}

TEST(HeadIndex, KeepsItsAnswersWhenItIsCompacted) {
    HeadIndex index;
    std::mt19937 random{1};
    std::vector<SeriesId> gone;
    std::vector<std::pair<SeriesId, int>> left;
    for (int i = 0; i < 50'000; ++i) {
        const auto id = index.get_or_add(series(i)).id;
        if (random() % 20 == 0) {
            left.emplace_back(id, i);
        } else {
            gone.push_back(id);
        }
    }
    const auto full = index.heap_bytes();
    index.remove(gone);
    EXPECT_LT(index.heap_bytes(), full / 3);
    ASSERT_EQ(index.series_count(), left.size());
    for (const auto& [id, i] : left) {
        ASSERT_EQ(index.find(series(i)), id);
        ASSERT_EQ(index.labels(id), series(i));
        const std::vector one{Matcher::equal("uid", fmt::format("5e0c6a1b-{:08}", i))};
        ASSERT_THAT(index.select(one), ElementsAre(id));
    }
    const std::vector all{Matcher::equal("job", "engines")};
    EXPECT_EQ(index.select(all).size(), left.size());
    EXPECT_TRUE(index.get_or_add(series(50'000)).is_new);
}

TEST(HeadIndex, SaysWhatThereIsMostOf) {
    HeadIndex index;
    for (int i = 0; i < 100; ++i) index.get_or_add(series(i));
    index.get_or_add(Labels::from({{kMetricName, "metric_7"}, {"job", "x"}}));
    const auto stats = index.stats(2);
    EXPECT_EQ(stats.series, 101u);
    EXPECT_EQ(stats.names, 4u);
    EXPECT_EQ(stats.labels, 50u + 2 + 2 + 100);
    EXPECT_THAT(stats.series_by_metric_name,
                ElementsAre(IndexCount{"metric_7", 3}, IndexCount{"metric_0", 2}));
    EXPECT_THAT(stats.values_by_label_name,
                ElementsAre(IndexCount{"uid", 100}, IndexCount{"__name__", 50}));
    EXPECT_THAT(stats.series_by_label, ElementsAre(IndexCount{"job=engines", 100},
                                                   IndexCount{"instance=10.0.0.0:8000", 50}));
    ASSERT_EQ(stats.bytes_by_label_name.size(), 2u);
    EXPECT_EQ(stats.bytes_by_label_name[0].name, "uid");
}

}  // namespace
}  // namespace inferscope::tsdb
