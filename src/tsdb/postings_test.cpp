// SPDX-License-Identifier: Apache-2.0
#include "tsdb/postings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

namespace inferscope::tsdb {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

Ids ids_of(const Postings& postings) {
    Ids ids;
    postings.append_to(ids);
    return ids;
}

TEST(Postings, IntersectAndSubtractSortedLists) {
    Ids ids{1, 2, 3, 5, 8, 13, 100, 200};
    intersect(ids, Ids{0, 2, 3, 9, 13, 150, 200, 300});
    EXPECT_THAT(ids, ElementsAre(2, 3, 13, 200));
    subtract(ids, Ids{0, 3, 150, 200});
    EXPECT_THAT(ids, ElementsAre(2, 13));
    subtract(ids, {});
    EXPECT_THAT(ids, ElementsAre(2, 13));
    intersect(ids, {});
    EXPECT_TRUE(ids.empty());
}

TEST(Postings, TakeNoHeapForTwoIds) {
    Postings postings;
    postings.insert(7);
    postings.insert(3);
    EXPECT_EQ(postings.heap_bytes(), 0u);
    EXPECT_THAT(ids_of(postings), ElementsAre(3, 7));
    static_assert(sizeof(Postings) == 16);
}

TEST(Postings, TakeAtMostAboutTwoBytesForEachOfManyIds) {
    Postings dense;
    Postings sparse;
    for (SeriesId id = 0; id < 1'000'000; ++id) dense.insert(id);
    for (SeriesId id = 0; id < 1'000'000; id += 20) sparse.insert(id);
    EXPECT_LT(dense.heap_bytes(), 140'000u);
    EXPECT_LT(sparse.heap_bytes(), sparse.size() * 27 / 10);
}

/// The same changes on Postings and on a std::set, in steps that pass every form, up and down.
TEST(Postings, HoldWhatASetHolds) {
    std::mt19937 random{1};
    for (const SeriesId range : {50U, 3'000U, 20'000U, 400'000U}) {
        Postings postings;
        std::set<SeriesId> expected;
        for (const unsigned insert_percent : {95U, 60U, 5U, 80U, 0U}) {
            for (int i = 0; i < 12'000; ++i) {
                const SeriesId id = random() % range;
                if (random() % 100 < insert_percent) {
                    if (expected.insert(id).second) postings.insert(id);
                } else if (const auto at = expected.lower_bound(id); at != expected.end()) {
                    postings.erase(*at);
                    expected.erase(at);
                }
            }
            ASSERT_EQ(postings.size(), expected.size());
            ASSERT_THAT(ids_of(postings), ElementsAreArray(expected));
            Ids some;
            for (SeriesId id = random() % 5; id < range + 5; id += 1 + random() % 9) {
                some.push_back(id);
            }
            Ids kept = some;
            std::erase_if(some, [&](SeriesId id) { return !expected.contains(id); });
            postings.retain(kept);
            ASSERT_EQ(kept, some);
        }
        Postings moved = std::move(postings);
        ASSERT_EQ(moved.size(), expected.size());
    }
}

}  // namespace
}  // namespace inferscope::tsdb
