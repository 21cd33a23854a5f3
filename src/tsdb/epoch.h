// SPDX-License-Identifier: Apache-2.0
// The rows of one layout of one group. Rows whose time rises stand in tiles, later in chunks; a
// sample that doesn't fit into a row (its time isn't after the row before, or it came by itself)
// stands beside them, in its column's late samples, and is merged when read. An epoch is filled
// either by whole rows or by cells; these find the row of their time among the newest ones.
//
// Order is judged for each column. A late sample is only taken where the column has none at its
// time, so wherever a row has one too, the late one was there first.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "telemetry/appender.h"
#include "telemetry/sample.h"
#include "tsdb/sealed_chunk.h"
#include "tsdb/tile.h"

namespace inferscope::tsdb {

inline constexpr Timestamp kNever = std::numeric_limits<Timestamp>::min();
inline constexpr Timestamp kForever = std::numeric_limits<Timestamp>::max();

/// What reading needs of an epoch, taken under its lock; decoded without it.
struct RowsSnapshot {
    std::vector<std::uint32_t> columns;  ///< those wanted, rising
    std::vector<SealedChunk> chunks;
    std::vector<std::shared_ptr<const Tile>> full;
    std::vector<Tile> open;                 ///< of the wanted columns only
    std::vector<std::vector<Sample>> late;  ///< for each wanted column, by time
};

/// Chunks that follow each other and the first full tile, to be one chunk.
struct SealWork {
    std::vector<SealedChunk> before;
    std::shared_ptr<const Tile> tile;  ///< null if only chunks are merged

    [[nodiscard]] SealedChunk seal(Sealer& sealer) const {
        return tile ? sealer.seal(before, *tile, tile->rows()) : sealer.merge(before);
    }
};

/// What an epoch held at one moment, for a block.
struct FrozenRows {
    std::vector<SealedChunk> chunks;
    std::vector<std::shared_ptr<const Tile>> tiles;                   ///< behind them
    std::vector<std::pair<std::uint32_t, std::vector<Sample>>> late;  ///< by column; each by time

    [[nodiscard]] bool empty() const { return chunks.empty() && tiles.empty() && late.empty(); }
};

/// Thread: the lock around it; `sealer`'s, which outlives it, is taken inside. Times are less than
/// 2^53 from zero.
class Epoch {
public:
    Epoch(Millis out_of_order_window, Guarded<Sealer>& sealer)
        : window_(out_of_order_window.count()), sealer_(sealer) {}

    [[nodiscard]] std::uint32_t columns() const {
        return static_cast<std::uint32_t>(alive_.size());
    }
    void add_columns(std::size_t count);

    /// A value for each column; stale markers where a series isn't there. The first one after a
    /// value is a sample, the others are nothing. A row that isn't newer than the last one is taken
    /// apart: its samples are judged one by one, its stale markers ignored; so is one sample of a
    /// row that isn't newer than its column's last late one.
    VerdictCounts append(Timestamp time, std::span<const double> values);
    /// Some columns' values; the others have no sample at `time` unless another piece brings it.
    VerdictCounts append_cells(Timestamp time, std::span<const Cell> cells);
    /// A row of stale markers, if any column is alive and `time` is after the last row.
    VerdictCounts append_gap(Timestamp time);
    /// One sample, of any value.
    Verdict insert(std::uint32_t column, Sample sample);
    /// No more rows come.
    void end();

    /// kNever if there is none.
    [[nodiscard]] Timestamp last_of(std::uint32_t column) const;
    /// Of all rows and late samples that are in memory; kForever if there are none.
    [[nodiscard]] Timestamp oldest() const;
    [[nodiscard]] std::optional<double> find(std::uint32_t column, Timestamp time) const;
    /// All that may have samples between `from` and `to` (inclusive). `columns` rise.
    [[nodiscard]] RowsSnapshot snapshot(std::vector<std::uint32_t> columns, Timestamp from,
                                        Timestamp to) const;

    /// What follows is called by one thread at a time.
    /// An open tile without a row since `time` waits for sealing like a full one.
    void close_tile_before(Timestamp time);
    [[nodiscard]] std::optional<SealWork> to_seal() const;
    /// In place of what to_seal() gave.
    void put(const SealWork& work, SealedChunk chunk);
    /// Drops chunks, full tiles and late samples that are older than `time` as a whole.
    void forget_before(Timestamp time);
    /// All that it has; stays readable. Nothing may be sealed or forgotten until drop().
    [[nodiscard]] FrozenRows freeze();
    /// What was frozen is in a block.
    void drop(const FrozenRows& frozen);
    /// Ended, and all is forgotten.
    [[nodiscard]] bool is_over() const;
    void measure(MemoryUse& use) const;

private:
    class RowAt;

    std::size_t set_row(std::size_t row, Timestamp time, std::span<const double> values);
    void take_late_out_of_row(std::size_t row, Timestamp time, VerdictCounts& counts);
    VerdictCounts append_late(Timestamp time, std::span<const double> values);
    [[nodiscard]] std::optional<std::size_t> open_row_at(Timestamp time) const;
    Verdict set(std::size_t row, Timestamp time, const Cell& cell);
    void remember_last(std::size_t rows);
    [[nodiscard]] Timestamp last_in_rows(std::uint32_t column) const;
    void fill_by_cells(bool by_cells);
    [[nodiscard]] std::optional<double> find_late(std::uint32_t column, Timestamp time) const;
    Verdict insert(std::uint32_t column, Sample sample, RowAt& row);
    void insert_late(std::uint32_t column, Sample sample);
    std::size_t add_row(Timestamp time);
    void close_rows(std::size_t rows);
    void close_tile();

    std::int64_t window_;
    Guarded<Sealer>& sealer_;
    Timestamp last_row_ = kNever;
    Timestamp last_late_ = kNever;
    Timestamp last_closed_ = kNever;  // of the rows that aren't in the tile anymore
    bool ended_ = false;
    bool by_cells_ = false;
    // By column. Of rows: the last one had a value. Of cells: the last row that isn't in the tile
    // anymore had one.
    std::vector<std::uint8_t> alive_;
    // By column that isn't alive. Of rows: the one in which it was last not alive anymore. Of
    // cells: the last row that had a value, of those that aren't in the tile.
    absl::flat_hash_map<std::uint32_t, Timestamp> died_;
    Tile tile_;
    std::vector<std::shared_ptr<const Tile>> full_;                 // oldest first
    std::vector<SealedChunk> chunks_;                               // oldest first
    absl::flat_hash_map<std::uint32_t, std::vector<Sample>> late_;  // by column; by time
};

/// Shared by the group that fills it, segments of series, readers and the sealing thread.
using SharedEpoch = std::shared_ptr<Guarded<Epoch>>;

/// Late samples and those of a series by itself: sorted by time, no time twice.
void insert_by_time(std::vector<Sample>& samples, Sample sample);
std::optional<double> find_by_time(std::span<const Sample> samples, Timestamp time);
void remove_times(std::vector<Sample>& samples, std::span<const Sample> others);
void forget_before(std::vector<Sample>& samples, Timestamp time);
void forget_before(std::vector<SealedChunk>& chunks, Timestamp time);
/// The value at `time` in the one chunk whose time may hold it.
const SealedChunk* find_chunk(std::span<const SealedChunk> chunks, Timestamp time);

}  // namespace inferscope::tsdb
