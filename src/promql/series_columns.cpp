// SPDX-License-Identifier: Apache-2.0
// Most series of a selection are columns of one group: then their times are told once. A series
// whose rows lie in several pieces (blocks, head) shares the pieces' times, put together, with all
// series that lie in the same ones. Only where rows are missing, or pieces overlap, does a series
// get times of its own.
#include "promql/series_columns.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>

#include "promql/step_values.h"

namespace inferscope::promql {
namespace {

/// Rows [begin, end) of a ColumnRows. Pieces of several columns are equal if their times are.
struct Piece {
    std::size_t rows = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t column = 0;

    bool operator==(const Piece& other) const {
        return rows == other.rows && begin == other.begin && end == other.end;
    }
    template <typename H>
    friend H AbslHashValue(H state, const Piece& piece) {
        return H::combine(std::move(state), piece.rows, piece.begin, piece.end);
    }
};

bool has_stale_markers(std::span<const double> values) {
    bool any = false;
    for (const double value : values) any |= is_absent(value);
    return any;
}

}  // namespace

class ColumnsBuilder {
public:
    explicit ColumnsBuilder(SeriesColumns& all) : all_(all) {}

    void add(const SelectedSeries& series) {
        const bool shares = find_pieces(series);
        if (pieces_.empty()) return;
        if (shares) {
            add_sharing(series);
        } else {
            add_alone(series);
        }
    }

private:
    /// False if the series can't share its times with others.
    bool find_pieces(const SelectedSeries& series) {
        pieces_.clear();
        bool shares = true;
        for (const auto& part : series.parts) {
            const auto& rows = all_.selection_.rows[part.rows];
            const auto begin = std::ranges::lower_bound(rows.times, part.from);
            const auto end = std::ranges::upper_bound(rows.times, part.to);
            if (begin >= end) continue;
            shares = shares && rows.columns[part.column].present.empty();
            pieces_.push_back({part.rows, static_cast<std::size_t>(begin - rows.times.begin()),
                               static_cast<std::size_t>(end - rows.times.begin()), part.column});
        }
        std::ranges::sort(pieces_, {}, [this](const Piece& piece) { return first_time(piece); });
        for (std::size_t i = 1; shares && i < pieces_.size(); ++i)
            shares = last_time(pieces_[i - 1]) < first_time(pieces_[i]);
        return shares;
    }
    Timestamp first_time(const Piece& piece) const {
        return all_.selection_.rows[piece.rows].times[piece.begin];
    }
    Timestamp last_time(const Piece& piece) const {
        return all_.selection_.rows[piece.rows].times[piece.end - 1];
    }

    void add_sharing(const SelectedSeries& series) {
        if (pieces_ != last_pieces_) {
            const auto [place, is_new] = axes_.try_emplace(pieces_, all_.axes_.size());
            if (is_new) all_.axes_.push_back(joined_times());
            last_axis_ = place->second;
            last_pieces_ = pieces_;
        }
        push(series, last_axis_, joined_values());
    }
    std::span<const double> values_of(const Piece& piece) const {
        const auto& column = all_.selection_.rows[piece.rows].columns[piece.column];
        return std::span(column.values).subspan(piece.begin, piece.end - piece.begin);
    }
    std::span<const Timestamp> times_of(const Piece& piece) const {
        return std::span(all_.selection_.rows[piece.rows].times)
            .subspan(piece.begin, piece.end - piece.begin);
    }
    std::span<const Timestamp> joined_times() {
        if (pieces_.size() == 1) return times_of(pieces_[0]);
        auto& times = all_.times_.emplace_back();
        times.reserve(size_of_pieces());
        for (const auto& piece : pieces_) {
            const auto more = times_of(piece);
            times.insert(times.end(), more.begin(), more.end());
        }
        return times;
    }
    [[nodiscard]] std::size_t size_of_pieces() const {
        std::size_t size = 0;
        for (const auto& piece : pieces_) size += piece.end - piece.begin;
        return size;
    }
    std::span<const double> joined_values() {
        if (pieces_.size() == 1) return values_of(pieces_[0]);
        auto& values = all_.samples_.emplace_back();
        values.reserve(size_of_pieces());
        for (const auto& piece : pieces_) {
            const auto more = values_of(piece);
            values.insert(values.end(), more.begin(), more.end());
        }
        return values;
    }

    void add_alone(const SelectedSeries& series) {
        const auto samples = all_.selection_.samples(series);
        if (samples.empty()) return;
        auto& times = all_.times_.emplace_back();
        auto& values = all_.samples_.emplace_back();
        times.reserve(samples.size());
        values.reserve(samples.size());
        for (const auto& [time, value] : samples) {
            times.push_back(time);
            values.push_back(value);
        }
        all_.axes_.emplace_back(times);
        push(series, all_.axes_.size() - 1, values);
    }

    void push(const SelectedSeries& series, std::size_t axis, std::span<const double> values) {
        all_.columns_.push_back(
            {SeriesLabels(series.labels), axis, values, has_stale_markers(values)});
    }

    SeriesColumns& all_;
    std::vector<Piece> pieces_;  // of the series being added, by time
    std::vector<Piece> last_pieces_;
    std::size_t last_axis_ = 0;
    absl::flat_hash_map<std::vector<Piece>, std::size_t> axes_;
};

SeriesColumns::SeriesColumns(Selection selection, bool differ_without_name)
    : selection_(std::move(selection)), differ_without_name_(differ_without_name) {
    ColumnsBuilder builder(*this);
    columns_.reserve(selection_.series.size());
    const auto& series = selection_.series;
    const auto places = sorted_places(
        series.size(), [&](std::size_t at) { return SeriesLabels(series[at].labels); });
    for (const auto place : places) builder.add(series[place]);
}

SeriesColumns::SeriesColumns(VectorValue values, const Steps& steps)
    : values_(std::move(values)), differ_without_name_(values_.differ_without_name) {
    auto& times = times_.emplace_back(steps.count);
    for (std::size_t step = 0; step < steps.count; ++step) times[step] = steps.time(step);
    axes_.emplace_back(times);
    for (std::size_t row = 0; row < values_.size(); ++row) {
        const auto column = std::as_const(values_.values).row(row);
        columns_.push_back({values_.labels[row], 0, column, has_stale_markers(column)});
    }
}

std::size_t WindowBounds::samples() const {
    std::size_t all = 0;
    for (std::size_t step = 0; step < begins.size(); ++step) all += ends[step] - begins[step];
    return all;
}

void find_bounds(std::span<const Timestamp> times, const WindowSpec& spec, WindowBounds& bounds) {
    bounds.begins.resize(spec.count);
    bounds.ends.resize(spec.count);
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    const auto size = static_cast<std::uint32_t>(times.size());
    for (std::size_t step = 0; step < spec.count; ++step) {
        const auto last = spec.first_end + static_cast<Timestamp>(step) * spec.step;
        const auto first = last - spec.range + (spec.is_closed_left ? 0 : 1);
        while (end < size && times[end] <= last) ++end;
        while (begin < end && times[begin] < first) ++begin;
        bounds.begins[step] = begin;
        bounds.ends[step] = end;
    }
}

}  // namespace inferscope::promql
