// SPDX-License-Identifier: Apache-2.0
// Samples of one request, gathered to pieces of rows: one for each group and time.
//
// Senders send whole rows, shards of rows, or series after series; all come out the same. A sample
// usually joins the piece of the one before it: then nothing is looked up, and nothing is moved.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "telemetry/appender.h"

namespace inferscope::remote {

/// Keeps its memory from one request to the next.
class Pieces {
public:
    struct Piece {
        std::uint32_t group = 0;
        Timestamp time = 0;
        std::span<const Cell> cells;  ///< columns rise
    };

    void clear();
    void add(std::uint32_t group, Timestamp time, const Cell& cell) {
        if (runs_.empty() || group != group_ || time != time_) start_run(group, time);
        cells_.push_back(cell);
    }
    /// All that was added, by group and time. If a column has several values at one time they are
    /// in pieces that follow each other, in the order in which they were added. To be called once;
    /// valid until clear().
    std::span<const Piece> arrange();

private:
    struct Row {
        std::uint32_t group = 0;
        Timestamp time = 0;
        std::size_t begin = 0;  // in the cells
        std::size_t size = 0;
        std::uint32_t next = 0;  // the row whose run followed the last time: likely to do so again
    };
    struct Run {  // neighbours of one row; it ends where the next one begins
        std::uint32_t row = 0;
        std::size_t begin = 0;
    };

    void start_run(std::uint32_t group, Timestamp time);
    [[nodiscard]] std::uint32_t find_row(std::uint32_t group, Timestamp time);
    [[nodiscard]] std::size_t run_end(std::size_t run) const {
        return run + 1 < runs_.size() ? runs_[run + 1].begin : cells_.size();
    }
    void measure_rows();
    void bring_runs_together();
    void add_pieces(const Row& row);

    std::uint32_t group_ = 0;  // of the last run
    Timestamp time_ = 0;
    std::vector<Cell> cells_;
    std::vector<Cell> moved_;
    std::vector<Run> runs_;
    std::vector<Row> rows_;
    absl::flat_hash_map<std::pair<std::uint32_t, Timestamp>, std::uint32_t> row_of_;
    std::vector<Piece> pieces_;
};

}  // namespace inferscope::remote
