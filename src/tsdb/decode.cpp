// SPDX-License-Identifier: Apache-2.0
#include "tsdb/decode.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>

namespace inferscope::tsdb {
namespace {

struct RowRange {
    std::size_t begin = 0;
    std::size_t end = 0;
    [[nodiscard]] std::size_t size() const { return end - begin; }
};

RowRange range(std::span<const Timestamp> times, Timestamp from, Timestamp to) {
    const auto begin = std::ranges::lower_bound(times, from);
    const auto end = std::ranges::upper_bound(times, to);
    return {static_cast<std::size_t>(begin - times.begin()),
            static_cast<std::size_t>(end - times.begin())};
}

OpenSealedChunks::Shared open(const SealedChunk& chunk, OpenSealedChunks& opened) {
    auto known = opened.find(chunk.data.get());
    if (!known) {
        known = std::make_shared<const OpenSealedChunk>(chunk, chunk.view());
        opened.put(chunk.data.get(), known);
    }
    return known;
}

/// Puts runs of rows behind each other.
class RowsBuilder {
public:
    RowsBuilder(const RowsSnapshot& snapshot, Timestamp from, Timestamp to)
        : snapshot_(snapshot), from_(from), to_(to) {
        rows_.columns.resize(snapshot.columns.size());
        std::size_t most_rows = kTileRows * (snapshot.full.size() + snapshot.open.size());
        for (const auto& chunk : snapshot.chunks) most_rows += chunk.rows;
        rows_.times.reserve(most_rows);
        for (auto& column : rows_.columns) column.values.reserve(most_rows);
    }

    void add(const ChunkView& view) {
        if (decoder_) {
            decoder_->use(view);
        } else {
            decoder_ = std::make_unique<ColumnDecoder>(view);
        }
        values_.resize(view.rows());
        present_.resize(view.rows());
        const RowRange rows = add_times(view.times());
        for (std::size_t i = 0; i < rows_.columns.size(); ++i) {
            decode_column(*decoder_, view, snapshot_.columns[i], values_, present_);
            add_column(rows_.columns[i], values_, rows);
        }
    }

    /// `number`: of the column in the tile, by the wanted column's place.
    template <class Number>
    void add(const Tile& tile, Number number) {
        const RowRange rows = add_times(tile.times());
        present_.resize(tile.rows());
        for (std::size_t i = 0; i < rows_.columns.size(); ++i) {
            const std::size_t column = number(i);
            const bool known = column < tile.columns();
            const std::uint32_t bits = known ? tile.present(column) : 0;
            for (std::size_t row = 0; row < tile.rows(); ++row)
                present_[row] = static_cast<std::uint8_t>(bits >> row & 1);
            values_.assign(tile.rows(), 0);
            if (known) tile.copy(column, values_);
            add_column(rows_.columns[i], values_, rows);
        }
    }

    ColumnRows finish() { return std::move(rows_); }

private:
    RowRange add_times(std::span<const Timestamp> times) {
        const RowRange rows = range(times, from_, to_);
        const auto some = times.subspan(rows.begin, rows.size());
        rows_.times.insert(rows_.times.end(), some.begin(), some.end());
        return rows;
    }
    void add_column(ColumnRows::Column& column, std::span<const double> values, RowRange rows) {
        const auto some = values.subspan(rows.begin, rows.size());
        column.values.insert(column.values.end(), some.begin(), some.end());
        const auto bits = std::span(present_).subspan(rows.begin, rows.size());
        const bool all = std::ranges::find(bits, 0) == bits.end();
        if (all && column.present.empty()) return;
        column.present.resize(column.values.size() - rows.size(), 1);
        column.present.insert(column.present.end(), bits.begin(), bits.end());
    }

    const RowsSnapshot& snapshot_;
    Timestamp from_, to_;
    ColumnRows rows_;
    std::unique_ptr<ColumnDecoder> decoder_;
    std::vector<double> values_;         // of one column of a run
    std::vector<std::uint8_t> present_;  // likewise
};

}  // namespace

ColumnRows decode(const RowsSnapshot& snapshot, Timestamp from, Timestamp to,
                  OpenSealedChunks& opened) {
    RowsBuilder builder(snapshot, from, to);
    for (const auto& chunk : snapshot.chunks) builder.add(open(chunk, opened)->view);
    for (const auto& tile : snapshot.full)
        builder.add(*tile, [&](std::size_t i) { return std::size_t{snapshot.columns[i]}; });
    for (const auto& tile : snapshot.open) builder.add(tile, std::identity());
    return builder.finish();
}

void decode(std::span<const SealedChunk> chunks, std::vector<Sample>& samples) {
    for (const auto& chunk : chunks) {
        const auto view = chunk.view();
        const auto decoder = std::make_unique<ColumnDecoder>(view);
        std::vector<double> values(view.rows());
        std::vector<std::uint8_t> present(view.rows());
        decode_column(*decoder, view, 0, values, present);
        for (std::size_t row = 0; row < view.rows(); ++row)
            samples.push_back({view.times()[row], values[row]});
    }
}

}  // namespace inferscope::tsdb
