// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head_cut.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/log.h"
#include "tsdb/head.h"

namespace inferscope::tsdb {
namespace {

/// Series looked at under one hold of the catalog's lock.
constexpr SeriesId kSeriesOfSlice = 256;
constexpr std::size_t kMostBlocks = 64;
/// What is less than this part of a range behind a full one goes with it.
constexpr Timestamp kTail = 12;

/// The rows of a group that lie in a range, column by column: tiles and chunks as one run.
class FrozenColumns {
public:
    FrozenColumns(const FrozenRows& rows, const TimeRange& range) {
        for (const auto& chunk : rows.chunks) {
            if (chunk.first <= range.to && chunk.last >= range.from) add(chunk, range);
        }
        for (const auto& tile : rows.tiles)
            add({.chunk = nullptr, .tile = tile.get()}, tile->times(), range);
    }

    [[nodiscard]] std::span<const Timestamp> times() const { return times_; }

    void fill(std::size_t column, std::size_t first_row, std::span<double> values,
              std::span<std::uint64_t> present) {
        for (const auto& run : runs_in(first_row, first_row + values.size())) {
            const std::size_t begin = std::max(run.begin, first_row);
            const std::size_t end = std::min(run.begin + run.rows, first_row + values.size());
            decode(run, column);
            for (std::size_t row = begin; row < end; ++row) {
                const std::size_t from = run.skip + row - run.begin;
                if (present_[from] == 0) continue;
                values[row - first_row] = values_[from];
                present[(row - first_row) / 64] |= std::uint64_t{1} << (row - first_row) % 64;
            }
        }
    }

private:
    struct Run {
        const SealedChunk* chunk = nullptr;  // or
        const Tile* tile = nullptr;
        std::size_t skip = 0;   // its rows before the range
        std::size_t begin = 0;  // its first row in times_
        std::size_t rows = 0;
    };
    struct OpenChunk {
        explicit OpenChunk(const SealedChunk& chunk) : view(chunk.view()), decoder(view) {}
        ChunkView view;
        ColumnDecoder decoder;
    };

    void add(const SealedChunk& chunk, const TimeRange& range) {
        const auto view = chunk.view();
        add({.chunk = &chunk, .tile = nullptr}, view.times(), range);
    }
    void add(Run run, std::span<const Timestamp> times, const TimeRange& range) {
        const auto begin = std::ranges::lower_bound(times, range.from);
        const auto end = std::ranges::upper_bound(times, range.to);
        if (begin >= end) return;
        run.skip = static_cast<std::size_t>(begin - times.begin());
        run.begin = times_.size();
        run.rows = static_cast<std::size_t>(end - begin);
        times_.insert(times_.end(), begin, end);
        runs_.push_back(run);
    }
    /// Chunks outside of these rows are closed: columns are asked for row range by row range.
    std::span<const Run> runs_in(std::size_t begin, std::size_t end) {
        const auto first = std::ranges::upper_bound(runs_, begin, {}, &Run::begin) - 1;
        const auto last = std::ranges::lower_bound(runs_, end, {}, &Run::begin);
        if (begin != open_row_) open_.clear();
        open_row_ = begin;
        return {first, last};
    }
    void decode(const Run& run, std::size_t column) {
        if (run.tile != nullptr) {
            copy(*run.tile, column);
            return;
        }
        auto& open = open_[run.chunk];
        if (!open) open = std::make_unique<OpenChunk>(*run.chunk);
        values_.resize(open->view.rows());
        present_.resize(open->view.rows());
        decode_column(open->decoder, open->view, column, values_, present_);
    }
    void copy(const Tile& tile, std::size_t column) {
        values_.resize(tile.rows());
        present_.assign(tile.rows(), 0);
        if (column >= tile.columns()) return;
        tile.copy(column, values_);
        for (std::size_t row = 0; row < tile.rows(); ++row)
            present_[row] = static_cast<std::uint8_t>(tile.present(column) >> row & 1);
    }

    std::vector<Timestamp> times_;
    std::vector<Run> runs_;
    std::size_t open_row_ = 0;
    absl::flat_hash_map<const SealedChunk*, std::unique_ptr<OpenChunk>> open_;
    std::vector<double> values_;         // of one column of a run
    std::vector<std::uint8_t> present_;  // likewise
};

Result<void> write_samples(std::vector<Sample> samples, std::span<const ColumnName> names,
                           const TimeRange& range, BlockWriter& writer) {
    keep_between(samples, range.from, range.to);
    if (samples.empty()) return {};
    const auto rows = ColumnRows::of(samples);
    return writer.add_rows(rows.times(), names,
                           [&](std::size_t, std::size_t first_row, std::span<double> values,
                               std::span<std::uint64_t> present) {
                               const auto some = rows.values(0).subspan(first_row, values.size());
                               std::ranges::copy(some, values.begin());
                               for (std::size_t row = 0; row < values.size(); ++row)
                                   present[row / 64] |= std::uint64_t{1} << row % 64;
                           });
}

}  // namespace

Timestamp HeadCut::range_of(Timestamp time) const {
    const Timestamp number = time / range_;
    return time % range_ < 0 ? number - 1 : number;
}

void HeadCut::add_time(Timestamp time) {
    ranges_used_.insert(range_of(time));
    newest_ = std::max(newest_, time);
}

void HeadCut::add_times(std::span<const Sample> samples) {
    for (const auto& sample : samples) add_time(sample.time);
}

void HeadCut::add_times(const FrozenRows& rows) {
    for (const auto& chunk : rows.chunks) {
        if (range_of(chunk.last) - range_of(chunk.first) > 1) {
            for (const auto time : chunk.view().times()) add_time(time);
        }
        add_time(chunk.first);
        add_time(chunk.last);
    }
    for (const auto& tile : rows.tiles) {
        for (const auto time : tile->times()) add_time(time);
    }
    for (const auto& late : rows.late) add_times(late.second);
}

std::vector<TimeRange> HeadCut::ranges() const {
    Timestamp width = 1;
    std::vector<Timestamp> starts(ranges_used_.begin(), ranges_used_.end());
    const bool ends_in_a_tail = starts.size() > 1 &&
                                starts[starts.size() - 2] + 1 == starts.back() &&
                                newest_ - starts.back() * range_ < range_ / kTail;
    if (ends_in_a_tail) starts.pop_back();
    while (starts.size() > kMostBlocks) {
        width *= 3;
        for (auto& start : starts) start -= ((start % width) + width) % width;
        const auto twice = std::ranges::unique(starts);
        starts.erase(twice.begin(), twice.end());
    }
    std::vector<TimeRange> ranges;
    for (const auto start : starts) {
        if (!ranges.empty()) ranges.back().to = start * range_ - 1;
        ranges.push_back({start * range_, kForever});
    }
    if (!ranges.empty()) ranges.front().from = kNever;
    return ranges;
}

Result<void> HeadCut::write(const TimeRange& range, BlockWriter& writer) const {
    if (auto written = write_singles(range, writer); !written) return written;
    for (const auto& group : groups_) {
        if (auto written = write_group(group, range, writer); !written) return written;
    }
    return {};
}

/// Samples by themselves hold where a column has others at the same time.
Result<void> HeadCut::write_singles(const TimeRange& range, BlockWriter& writer) const {
    for (SeriesId at = 0; at < series_end_; at += kSeriesOfSlice) {
        std::vector<std::pair<Labels, std::vector<Sample>>> all;
        catalog_.with([&](const Catalog& catalog) {
            catalog.for_each_frozen(at, at + kSeriesOfSlice,
                                    [&](const Labels& labels, std::span<const Sample> samples) {
                                        all.emplace_back(
                                            labels, std::vector(samples.begin(), samples.end()));
                                    });
        });
        for (auto& [labels, samples] : all) {
            const ColumnName name{.column = 0, .labels = std::move(labels), .window = {}};
            const std::span names(&name, 1);
            if (auto written = write_samples(std::move(samples), names, range, writer); !written)
                return written;
        }
    }
    return {};
}

Result<void> HeadCut::write_group(const Group& group, const TimeRange& range,
                                  BlockWriter& writer) const {
    const auto names = names_of(group);
    for (const auto& [column, samples] : group.rows.late) {
        const auto its = std::ranges::equal_range(names, column, {}, &ColumnName::column);
        std::vector<ColumnName> alone(its.begin(), its.end());
        for (auto& name : alone) name.column = 0;
        if (auto written = write_samples(samples, alone, range, writer); !written) return written;
    }
    FrozenColumns columns(group.rows, range);
    if (columns.times().empty()) return {};
    return writer.add_rows(columns.times(), names,
                           [&](std::size_t column, std::size_t first_row, std::span<double> values,
                               std::span<std::uint64_t> present) {
                               columns.fill(column, first_row, values, present);
                           });
}

std::vector<ColumnName> HeadCut::names_of(const Group& group) const {
    std::vector<ColumnName> names;
    names.reserve(group.names.size());
    catalog_.with([&](const Catalog& catalog) {
        for (const auto& name : group.names) {
            names.push_back({.column = name.column,
                             .labels = catalog.index().labels(name.series),
                             .window = {name.from, name.to}});
        }
    });
    return names;
}

Result<void> Head::cut(Millis range, absl::FunctionRef<Result<void>(const HeadCut&)> write) {
    return background_.with([&](Sealer&) -> Result<void> {
        const auto frozen = freeze(range);
        const auto written = write(frozen);
        for_each_slice([&](Catalog& catalog, SeriesId begin, SeriesId end) {
            if (written) {
                catalog.drop_frozen(begin, end);
            } else {
                catalog.thaw(begin, end);
            }
        });
        if (!written) return written;
        for (const auto& group : frozen.groups_)
            group.epoch->with([&](Epoch& rows) { rows.drop(group.rows); });
        forget_ended_epochs();
        return {};
    });
}

HeadCut Head::freeze(Millis range) {
    HeadCut cut(catalog_, range);
    absl::flat_hash_map<const Guarded<Epoch>*, std::size_t> places;
    for (const auto& epoch : epochs()) {
        auto rows = epoch->with([](Epoch& locked) { return locked.freeze(); });
        if (rows.empty()) continue;
        cut.add_times(rows);
        places.emplace(epoch.get(), cut.groups_.size());
        cut.groups_.push_back({.epoch = epoch, .rows = std::move(rows), .names = {}});
    }
    for_each_slice([&](Catalog& catalog, SeriesId begin, SeriesId end) {
        catalog.freeze(begin, end, [&](const SharedEpoch& epoch, const Catalog::Name& name) {
            if (const auto place = places.find(epoch.get()); place != places.end())
                cut.groups_[place->second].names.push_back(name);
        });
        catalog.for_each_frozen(begin, end, [&](const Labels&, std::span<const Sample> samples) {
            cut.add_times(samples);
        });
        cut.series_end_ = end;
    });
    for (auto& group : cut.groups_) std::ranges::sort(group.names, {}, &Catalog::Name::column);
    return cut;
}

void Head::forget_silent(Timestamp time) {
    background_.with([&](Sealer&) {
        for_each_slice([&](Catalog& catalog, SeriesId begin, SeriesId end) {
            catalog.forget_silent(time, begin, end);
        });
    });
}

}  // namespace inferscope::tsdb
