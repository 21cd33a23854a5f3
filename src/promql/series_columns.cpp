// SPDX-License-Identifier: Apache-2.0
// Most series of a selection are columns of one group: then their times are told once. A series
// whose rows lie in several pieces (blocks, head) shares the pieces' times, put together, with all
// series that lie in the same ones. Only where rows are missing, or pieces overlap, does a series
// get times of its own.
#include "promql/series_columns.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <bit>

#include "base/numbers.h"
#include "base/vector_clones.h"

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

INFERSCOPE_VECTOR_CLONES
std::size_t count_stale_markers(const double* values, std::size_t count) {
    std::size_t stale = 0;
    for (std::size_t i = 0; i < count; ++i)
        stale += std::bit_cast<std::uint64_t>(values[i]) == kStaleMarkerBits ? 1 : 0;
    return stale;
}

bool has_stale_markers(std::span<const double> values) {
    return count_stale_markers(values.data(), values.size()) > 0;
}

/// Whether `place` + k * `stride` times are up to `time` + k * `step`, and no more, for each k
/// below `count`. There is a time before and at each of these places.
INFERSCOPE_VECTOR_CLONES
bool lie_evenly(const Timestamp* times, std::size_t place, std::size_t stride, Timestamp time,
                Timestamp step, std::size_t count) {
    std::uint64_t wrong = 0;
    for (std::size_t k = 0; k < count; ++k) {
        const auto* const behind = times + place + k * stride;
        const auto until = time + static_cast<Timestamp>(k) * step;
        wrong |= static_cast<std::uint64_t>(behind[-1] > until);
        wrong |= static_cast<std::uint64_t>(behind[0] <= until);
    }
    return wrong == 0;
}

/// How many times are up to one that rises from call to call.
class TimesPassed {
public:
    explicit TimesPassed(std::span<const Timestamp> times)
        : times_(times.data()), size_(static_cast<std::uint32_t>(times.size())) {}

    /// Of `time` + k * `step` for each k.
    void count(Timestamp time, Timestamp step, std::span<std::uint32_t> counts) {
        // Samples come evenly, so as many as for the step before are supposed for many steps.
        constexpr std::size_t kMany = 32;
        for (std::size_t k = 0; k < counts.size();) {
            const auto many = counts.subspan(k, std::min(kMany, counts.size() - k));
            const auto first = time + static_cast<Timestamp>(k) * step;
            if (k == 0 || !suppose(first, step, many)) {
                for (std::size_t i = 0; i < many.size(); ++i)
                    many[i] = up_to(first + static_cast<Timestamp>(i) * step);
            }
            k += many.size();
        }
    }

private:
    std::uint32_t up_to(Timestamp time) {
        const auto place = place_;
        while (place_ < size_ && times_[place_] <= time) ++place_;
        stride_ = place_ - place;
        return place_;
    }
    bool suppose(Timestamp time, Timestamp step, std::span<std::uint32_t> counts) {
        const auto first = place_ + stride_;
        const auto last = place_ + counts.size() * stride_;
        if (first == 0 || last >= size_ ||
            !lie_evenly(times_, first, stride_, time, step, counts.size()))
            return false;
        for (auto& count : counts) count = place_ += stride_;
        return true;
    }

    const Timestamp* times_;
    std::uint32_t size_;
    std::uint32_t place_ = 0;
    std::uint32_t stride_ = 0;
};

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
            const auto times = rows.times();
            const auto begin = std::ranges::lower_bound(times, part.from);
            const auto end = std::ranges::upper_bound(times, part.to);
            if (begin >= end) continue;
            shares = shares && rows.is_whole(part.column);
            pieces_.push_back({part.rows, static_cast<std::size_t>(begin - times.begin()),
                               static_cast<std::size_t>(end - times.begin()), part.column});
        }
        std::ranges::sort(pieces_, {}, [this](const Piece& piece) { return first_time(piece); });
        for (std::size_t i = 1; shares && i < pieces_.size(); ++i)
            shares = last_time(pieces_[i - 1]) < first_time(pieces_[i]);
        return shares;
    }
    Timestamp first_time(const Piece& piece) const {
        return all_.selection_.rows[piece.rows].times()[piece.begin];
    }
    Timestamp last_time(const Piece& piece) const {
        return all_.selection_.rows[piece.rows].times()[piece.end - 1];
    }

    void add_sharing(const SelectedSeries& series) {
        if (pieces_ != last_pieces_) {
            const auto [place, is_new] = axes_.try_emplace(pieces_, all_.axes_.size());
            if (is_new) all_.axes_.push_back(joined_times());
            last_axis_ = place->second;
            last_pieces_ = pieces_;
        }
        push(series, last_axis_, joined_values(), joined_facts());
    }
    std::span<const double> values_of(const Piece& piece) const {
        return all_.selection_.rows[piece.rows]
            .values(piece.column)
            .subspan(piece.begin, piece.end - piece.begin);
    }
    std::span<const Timestamp> times_of(const Piece& piece) const {
        return all_.selection_.rows[piece.rows].times().subspan(piece.begin,
                                                                piece.end - piece.begin);
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

    [[nodiscard]] ColumnFacts facts_of_piece(const Piece& piece) const {
        return all_.selection_.rows[piece.rows].facts(piece.column);
    }
    [[nodiscard]] ColumnFacts joined_facts() const {
        auto facts = facts_of_piece(pieces_[0]);
        for (std::size_t i = 1; i < pieces_.size(); ++i) {
            const auto more = facts_of_piece(pieces_[i]);
            facts.is_plain = facts.is_plain && more.is_plain;
            facts.never_falls = facts.never_falls && more.never_falls &&
                                values_of(pieces_[i - 1]).back() <= values_of(pieces_[i]).front();
        }
        return facts;
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
        push(series, all_.axes_.size() - 1, values, {});
    }

    void push(const SelectedSeries& series, std::size_t axis, std::span<const double> values,
              ColumnFacts facts) {
        all_.columns_.push_back({SeriesLabels(series.labels), axis, values,
                                 !facts.is_plain && has_stale_markers(values), facts.never_falls});
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
    if (selection_.is_sorted) {
        for (const auto& one : series) builder.add(one);
        return;
    }
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
        columns_.push_back({values_.labels[row], 0, column, has_stale_markers(column), false});
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
    const auto before = spec.range + (spec.is_closed_left ? 1 : 0);
    TimesPassed(times).count(spec.first_end - before, spec.step, bounds.begins);
    TimesPassed(times).count(spec.first_end, spec.step, bounds.ends);
}

}  // namespace inferscope::promql
