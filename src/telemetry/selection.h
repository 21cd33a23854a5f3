// SPDX-License-Identifier: Apache-2.0
// What reading the store gives: columns, with the times that they share told once, and for each
// series the parts of columns that make it up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "telemetry/labels.h"
#include "telemetry/sample.h"

namespace inferscope {

/// Columns that share their times.
struct ColumnRows {
    struct Column {
        std::vector<double> values;         ///< one for each time; anything where absent
        std::vector<std::uint8_t> present;  ///< one for each time; empty: all are present
    };
    std::vector<Timestamp> times;  ///< strictly rising
    std::vector<Column> columns;

    /// Samples of one series: times of their own and one column.
    static ColumnRows of(std::span<const Sample> samples);
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
    std::vector<SeriesPart>
        parts;  ///< where two have a sample at one time, the earlier part's holds
};

/// Stale markers are samples. Everything lies between the times asked for. Any thread.
struct Selection {
    std::vector<ColumnRows> rows;
    std::vector<SelectedSeries> series;  ///< each label set once, in no particular order
    std::vector<std::string> warnings;   ///< for people: what couldn't be read, and why

    /// The samples of one of the series, by time.
    [[nodiscard]] std::vector<Sample> samples(const SelectedSeries& one) const;
};

/// What a reader answers that would have to hold more values.
Error too_many_samples(std::size_t most_samples);

}  // namespace inferscope
