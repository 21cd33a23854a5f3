// SPDX-License-Identifier: Apache-2.0
#include "tsdb/index_block.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>

#include "tsdb/index_writer.h"

namespace inferscope::tsdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Labels series(int metric, int instance, int bucket) {
    return Labels::from({{kMetricName, fmt::format("metric_{}", metric)},
                         {"instance", fmt::format("10.0.0.{}:8000", instance)},
                         {"job", "engines"},
                         {"le", bucket == 0 ? "" : fmt::format("{}.0", bucket)}});
}

std::string small_index() {
    IndexWriter writer;
    for (int instance = 0; instance < 3; ++instance) {
        std::uint64_t column = 0;
        for (int metric = 0; metric < 4; ++metric) {
            for (int bucket = 0; bucket < (metric == 0 ? 1 : 6); ++bucket) {
                const ColumnPlace place{static_cast<std::uint64_t>(instance), column++};
                writer.add(series(metric, instance, bucket), std::span(&place, 1));
            }
        }
    }
    auto bytes = writer.finish();
    EXPECT_TRUE(bytes);
    return std::move(*bytes);
}

/// Bytes of their own, so that reading one too far is noticed.
Result<BlockIndex> open_exactly(const std::string& bytes, std::unique_ptr<char[]>& room) {
    room = std::make_unique_for_overwrite<char[]>(bytes.size());
    std::memcpy(room.get(), bytes.data(), bytes.size());
    return BlockIndex::open({room.get(), bytes.size()});
}

/// The same sections with right checksums, so that what lies behind them is met.
std::string sealed_again(const std::string& bytes) {
    index_format::Header header;
    std::memcpy(&header, bytes.data(), sizeof header);
    index_format::Sections sections;
    for (std::size_t i = 0; i < sections.size(); ++i) {
        const auto& place = header.sections[i];
        sections[i] = bytes.substr(place.offset, place.bytes);
    }
    return std::move(*index_format::assemble(header, sections));
}

/// Asks for all that there is; the answers don't matter.
void ask_everything(const BlockIndex& index) {
    const auto all = index.select({});
    index.for_each_series(all, [](SeriesId, const Labels&, std::span<const ColumnPlace>) {});
    for (const auto& name : index.label_names({})) {
        for (const auto& value : index.label_values(name, {})) {
            const std::vector matchers{Matcher::equal(name, value), Matcher::not_equal("le", "")};
            (void)index.select(matchers);
        }
    }
}

TEST(BlockIndex, TellsLabelsAndPlacesInPrometheusOrder) {
    IndexWriter writer;
    const std::vector<ColumnPlace> first{{7, 3}, {9, 1}};
    const std::vector<ColumnPlace> second{{UINT64_MAX, 0}};
    const auto a = Labels::from({{"a", "9"}});
    const auto ab = Labels::from({{"a", "9"}, {"b", "1"}});
    const auto aa = Labels::from({{"aa", "1"}});
    writer.add(aa, second);
    writer.add(ab, {});
    writer.add(a, first);
    const auto bytes = writer.finish();
    ASSERT_TRUE(bytes);
    const auto index = BlockIndex::open(*bytes);
    ASSERT_TRUE(index);
    EXPECT_EQ(index->series_count(), 3u);
    EXPECT_EQ(index->labels(0), a);
    EXPECT_EQ(index->labels(1), ab);
    EXPECT_EQ(index->labels(2), aa);
    EXPECT_THAT(index->places(0), ElementsAre(ColumnPlace{7, 3}, ColumnPlace{9, 1}));
    EXPECT_THAT(index->places(1), ElementsAre());
    EXPECT_THAT(index->places(2), ElementsAre(ColumnPlace{UINT64_MAX, 0}));
}

TEST(BlockIndex, JoinsThePlacesOfALabelSetAddedTwice) {
    IndexWriter writer;
    const auto labels = Labels::from({{"a", "1"}});
    const std::vector<ColumnPlace> early{{1, 1}};
    const std::vector<ColumnPlace> late{{2, 1}};
    writer.add(labels, early);
    writer.add(Labels::from({{"a", "0"}}), late);
    writer.add(labels, late);
    const auto bytes = writer.finish();
    ASSERT_TRUE(bytes);
    const auto index = BlockIndex::open(*bytes);
    ASSERT_TRUE(index);
    EXPECT_EQ(index->series_count(), 2u);
    EXPECT_THAT(index->places(1), ElementsAre(ColumnPlace{1, 1}, ColumnPlace{2, 1}));
}

TEST(BlockIndex, WalksOverManySeries) {
    const auto bytes = small_index();
    const auto index = BlockIndex::open(bytes);
    ASSERT_TRUE(index);
    const std::vector matchers{Matcher::equal("instance", "10.0.0.1:8000")};
    std::vector<std::uint64_t> columns;
    index->for_each_series(index->select(matchers), [&](SeriesId id, const Labels& labels,
                                                        std::span<const ColumnPlace> places) {
        EXPECT_EQ(labels.get("instance"), "10.0.0.1:8000");
        EXPECT_EQ(index->labels(id), labels);
        ASSERT_EQ(places.size(), 1u);
        EXPECT_EQ(places[0].group, 1u);
        columns.push_back(places[0].column);
    });
    EXPECT_EQ(columns.size(), 19u);
    EXPECT_TRUE(std::ranges::is_sorted(columns));
}

TEST(BlockIndex, HoldsLabelSetsOfAnySize) {
    IndexWriter writer;
    std::vector<std::string> names;
    for (int i = 0; i < 100; ++i) names.push_back(fmt::format("label_{:03}", i));
    std::vector<Labels> sets{Labels()};
    for (int i = 0; i < 100; ++i) {
        std::vector<Label> labels;
        for (int j = 0; j <= i; ++j) labels.push_back({names[static_cast<std::size_t>(j)], "x"});
        sets.push_back(Labels::from(labels));
        labels.back().value = names[0];
        sets.push_back(Labels::from(labels));
    }
    for (const auto& set : sets) writer.add(set, {});
    const auto bytes = writer.finish();
    ASSERT_TRUE(bytes);
    const auto index = BlockIndex::open(*bytes);
    ASSERT_TRUE(index) << index.error().text;
    std::ranges::sort(sets);
    for (SeriesId id = 0; id < sets.size(); ++id) EXPECT_EQ(index->labels(id), sets[id]);
}

TEST(BlockIndex, RefusesEveryWrongByteAndEveryMissingOne) {
    const auto good = small_index();
    std::unique_ptr<char[]> room;
    ASSERT_TRUE(open_exactly(good, room));
    for (std::size_t i = 0; i < good.size(); ++i) {
        auto bytes = good;
        bytes[i] = static_cast<char>(bytes[i] ^ (1 << i % 8));
        const auto opened = open_exactly(bytes, room);
        ASSERT_FALSE(opened) << i;
        ASSERT_THAT(opened.error().text, HasSubstr("index of a block: "));
        ASSERT_FALSE(open_exactly(good.substr(0, i), room)) << i;
    }
    EXPECT_FALSE(open_exactly(good + "x", room));
}

TEST(BlockIndex, SurvivesRubbishBehindRightChecksums) {
    const auto good = small_index();
    std::mt19937 random{1};
    std::unique_ptr<char[]> room;
    int refused = 0;
    for (int round = 0; round < 4'000; ++round) {
        auto bytes = good;
        for (auto changes = 1 + random() % 3; changes > 0; --changes) {
            const auto at = sizeof(index_format::Header) +
                            random() % (good.size() - sizeof(index_format::Header));
            bytes[at] = static_cast<char>(random());
        }
        const auto index = open_exactly(sealed_again(bytes), room);
        if (index) {
            ask_everything(*index);
        } else {
            ++refused;
        }
    }
    EXPECT_GT(refused, 2'000);
}

}  // namespace
}  // namespace inferscope::tsdb
