// SPDX-License-Identifier: Apache-2.0
#include "tsdb/selection.h"

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

/// Puts runs of rows behind each other.
class RowsBuilder {
public:
    RowsBuilder(const RowsSnapshot& snapshot, Timestamp from, Timestamp to)
        : snapshot_(snapshot), from_(from), to_(to) {
        rows_.columns.resize(snapshot.columns.size());
    }

    void add(const SealedChunk& chunk) {
        const auto view = chunk.view();
        const auto decoder = std::make_unique<ColumnDecoder>(view);
        values_.resize(view.rows());
        present_.resize(view.rows());
        const RowRange rows = add_times(view.times());
        for (std::size_t i = 0; i < rows_.columns.size(); ++i) {
            decode_column(*decoder, view, snapshot_.columns[i], values_, present_);
            add_column(rows_.columns[i], values_, rows);
        }
    }

    /// `number`: of the column in the tile, by the wanted column's place.
    template <class Number>
    void add(const Tile& tile, Number number) {
        const RowRange rows = add_times(tile.times());
        present_.resize(tile.rows());
        const std::vector<double> none(tile.rows());
        for (std::size_t i = 0; i < rows_.columns.size(); ++i) {
            const std::size_t column = number(i);
            const bool known = column < tile.columns();
            const std::uint32_t bits = known ? tile.present(column) : 0;
            for (std::size_t row = 0; row < tile.rows(); ++row)
                present_[row] = static_cast<std::uint8_t>(bits >> row & 1);
            add_column(rows_.columns[i], known ? tile.values(column) : none, rows);
        }
    }

    ColumnRows finish() {
        for (std::size_t i = 0; i < rows_.columns.size(); ++i) {
            auto& column = rows_.columns[i];
            if (std::ranges::find(column.present, 0) == column.present.end()) column.present = {};
            column.late = snapshot_.late[i];
            keep_between(column.late, from_, to_);
        }
        return std::move(rows_);
    }

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
        column.present.insert(column.present.end(), bits.begin(), bits.end());
    }

    const RowsSnapshot& snapshot_;
    Timestamp from_, to_;
    ColumnRows rows_;
    std::vector<double> values_;         // of one column of a chunk
    std::vector<std::uint8_t> present_;  // likewise
};

std::vector<Sample> samples_of(const ColumnRows& rows, const SeriesPart& part) {
    const auto& column = rows.columns[part.column];
    const RowRange between = range(rows.times, part.from, part.to);
    std::vector<Sample> samples;
    samples.reserve(between.size());
    for (std::size_t row = between.begin; row < between.end; ++row) {
        if (column.present.empty() || column.present[row] != 0)
            samples.push_back({rows.times[row], column.values[row]});
    }
    return samples;
}

}  // namespace

ColumnRows decode(const RowsSnapshot& snapshot, Timestamp from, Timestamp to) {
    RowsBuilder builder(snapshot, from, to);
    for (const auto& chunk : snapshot.chunks) builder.add(chunk);
    for (const auto& tile : snapshot.full)
        builder.add(*tile, [&](std::size_t i) { return std::size_t{snapshot.columns[i]}; });
    builder.add(snapshot.open, std::identity());
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

std::vector<Sample> Selection::samples(const SelectedSeries& one) const {
    std::vector<Sample> samples = one.own;
    for (const auto& part : one.parts) {
        std::vector<Sample> late = rows[part.rows].columns[part.column].late;
        keep_between(late, part.from, part.to);
        merge_by_time(samples, late);
        merge_by_time(samples, samples_of(rows[part.rows], part));
    }
    return samples;
}

void merge_by_time(std::vector<Sample>& samples, std::span<const Sample> more) {
    if (more.empty()) return;
    if (samples.empty() || samples.back().time < more.front().time) {
        samples.insert(samples.end(), more.begin(), more.end());
        return;
    }
    std::vector<Sample> merged;
    merged.reserve(samples.size() + more.size());
    std::ranges::set_union(samples, more, std::back_inserter(merged), {}, &Sample::time,
                           &Sample::time);
    samples = std::move(merged);
}

void keep_between(std::vector<Sample>& samples, Timestamp from, Timestamp to) {
    samples.erase(std::ranges::upper_bound(samples, to, {}, &Sample::time), samples.end());
    forget_before(samples, from);
}

}  // namespace inferscope::tsdb
