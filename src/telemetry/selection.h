// SPDX-License-Identifier: Apache-2.0
// What reading the store gives: columns, with the times that they share told once, and for each
// series the parts of columns that make it up.
#pragma once

#include <absl/container/inlined_vector.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "telemetry/labels.h"
#include "telemetry/sample.h"

namespace inferscope {

/// What is known of values without a look at them.
struct ColumnFacts {
    bool is_plain = false;     ///< every row has a sample, and that is no stale marker
    bool never_falls = false;  ///< plain, and no value is NaN or less than the one before
};
/// Found out with one, if all rows have a sample.
ColumnFacts facts_of(std::span<const double> values);

/// Columns that share their times, column by column in one piece of memory. Movable; what its
/// spans show stays where it is.
class ColumnRows {
public:
    ColumnRows() = default;
    /// Without rows, and room for so many.
    ColumnRows(std::size_t columns, std::size_t most_rows);
    /// Samples of one series: times of their own and one column.
    static ColumnRows of(std::span<const Sample> samples);

    /// Strictly rising.
    [[nodiscard]] std::span<const Timestamp> times() const { return times_; }
    [[nodiscard]] std::size_t columns() const { return columns_.size(); }
    /// One for each time; anything where there is no sample.
    [[nodiscard]] std::span<const double> values(std::size_t column) const {
        return {values_.get() + column * most_rows_, times_.size()};
    }
    /// Whether each row has a sample.
    [[nodiscard]] bool is_whole(std::size_t column) const {
        return columns_[column].absent.empty();
    }
    [[nodiscard]] bool has(std::size_t column, std::size_t row) const {
        const auto& absent = columns_[column].absent;
        return row >= absent.size() || !absent[row];
    }

    /// Adds rows: there is room for them, and their times are later.
    void add_rows(std::span<const Timestamp> times) {
        times_.insert(times_.end(), times.begin(), times.end());
    }
    /// The values of the last rows, to be filled in.
    [[nodiscard]] std::span<double> last_values(std::size_t column, std::size_t rows) {
        return {values_.get() + column * most_rows_ + times_.size() - rows, rows};
    }
    /// There is no sample in that row.
    void leave_out(std::size_t column, std::size_t row);
    /// Says what is known of the last rows, once they are filled in. To be said of all that were
    /// added: of rows of which nothing was said, nothing is known.
    void know(std::size_t column, std::size_t rows, ColumnFacts facts);
    /// Of all rows.
    [[nodiscard]] ColumnFacts facts(std::size_t column) const {
        const auto& about = columns_[column];
        return about.known_rows == times_.size() ? about.facts : ColumnFacts();
    }

private:
    struct Column {
        std::vector<bool> absent;  // as far as the last such row
        std::size_t known_rows = 0;
        ColumnFacts facts;  // of those
    };

    std::size_t most_rows_ = 0;
    std::vector<Timestamp> times_;
    std::unique_ptr<double[]> values_;
    std::vector<Column> columns_;
};

/// The time in which a series is a column.
struct SeriesPart {
    std::size_t rows = 0;    ///< in Selection::rows
    std::size_t column = 0;  ///< of them
    Timestamp from = 0;      ///< inclusive
    Timestamp to = 0;        ///< inclusive
};

/// Where two have a sample at one time, the earlier part's holds. Mostly it is one.
using SeriesParts = absl::InlinedVector<SeriesPart, 1>;

struct SelectedSeries {
    Labels labels;
    SeriesParts parts;
};

/// Stale markers are samples. Everything lies between the times asked for. Any thread.
struct Selection {
    std::vector<ColumnRows> rows;
    std::vector<SelectedSeries> series;  ///< each label set once
    bool is_sorted = false;              ///< by labels; else in no particular order
    std::vector<std::string> warnings;   ///< for people: what couldn't be read, and why

    /// The samples of one of the series, by time.
    [[nodiscard]] std::vector<Sample> samples(const SelectedSeries& one) const;
};

/// What a reader answers that would have to hold more values.
Error too_many_samples(std::size_t most_samples);

}  // namespace inferscope
