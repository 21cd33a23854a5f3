// SPDX-License-Identifier: Apache-2.0
#include "tsdb/decode.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>

#include "base/check.h"
#include "tsdb/bit_packing.h"
#include "tsdb/block_groups.h"
#include "tsdb/column_reader.h"

namespace inferscope::tsdb {
namespace {

OpenSealedChunks::Shared open(const SealedChunk& chunk, OpenSealedChunks& opened) {
    auto known = opened.find(chunk.data.get());
    if (!known) {
        auto made = std::make_shared<OpenSealedChunk>();
        made->chunk = chunk;
        made->view = chunk.view();
        made->columns.make_room(made->view.columns());
        opened.put(chunk.data.get(), made);
        known = std::move(made);
    }
    return known;
}

ColumnFacts facts_of_rows(std::span<const double> values, std::uint32_t present) {
    const auto all = static_cast<std::uint32_t>(low_bits(static_cast<unsigned>(values.size())));
    return (present & all) == all ? facts_of(values) : ColumnFacts();
}

/// Puts chunks and tiles behind each other.
class RowsDecoder {
public:
    RowsDecoder(const RowsSnapshot& snapshot, Timestamp from, Timestamp to)
        : snapshot_(snapshot), from_(from), to_(to) {
        std::size_t most_rows = kTileRows * (snapshot.full.size() + snapshot.open.size());
        for (const auto& chunk : snapshot.chunks) most_rows += chunk.rows;
        rows_ = ColumnRows(snapshot.columns.size(), most_rows);
    }

    void add(const OpenSealedChunk& chunk) {
        const RowRange rows = add_times(chunk.view.times());
        reader_.use(chunk.view, chunk.columns);
        for (std::size_t i = 0; i < rows_.columns(); ++i) {
            const auto read =
                reader_.read(snapshot_.columns[i], rows.begin, rows_.last_values(i, rows.size()));
            CHECK(read.has_value(), "a chunk that was sealed in memory is read");
            if (read->present.empty()) {
                rows_.know(i, rows.size(), read->facts);
            } else {
                leave_out(i, rows, [&](std::size_t row) { return is_present(read->present, row); });
            }
        }
    }

    /// `number`: of the column in the tile, by the wanted column's place.
    template <class Number>
    void add(const Tile& tile, Number number) {
        const RowRange rows = add_times(tile.times());
        values_.resize(tile.rows());
        for (std::size_t i = 0; i < rows_.columns(); ++i) {
            const std::size_t column = number(i);
            const std::uint32_t present = column < tile.columns() ? tile.present(column) : 0;
            if (present != 0) tile.copy(column, values_);
            const auto values = std::span<const double>(values_).subspan(rows.begin, rows.size());
            std::ranges::copy(values, rows_.last_values(i, rows.size()).begin());
            rows_.know(i, rows.size(), facts_of_rows(values, present >> rows.begin));
            leave_out(i, rows, [&](std::size_t row) { return (present >> row & 1) != 0; });
        }
    }

    ColumnRows finish() { return std::move(rows_); }

private:
    RowRange add_times(std::span<const Timestamp> times) {
        const RowRange rows = rows_between(times, {from_, to_});
        rows_.add_rows(times.subspan(rows.begin, rows.size()));
        return rows;
    }
    template <class Has>
    void leave_out(std::size_t column, RowRange rows, Has has) {
        const auto before = rows_.times().size() - rows.size();
        for (std::size_t i = 0; i < rows.size(); ++i)
            if (!has(rows.begin + i)) rows_.leave_out(column, before + i);
    }

    const RowsSnapshot& snapshot_;
    Timestamp from_, to_;
    ColumnRows rows_;
    ColumnReader reader_;
    std::vector<double> values_;  // of one column of a tile
};

}  // namespace

ColumnRows decode(const RowsSnapshot& snapshot, Timestamp from, Timestamp to,
                  OpenSealedChunks& opened) {
    RowsDecoder decoder(snapshot, from, to);
    for (const auto& chunk : snapshot.chunks) {
        const auto known = open(chunk, opened);
        const auto kept_before = known->columns.heap_bytes();
        decoder.add(*known);
        if (known->columns.heap_bytes() != kept_before) opened.measure(chunk.data.get());
    }
    for (const auto& tile : snapshot.full)
        decoder.add(*tile, [&](std::size_t i) { return std::size_t{snapshot.columns[i]}; });
    for (const auto& tile : snapshot.open) decoder.add(tile, std::identity());
    return decoder.finish();
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
