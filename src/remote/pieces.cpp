// SPDX-License-Identifier: Apache-2.0
#include "remote/pieces.h"

#include <algorithm>
#include <tuple>

namespace inferscope::remote {
namespace {

/// By column; of one column the first values of all, then the second ones, and so on.
void order_cells(std::span<Cell> cells) {
    struct Turn {
        Cell cell;
        std::size_t number;  // as added; then the how manieth value of its column
    };
    std::vector<Turn> turns;
    turns.reserve(cells.size());
    for (const auto& cell : cells) turns.push_back({cell, turns.size()});
    std::ranges::sort(turns, {},
                      [](const Turn& turn) { return std::pair(turn.cell.column, turn.number); });
    for (std::size_t i = 0; i < turns.size(); ++i) {
        const bool is_first = i == 0 || turns[i - 1].cell.column != turns[i].cell.column;
        turns[i].number = is_first ? 0 : turns[i - 1].number + 1;
    }
    std::ranges::sort(turns, {},
                      [](const Turn& turn) { return std::pair(turn.number, turn.cell.column); });
    std::ranges::transform(turns, cells.begin(), &Turn::cell);
}

/// How many of the first cells have columns that rise.
std::size_t rising(std::span<const Cell> cells) {
    const auto stop = std::ranges::adjacent_find(
        cells, [](const Cell& a, const Cell& b) { return a.column >= b.column; });
    if (stop == cells.end()) return cells.size();
    return static_cast<std::size_t>(stop - cells.begin()) + 1;
}

}  // namespace

void Pieces::clear() {
    cells_.clear();
    runs_.clear();
    rows_.clear();
    row_of_.clear();
    pieces_.clear();
}

void Pieces::start_run(std::uint32_t group, Timestamp time) {
    group_ = group;
    time_ = time;
    const auto is_it = [&](const Row& row) { return row.group == group && row.time == time; };
    if (runs_.empty()) {
        runs_.push_back({find_row(group, time), cells_.size()});
        return;
    }
    const auto last = runs_.back().row;
    auto next = rows_[last].next;
    if (!is_it(rows_[next])) next = find_row(group, time);
    rows_[last].next = next;
    runs_.push_back({next, cells_.size()});
}

std::uint32_t Pieces::find_row(std::uint32_t group, Timestamp time) {
    const auto fresh = static_cast<std::uint32_t>(rows_.size());
    const auto [known, is_new] = row_of_.try_emplace({group, time}, fresh);
    if (is_new) rows_.push_back({group, time, cells_.size(), 0, 0});
    return known->second;
}

std::span<const Pieces::Piece> Pieces::arrange() {
    pieces_.clear();
    measure_rows();
    if (runs_.size() > rows_.size()) bring_runs_together();
    const auto by_group_and_time = [](const Row& row) { return std::tuple(row.group, row.time); };
    if (!std::ranges::is_sorted(rows_, {}, by_group_and_time))
        std::ranges::sort(rows_, {}, by_group_and_time);
    for (const auto& row : rows_) add_pieces(row);
    return pieces_;
}

void Pieces::measure_rows() {
    for (std::size_t run = 0; run < runs_.size(); ++run)
        rows_[runs_[run].row].size += run_end(run) - runs_[run].begin;
}

void Pieces::bring_runs_together() {
    std::size_t begin = 0;
    for (auto& row : rows_) {
        row.begin = begin;
        begin += row.size;
        row.size = 0;
    }
    moved_.resize(cells_.size());
    for (std::size_t run = 0; run < runs_.size(); ++run) {
        auto& row = rows_[runs_[run].row];
        const auto cells =
            std::span(cells_).subspan(runs_[run].begin, run_end(run) - runs_[run].begin);
        std::ranges::copy(cells, moved_.data() + row.begin + row.size);
        row.size += cells.size();
    }
    cells_.swap(moved_);
}

void Pieces::add_pieces(const Row& row) {
    const auto cells = std::span(cells_).subspan(row.begin, row.size);
    auto size = rising(cells);
    if (size < cells.size()) {
        order_cells(cells);
        size = rising(cells);
    }
    std::span<const Cell> rest = cells;
    for (; !rest.empty(); size = rising(rest)) {
        pieces_.push_back({row.group, row.time, rest.first(size)});
        rest = rest.subspan(size);
    }
}

}  // namespace inferscope::remote
