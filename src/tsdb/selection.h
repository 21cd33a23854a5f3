// SPDX-License-Identifier: Apache-2.0
// What a selection of series gives: rows of groups decoded column by column, the time column once
// for all series of a group; and for each series the parts that make it up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "telemetry/labels.h"
#include "tsdb/epoch.h"
#include "tsdb/sample.h"

namespace inferscope::tsdb {

/// Columns of one group that share their times.
struct ColumnRows {
    struct Column {
        std::vector<double> values;         ///< one for each time; anything where absent
        std::vector<std::uint8_t> present;  ///< one for each time; empty: all are present
        std::vector<Sample> late;           ///< out of order, by time; they win over equal times
    };
    std::vector<Timestamp> times;  ///< strictly rising
    std::vector<Column> columns;
};

/// The time in which a series is a column.
struct SeriesPart {
    std::size_t rows = 0;    ///< in Selection::rows
    std::size_t column = 0;  ///< of them
    Timestamp from = 0;      ///< inclusive
    Timestamp to = 0;        ///< inclusive
};

struct SelectedSeries {
    Labels labels;
    std::vector<Sample> own;        ///< samples of the series by itself, by time
    std::vector<SeriesPart> parts;  ///< of equal times `own` wins, then the earlier part
};

/// Immutable once made; any thread. Everything lies between the times asked for.
struct Selection {
    std::vector<ColumnRows> rows;
    std::vector<SelectedSeries> series;  ///< in no particular order

    /// The samples of one series, merged, by time.
    [[nodiscard]] std::vector<Sample> samples(const SelectedSeries& series) const;
};

/// What a snapshot has between `from` and `to`, inclusive.
ColumnRows decode(const RowsSnapshot& snapshot, Timestamp from, Timestamp to);
/// Appends the samples of chunks of one column.
void decode(std::span<const SealedChunk> chunks, std::vector<Sample>& samples);
/// Both by time; of equal times that of `samples` stays.
void merge_by_time(std::vector<Sample>& samples, std::span<const Sample> more);
void keep_between(std::vector<Sample>& samples, Timestamp from, Timestamp to);

}  // namespace inferscope::tsdb
