// SPDX-License-Identifier: Apache-2.0
#include "tsdb/epoch.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "base/numbers.h"

namespace inferscope::tsdb {
namespace {

/// So many rows later, no more pieces of a row are waited for.
constexpr std::size_t kRowsWaited = 4;
/// Sealing a tile of so many columns takes a millisecond at most (head_bench).
constexpr std::size_t kMostSealedAtOnce = 512;
/// Of a slot of the table of dead columns: the pair, and Abseil's control byte.
constexpr std::size_t kDiedBytes = sizeof(std::pair<const std::uint32_t, Timestamp>) + 1;

}  // namespace

/// The row at one time, for all columns: found once, its chunk opened once.
class Epoch::RowAt {
public:
    RowAt(const Epoch& epoch, Timestamp time) {
        if (time > epoch.last_row_ || find_in(epoch.tile_, time)) return;
        for (const auto& tile : epoch.full_) {
            if (find_in(*tile, time)) return;
        }
        if (const auto* chunk = find_chunk(epoch.chunks_, time)) open(chunk->view(), time);
    }

    [[nodiscard]] std::optional<double> value(std::uint32_t column) {
        if (tile_ != nullptr) return value_in_tile(column);
        if (!view_) return std::nullopt;
        values_.resize(view_->rows());
        present_.resize(view_->rows());
        decode_column(*decoder_, *view_, column, values_, present_);
        return present_[row_] != 0 ? std::optional(values_[row_]) : std::nullopt;
    }

private:
    bool find_in(const Tile& tile, Timestamp time) {
        const auto found = std::ranges::lower_bound(tile.times(), time);
        if (found == tile.times().end() || *found != time) return false;
        tile_ = &tile;
        row_ = static_cast<std::size_t>(found - tile.times().begin());
        return true;
    }
    void open(ChunkView view, Timestamp time) {
        const auto found = std::ranges::lower_bound(view.times(), time);
        if (found == view.times().end() || *found != time) return;
        row_ = static_cast<std::size_t>(found - view.times().begin());
        view_ = std::make_unique<ChunkView>(std::move(view));
        decoder_ = std::make_unique<ColumnDecoder>(*view_);
    }
    [[nodiscard]] std::optional<double> value_in_tile(std::uint32_t column) const {
        if (column >= tile_->columns() || (tile_->present(column) >> row_ & 1) == 0)
            return std::nullopt;
        return tile_->value(column, row_);
    }

    std::size_t row_ = 0;
    const Tile* tile_ = nullptr;
    std::unique_ptr<ChunkView> view_;
    std::unique_ptr<ColumnDecoder> decoder_;
    std::vector<double> values_;
    std::vector<std::uint8_t> present_;
};

void Epoch::add_columns(std::size_t count) {
    alive_.resize(alive_.size() + count);
    if (tile_.rows() > 0) tile_.grow(alive_.size());
}

VerdictCounts Epoch::append(Timestamp time, std::span<const double> values) {
    CHECK(values.size() == alive_.size(), "a row has one value for each column");
    fill_by_cells(false);
    if (time <= last_row_) return append_late(time, values);
    if (tile_.is_full()) close_rows(kTileRows);
    const std::size_t row = add_row(time);
    VerdictCounts counts;
    counts[Verdict::taken] = set_row(row, time, values);
    if (time <= last_late_) take_late_out_of_row(row, time, counts);
    return counts;
}

/// Returns how many samples it has.
std::size_t Epoch::set_row(std::size_t row, Timestamp time, std::span<const double> values) {
    std::size_t samples = 0;
    for (std::uint32_t column = 0; column < values.size(); ++column) {
        const double value = values[column];
        const bool was_alive = alive_[column] != 0;
        const bool alive = !is_stale_marker(value);
        if (!alive && !was_alive) continue;
        tile_.set(column, row, value);
        ++samples;
        if (alive == was_alive) continue;
        alive_[column] = std::uint8_t{alive};
        if (alive) {
            died_.erase(column);
        } else {
            died_[column] = time;
        }
    }
    return samples;
}

/// Columns with a late sample at the row's time or after it: the row's own is late now, and a stale
/// marker says nothing anymore.
void Epoch::take_late_out_of_row(std::size_t row, Timestamp time, VerdictCounts& counts) {
    std::vector<std::uint32_t> columns;
    for (const auto& [column, late] : late_) {
        if (late.back().time >= time) columns.push_back(column);
    }
    for (const auto column : columns) {
        if ((tile_.present(column) >> row & 1) == 0) continue;
        const double value = tile_.value(column, row);
        tile_.clear(column, row);
        --counts[Verdict::taken];
        if (!is_stale_marker(value)) ++counts[insert(column, {time, value})];
    }
}

VerdictCounts Epoch::append_late(Timestamp time, std::span<const double> values) {
    VerdictCounts counts;
    RowAt row(*this, time);
    for (std::uint32_t column = 0; column < values.size(); ++column) {
        if (!is_stale_marker(values[column])) ++counts[insert(column, {time, values[column]}, row)];
    }
    return counts;
}

VerdictCounts Epoch::append_gap(Timestamp time) {
    if (by_cells_ || time <= last_row_) return {};
    const bool any_alive = std::ranges::any_of(alive_, [](auto alive) { return alive != 0; });
    if (!any_alive) return {};
    return append(time, std::vector(alive_.size(), kStaleMarker));
}

VerdictCounts Epoch::append_cells(Timestamp time, std::span<const Cell> cells) {
    VerdictCounts counts;
    fill_by_cells(true);
    if (time > last_row_) {
        if (tile_.is_full()) close_rows(kTileRows - kRowsWaited);
        add_row(time);
    }
    if (const auto row = open_row_at(time)) {
        for (const auto& cell : cells) ++counts[set(*row, time, cell)];
        return counts;
    }
    RowAt row(*this, time);
    for (const auto& cell : cells) ++counts[insert(cell.column, {time, cell.value}, row)];
    return counts;
}

/// Nobody changes from one to the other; if somebody did, `alive_` and `died_` would mean something
/// else from now on.
void Epoch::fill_by_cells(bool by_cells) {
    if (by_cells == by_cells_) return;
    close_tile();
    const Timestamp last = by_cells_ ? last_closed_ : last_row_;
    for (std::uint32_t column = 0; column < columns(); ++column) {
        if (std::exchange(alive_[column], 0) != 0) died_[column] = last;
    }
    by_cells_ = by_cells;
}

/// A group that is silent has no room for values.
std::size_t Epoch::add_row(Timestamp time) {
    if (tile_.rows() == 0) tile_.grow(alive_.size());
    last_row_ = time;
    return tile_.add_row(time);
}

std::optional<std::size_t> Epoch::open_row_at(Timestamp time) const {
    const auto found = std::ranges::lower_bound(tile_.times(), time);
    if (found == tile_.times().end() || *found != time) return std::nullopt;
    return static_cast<std::size_t>(found - tile_.times().begin());
}

Verdict Epoch::set(std::size_t row, Timestamp time, const Cell& cell) {
    if ((tile_.present(cell.column) >> row & 1) != 0) {
        return same_bits(tile_.value(cell.column, row), cell.value) ? Verdict::known
                                                                    : Verdict::duplicate;
    }
    if (const Timestamp last = last_of(cell.column); time <= last) {
        if (time < last - window_) return Verdict::out_of_order;
        if (const auto known = find_late(cell.column, time))
            return same_bits(*known, cell.value) ? Verdict::known : Verdict::duplicate;
    }
    tile_.set(cell.column, row, cell.value);
    return Verdict::taken;
}

std::optional<double> Epoch::find_late(std::uint32_t column, Timestamp time) const {
    const auto late = late_.find(column);
    return late == late_.end() ? std::nullopt : find_by_time(late->second, time);
}

Verdict Epoch::insert(std::uint32_t column, Sample sample) {
    RowAt row(*this, sample.time);
    return insert(column, sample, row);
}

Verdict Epoch::insert(std::uint32_t column, Sample sample, RowAt& row) {
    const Timestamp last = last_of(column);
    if (sample.time <= last) {
        if (sample.time < last - window_) return Verdict::out_of_order;
        auto known = find_late(column, sample.time);
        if (!known) known = row.value(column);
        if (known) return same_bits(*known, sample.value) ? Verdict::known : Verdict::duplicate;
    }
    insert_late(column, sample);
    return Verdict::taken;
}

void Epoch::insert_late(std::uint32_t column, Sample sample) {
    insert_by_time(late_[column], sample);
    last_late_ = std::max(last_late_, sample.time);
}

void Epoch::end() {
    ended_ = true;
    close_tile();
}

/// The tile's first rows: sealed at once if that is right, else they wait.
void Epoch::close_rows(std::size_t rows) {
    if (by_cells_) remember_last(rows);
    if (full_.empty() && alive_.size() <= kMostSealedAtOnce) {
        chunks_.push_back(
            sealer_.with([&](Sealer& sealer) { return sealer.seal({}, tile_, rows); }));
        tile_.drop_rows(rows);
    } else if (rows == tile_.rows()) {
        full_.push_back(std::make_shared<const Tile>(std::exchange(tile_, {})));
    } else {
        full_.push_back(std::make_shared<const Tile>(tile_.first(rows)));
        tile_.drop_rows(rows);
    }
}

void Epoch::close_tile() {
    if (tile_.rows() == 0) {
        tile_ = {};
        return;
    }
    if (by_cells_) remember_last(tile_.rows());
    full_.push_back(std::make_shared<const Tile>(std::exchange(tile_, {})));
}

/// Before the tile's first rows leave it.
void Epoch::remember_last(std::size_t rows) {
    const Timestamp last = tile_.times()[rows - 1];
    for (std::uint32_t column = 0; column < tile_.columns(); ++column) {
        const auto present = tile_.present(column) & ((1U << rows) - 1);
        const bool is_last = (present >> (rows - 1)) != 0;
        const bool was_alive = std::exchange(alive_[column], std::uint8_t{is_last}) != 0;
        if (is_last) {
            if (!was_alive) died_.erase(column);
        } else if (present != 0) {
            died_[column] = tile_.times()[std::bit_width(present) - 1];
        } else if (was_alive) {
            died_[column] = last_closed_;
        }
    }
    last_closed_ = last;
}

Timestamp Epoch::last_in_rows(std::uint32_t column) const {
    if (by_cells_ && column < tile_.columns() && tile_.present(column) != 0)
        return tile_.times()[std::bit_width(tile_.present(column)) - 1];
    if (alive_[column] != 0) return by_cells_ ? last_closed_ : last_row_;
    const auto died = died_.find(column);
    return died == died_.end() ? kNever : died->second;
}

Timestamp Epoch::last_of(std::uint32_t column) const {
    const Timestamp in_rows = last_in_rows(column);
    if (late_.empty()) return in_rows;
    const auto late = late_.find(column);
    return late == late_.end() ? in_rows : std::max(in_rows, late->second.back().time);
}

std::optional<double> Epoch::find(std::uint32_t column, Timestamp time) const {
    if (const auto known = find_late(column, time)) return known;
    return RowAt(*this, time).value(column);
}

RowsSnapshot Epoch::snapshot(std::vector<std::uint32_t> columns, Timestamp from,
                             Timestamp to) const {
    RowsSnapshot snapshot;
    const auto overlaps = [&](const auto& rows) { return rows.first <= to && rows.last >= from; };
    std::ranges::copy_if(chunks_, std::back_inserter(snapshot.chunks), overlaps);
    for (const auto& tile : full_) {
        if (tile->times().front() <= to && tile->times().back() >= from)
            snapshot.full.push_back(tile);
    }
    if (tile_.rows() > 0 && tile_.times().front() <= to && tile_.times().back() >= from)
        snapshot.open.push_back(tile_.only(columns));
    snapshot.late.resize(columns.size());
    for (std::size_t i = 0; !late_.empty() && i < columns.size(); ++i) {
        if (const auto late = late_.find(columns[i]); late != late_.end())
            snapshot.late[i] = late->second;
    }
    snapshot.columns = std::move(columns);
    return snapshot;
}

void Epoch::close_tile_before(Timestamp time) {
    if (tile_.rows() > 0 && last_row_ < time) close_tile();
}

std::optional<SealWork> Epoch::to_seal() const {
    const auto before = to_merge(chunks_);
    if (full_.empty() && before.empty()) return std::nullopt;
    const bool with_tile = !full_.empty() && (before.empty() || &before.back() == &chunks_.back());
    return SealWork{{before.begin(), before.end()}, with_tile ? full_.front() : nullptr};
}

void Epoch::put(const SealWork& work, SealedChunk chunk) {
    if (work.tile) {
        CHECK(!full_.empty() && full_.front() == work.tile, "what is sealed is the first tile");
        full_.erase(full_.begin());
    }
    // While there was no tile, the rows that came meanwhile may be chunks behind.
    auto at = work.before.empty()
                  ? chunks_.end()
                  : std::ranges::find(chunks_, work.before.front().data, &SealedChunk::data);
    CHECK(work.before.empty() || at != chunks_.end(), "what is merged is still there");
    at = chunks_.erase(at, at + static_cast<std::ptrdiff_t>(work.before.size()));
    chunks_.insert(at, std::move(chunk));
}

void Epoch::forget_before(Timestamp time) {
    tsdb::forget_before(chunks_, time);
    full_.erase(full_.begin(), std::ranges::find_if(full_, [&](const auto& tile) {
                    return tile->times().back() >= time;
                }));
    absl::erase_if(late_, [&](auto& late) {
        tsdb::forget_before(late.second, time);
        return late.second.empty();
    });
}

FrozenRows Epoch::freeze() {
    close_tile();
    return {.chunks = chunks_,
            .tiles = {full_.begin(), full_.end()},
            .late = {late_.begin(), late_.end()}};
}

void Epoch::drop(const FrozenRows& frozen) {
    chunks_.erase(chunks_.begin(),
                  chunks_.begin() + static_cast<std::ptrdiff_t>(frozen.chunks.size()));
    full_.erase(full_.begin(), full_.begin() + static_cast<std::ptrdiff_t>(frozen.tiles.size()));
    for (const auto& [column, samples] : frozen.late) {
        auto& left = late_[column];
        remove_times(left, samples);
        if (left.empty()) late_.erase(column);
    }
}

bool Epoch::is_over() const { return ended_ && chunks_.empty() && full_.empty() && late_.empty(); }

Timestamp Epoch::oldest() const {
    MemoryUse use;
    measure(use);
    return use.oldest;
}

void Epoch::measure(MemoryUse& use) const {
    const auto add = [&](const Tile& tile) {
        use.bytes += tile.heap_bytes() + sizeof(Tile);
        if (tile.rows() == 0) return;
        ++use.chunks;
        use.oldest = std::min(use.oldest, tile.times().front());
    };
    use.bytes += alive_.capacity() + died_.capacity() * kDiedBytes;
    use.add(chunks_);
    for (const auto& tile : full_) add(*tile);
    add(tile_);
    for (const auto& [column, late] : late_) {
        use.bytes += late.capacity() * sizeof(Sample);
        use.oldest = std::min(use.oldest, late.front().time);
    }
}

void insert_by_time(std::vector<Sample>& samples, Sample sample) {
    const auto at = std::ranges::upper_bound(samples, sample.time, {}, &Sample::time);
    samples.insert(at, sample);
}

std::optional<double> find_by_time(std::span<const Sample> samples, Timestamp time) {
    const auto found = std::ranges::lower_bound(samples, time, {}, &Sample::time);
    if (found == samples.end() || found->time != time) return std::nullopt;
    return found->value;
}

void remove_times(std::vector<Sample>& samples, std::span<const Sample> others) {
    std::vector<Sample> left;
    std::ranges::set_difference(samples, others, std::back_inserter(left), {}, &Sample::time,
                                &Sample::time);
    samples = std::move(left);
}

void forget_before(std::vector<Sample>& samples, Timestamp time) {
    samples.erase(samples.begin(), std::ranges::lower_bound(samples, time, {}, &Sample::time));
}

void forget_before(std::vector<SealedChunk>& chunks, Timestamp time) {
    chunks.erase(chunks.begin(), std::ranges::lower_bound(chunks, time, {}, &SealedChunk::last));
}

const SealedChunk* find_chunk(std::span<const SealedChunk> chunks, Timestamp time) {
    const auto found = std::ranges::lower_bound(chunks, time, {}, &SealedChunk::last);
    return found != chunks.end() && found->first <= time ? &*found : nullptr;
}

}  // namespace inferscope::tsdb
