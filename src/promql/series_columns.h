// SPDX-License-Identifier: Apache-2.0
// A range vector before its windows are cut: the samples of series over a long time, as columns
// that share their times where they can.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "promql/query_state.h"
#include "promql/series_labels.h"
#include "promql/value.h"
#include "telemetry/selection.h"

namespace inferscope::promql {

/// Movable; its spans stay where they are.
class SeriesColumns {
public:
    struct Column {
        SeriesLabels labels;
        std::size_t axis = 0;            ///< in axes()
        std::span<const double> values;  ///< one for each time of the axis
        bool has_gaps = false;           ///< some values are stale markers: no sample, or an end
        bool never_falls = false;  ///< known to have no NaN, and no value less than the one before
    };

    /// Of what was read: sorted by labels, series without a sample left out.
    SeriesColumns(Selection selection, bool differ_without_name);
    /// Of a subquery: values at `steps`.
    SeriesColumns(VectorValue values, const Steps& steps);

    SeriesColumns(SeriesColumns&&) = default;
    SeriesColumns& operator=(SeriesColumns&&) = default;
    SeriesColumns(const SeriesColumns&) = delete;
    SeriesColumns& operator=(const SeriesColumns&) = delete;
    ~SeriesColumns() = default;

    /// Times, strictly rising.
    [[nodiscard]] const std::vector<std::span<const Timestamp>>& axes() const { return axes_; }
    [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }
    /// As in VectorValue.
    [[nodiscard]] bool differ_without_name() const { return differ_without_name_; }

private:
    friend class ColumnsBuilder;

    Selection selection_;
    VectorValue values_;
    std::deque<std::vector<Timestamp>> times_;
    std::deque<std::vector<double>> samples_;
    std::vector<std::span<const Timestamp>> axes_;
    std::vector<Column> columns_;
    bool differ_without_name_ = false;
};

/// For each step the samples between two times: [begin, end) of an axis.
struct WindowBounds {
    std::vector<std::uint32_t> begins;
    std::vector<std::uint32_t> ends;

    [[nodiscard]] std::size_t samples() const;
};

/// Windows that end at first_end + k * step, and are `range` long.
struct WindowSpec {
    Timestamp first_end = 0;
    Timestamp step = 0;
    Timestamp range = 0;
    bool is_closed_left = false;  ///< dialect 2: a sample at the very start is in, too
    std::size_t count = 0;
};

void find_bounds(std::span<const Timestamp> times, const WindowSpec& spec, WindowBounds& bounds);

}  // namespace inferscope::promql
