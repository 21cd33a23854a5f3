// SPDX-License-Identifier: Apache-2.0
#include "tsdb/tile.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "base/numbers.h"

namespace inferscope::tsdb {
namespace {

/// What a tile should hold: for each row its time and, by column, its values.
struct Model {
    struct Row {
        Timestamp time = 0;
        std::map<std::size_t, double> values;
    };
    std::vector<Row> rows;
    std::size_t columns = 0;
};

void expect_same(const Tile& tile, const Model& model) {
    ASSERT_EQ(tile.rows(), model.rows.size());
    ASSERT_EQ(tile.columns(), model.columns);
    for (std::size_t column = 0; column < model.columns; ++column) {
        std::vector<double> copied(tile.rows());
        tile.copy(column, copied);
        for (std::size_t row = 0; row < tile.rows(); ++row) {
            EXPECT_EQ(tile.times()[row], model.rows[row].time);
            const auto found = model.rows[row].values.find(column);
            const bool is_there = found != model.rows[row].values.end();
            ASSERT_EQ((tile.present(column) >> row & 1) != 0, is_there);
            if (!is_there) continue;
            EXPECT_TRUE(same_bits(tile.value(column, row), found->second));
            EXPECT_TRUE(same_bits(copied[row], found->second));
        }
        EXPECT_EQ(tile.present(column) >> tile.rows(), 0u);
    }
}

/// Values that often are the same, and some that compare equal though they aren't.
double any_value(std::mt19937& random) {
    constexpr std::array kValues{0.0, -0.0, 1.0, kStaleMarker};
    return random() % 4 == 0 ? static_cast<double>(random()) : kValues[random() % kValues.size()];
}

void add_row(Tile& tile, Model& model, std::mt19937& random) {
    const Timestamp before = model.rows.empty() ? 0 : model.rows.back().time;
    const Timestamp time = before + 1 + static_cast<Timestamp>(random() % 9);
    model.rows.push_back({time, {}});
    const auto row = tile.add_row(time);
    for (std::size_t column = 0; column < model.columns; ++column) {
        if (random() % 3 == 0) continue;
        const double value = random() % 2 == 0 ? 7.0 : any_value(random);
        tile.set(column, row, value);
        model.rows[row].values[column] = value;
    }
}

TEST(Tile, HoldsWhatWasSetWhateverIsDroppedAndCleared) {
    std::mt19937 random(1);
    Tile tile;
    Model model;
    for (int step = 0; step < 5000; ++step) {
        if (model.columns < 40 && random() % 20 == 0) tile.grow(model.columns += random() % 4);
        if (tile.is_full()) {
            const auto count = 1 + random() % kTileRows;
            tile.drop_rows(count);
            model.rows.erase(model.rows.begin(), model.rows.begin() + std::ptrdiff_t(count));
        }
        add_row(tile, model, random);
        const auto row = random() % model.rows.size();
        if (!model.rows[row].values.empty()) {
            const auto column = model.rows[row].values.begin()->first;
            tile.clear(column, row);
            model.rows[row].values.erase(column);
        }
        expect_same(tile, model);
    }
}

TEST(Tile, IsCopiedByRowsAndByColumns) {
    std::mt19937 random(2);
    for (int round = 0; round < 200; ++round) {
        Tile tile;
        Model model{.rows = {}, .columns = 10};
        tile.grow(model.columns);
        for (auto rows = 1 + random() % kTileRows; rows > 0; --rows) add_row(tile, model, random);

        Model first = model;
        first.rows.resize(1 + random() % model.rows.size());
        expect_same(tile.first(first.rows.size()), first);

        const std::vector<std::uint32_t> wanted{2, 3, 7, 12};
        Model only{.rows = {}, .columns = wanted.size()};
        for (const auto& row : model.rows) {
            only.rows.push_back({row.time, {}});
            for (std::size_t i = 0; i < wanted.size(); ++i) {
                if (const auto found = row.values.find(wanted[i]); found != row.values.end())
                    only.rows.back().values[i] = found->second;
            }
        }
        expect_same(tile.only(wanted), only);
    }
}

TEST(Tile, TakesLittleForColumnsThatStandStill) {
    constexpr std::size_t kColumns = 1000;
    Tile still;
    Tile moving;
    still.grow(kColumns);
    moving.grow(kColumns);
    for (std::size_t row = 0; row < kTileRows; ++row) {
        still.add_row(static_cast<Timestamp>(row));
        moving.add_row(static_cast<Timestamp>(row));
        for (std::size_t column = 0; column < kColumns; ++column) {
            still.set(column, row, 5);
            moving.set(column, row, static_cast<double>(row));
        }
    }
    EXPECT_LE(still.heap_bytes(), kColumns * 16);
    EXPECT_LE(moving.heap_bytes(), kColumns * (16 + kTileRows * 8 * 5 / 4));
}

}  // namespace
}  // namespace inferscope::tsdb
