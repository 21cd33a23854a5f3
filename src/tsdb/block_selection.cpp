// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_selection.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <tuple>
#include <utility>

#include "tsdb/column_reader.h"

namespace inferscope::tsdb {

/// What is wanted of one block.
class BlockSelection::Search {
public:
    Search(BlockSelection& all, const Block& block, BlockCache::Shared tables)
        : all_(all), block_(block), tables_(std::move(tables)) {}

    void find(std::span<const Matcher> matchers) {
        const auto found = block_.select(*tables_, matchers);
        if (all_.blocks_ == 0) all_.selection_.is_sorted = found->is_sorted();
        for (std::size_t at = 0; at < found->size(); ++at) {
            std::optional<std::uint32_t> series;
            for (const auto& place : found->places(at)) {
                const auto part = part_of(tables_->groups(), place, all_.asked_);
                if (!part) continue;
                if (!series) series = all_.place_of(found->labels(at));
                add(*series, place, *part);
            }
        }
    }

    /// Decides where the groups' rows go to.
    void place() {
        by_column_.resize(parts_.size());
        std::iota(by_column_.begin(), by_column_.end(), 0);
        std::ranges::sort(by_column_, {}, [&](std::uint32_t at) {
            return std::tuple(parts_[at].group, parts_[at].column, at);
        });
        std::span<std::uint32_t> rest = by_column_;
        for (auto& group : groups_) {
            group.parts = rest.first(group.count);
            rest = rest.subspan(group.count);
            place(group);
        }
        for (const auto& part : parts_) {
            const auto& group = groups_[part.group];
            if (group.continues) continue;
            all_.selection_.series[part.series].parts.push_back(
                {group.rows, part.place, part.times.from, part.times.to});
        }
    }

private:
    /// Of a series, in the order of priority; those of one series stand together.
    struct Part {
        std::uint32_t series = 0;
        std::uint32_t group = 0;  // in groups_
        std::uint32_t column = 0;
        std::uint32_t place = 0;  // of the column among the wanted ones
        TimeRange times;
    };
    struct Group {
        std::span<const ChunkPlace> chunks;
        std::size_t count = 0;
        std::span<const std::uint32_t> parts;  // in parts_, by column
        std::size_t rows = 0;                  // where they go to
        bool continues = false;                // what is there

        [[nodiscard]] TimeRange times() const {
            return {chunks.front().times.from, chunks.back().times.to};
        }
    };

    void add(std::uint32_t series, const ColumnPlace& place, const TimeRange& times) {
        const auto number = tables_->groups().group(place.group);
        const auto [at, is_new] =
            by_number_.try_emplace(number, static_cast<std::uint32_t>(groups_.size()));
        if (is_new) {
            groups_.emplace_back().chunks =
                overlapping(tables_->groups().chunks(number), all_.asked_);
        }
        ++groups_[at->second].count;
        parts_.push_back({series, at->second, static_cast<std::uint32_t>(place.column), 0, times});
    }

    void place(Group& group) {
        std::vector<std::uint32_t> columns;
        columns.reserve(group.parts.size());
        for (const auto at : group.parts) {
            auto& part = parts_[at];
            if (columns.empty() || columns.back() != part.column) columns.push_back(part.column);
            part.place = static_cast<std::uint32_t>(columns.size() - 1);
        }
        auto series = columns.size() == group.parts.size() ? series_of_columns(group)
                                                           : std::vector<std::uint32_t>();
        const auto before = rows_before(group, series);
        group.continues = before.has_value();
        group.rows = before.value_or(all_.rows_.size());
        if (!before) {
            for (const auto one : series) all_.newest_rows_[one] = group.rows;
            all_.rows_.push_back({.sources = {}, .series = std::move(series)});
        }
        auto& sources = all_.rows_[group.rows].sources;
        const auto next =
            std::ranges::upper_bound(sources, group.times().from, {},
                                     [](const Source& source) { return source.times().from; });
        sources.insert(next, {&block_, tables_, group.chunks, std::move(columns)});
    }

    /// If each column is one series for all of the time that is asked for; else nothing.
    [[nodiscard]] std::vector<std::uint32_t> series_of_columns(const Group& group) const {
        std::vector<std::uint32_t> series;
        series.reserve(group.parts.size());
        for (const auto at : group.parts) {
            if (parts_[at].times != all_.asked_) return {};
            series.push_back(parts_[at].series);
        }
        return series;
    }

    /// The rows that the group continues: their columns are the same series, and there is nothing
    /// else of these at the group's times, so that nothing goes before another.
    [[nodiscard]] std::optional<std::size_t> rows_before(
        const Group& group, std::span<const std::uint32_t> series) const {
        if (series.empty()) return std::nullopt;
        const auto rows = all_.newest_rows_[series[0]];
        if (rows == kNone || !std::ranges::equal(all_.rows_[rows].series, series))
            return std::nullopt;
        const auto times = group.times();
        for (const auto& source : all_.rows_[rows].sources) {
            if (source.times().overlaps(times)) return std::nullopt;
        }
        for (const auto at : group.parts) {
            if (!is_alone(at, rows, times)) return std::nullopt;
        }
        return rows;
    }

    /// Whether the part's series has nothing at these times but in `rows`.
    [[nodiscard]] bool is_alone(std::size_t at, std::size_t rows, const TimeRange& times) const {
        const auto series = parts_[at].series;
        const auto in_the_way = [&](std::size_t other) {
            return groups_[parts_[other].group].times().overlaps(times);
        };
        for (auto other = at; other > 0 && parts_[other - 1].series == series; --other) {
            if (in_the_way(other - 1)) return false;
        }
        for (auto other = at + 1; other < parts_.size() && parts_[other].series == series;
             ++other) {
            if (in_the_way(other)) return false;
        }
        return std::ranges::none_of(
            all_.selection_.series[series].parts, [&](const SeriesPart& part) {
                if (part.rows == rows) return false;
                const auto& sources = all_.rows_[part.rows].sources;
                return TimeRange{sources.front().times().from, sources.back().times().to}.overlaps(
                    times);
            });
    }

    BlockSelection& all_;
    const Block& block_;
    const BlockCache::Shared tables_;
    std::vector<Group> groups_;
    std::vector<Part> parts_;
    std::vector<std::uint32_t> by_column_;  // parts_, by group and column
    absl::flat_hash_map<std::size_t, std::uint32_t> by_number_;
};

/// Makes rows of chunks.
class BlockSelection::Decoder {
public:
    Decoder(const TimeRange& asked, std::size_t most_samples, std::vector<std::string>& warnings)
        : asked_(asked), left_(most_samples), warnings_(warnings) {}

    Result<ColumnRows> read(const Rows& wanted) {
        const auto all = list_runs(wanted);
        const auto columns = wanted.sources[0].columns.size();
        if (all * columns > left_) {
            return Error{Errc::limit_exceeded,
                         "more samples than a query may read (query.max_samples)"};
        }
        left_ -= all * columns;
        ColumnRows rows(columns, all);
        for (const auto& run : runs_) {
            if (const auto chunk = open(run)) add(run, *chunk, rows);
        }
        return rows;
    }

private:
    /// Rows of a chunk.
    struct Run {
        const Block* block = nullptr;
        const ChunkPlace* place = nullptr;
        std::span<const std::uint32_t> columns;
        RowRange rows;
    };

    /// Returns how many rows they have together.
    std::size_t list_runs(const Rows& wanted) {
        runs_.clear();
        std::size_t all = 0;
        for (const auto& source : wanted.sources) {
            for (const auto& place : source.chunks) {
                Run run{source.block, &place, source.columns, {0, place.rows}};
                if (!asked_.covers(place.times)) {
                    const auto chunk = open(run);
                    if (!chunk) continue;
                    run.rows = rows_between(chunk->view.times(), asked_);
                }
                all += run.rows.size();
                runs_.push_back(run);
            }
        }
        return all;
    }

    /// Null if it can't be read, which is told.
    StoredChunks::Shared open(const Run& run) {
        auto chunk = run.block->chunk(*run.place);
        if (chunk) return *std::move(chunk);
        warnings_.push_back(chunk.error().text);
        return nullptr;
    }

    void add(const Run& run, const StoredChunk& chunk, ColumnRows& rows) {
        rows.add_rows(chunk.view.times().subspan(run.rows.begin, run.rows.size()));
        reader_.use(chunk.view, chunk.columns);
        const auto kept_before = chunk.columns.heap_bytes();
        for (std::size_t i = 0; i < rows.columns(); ++i) add_column(run, i, rows);
        if (chunk.columns.heap_bytes() != kept_before) run.block->measure_chunk(*run.place);
    }

    void add_column(const Run& run, std::size_t column, ColumnRows& rows) {
        const auto out = rows.last_values(column, run.rows.size());
        const auto before = rows.times().size() - out.size();
        const auto read = reader_.read(run.columns[column], run.rows.begin, out);
        if (!read) warnings_.push_back(run.block->report(*run.place, read.error()));
        if (read && read->present.empty()) return rows.know(column, out.size(), read->facts);
        for (std::size_t i = 0; i < out.size(); ++i) {
            if (!read || !is_present(read->present, run.rows.begin + i))
                rows.leave_out(column, before + i);
        }
    }

    const TimeRange asked_;
    std::size_t left_;  // samples
    std::vector<std::string>& warnings_;
    std::vector<Run> runs_;
    ColumnReader reader_;
};

void BlockSelection::add(const Block& block, std::span<const Matcher> matchers) {
    if (!block.meta().times.overlaps(asked_)) return;
    auto tables = block.tables();
    if (!tables) {
        selection_.warnings.push_back(tables.error().text);
        return;
    }
    next_ = 0;
    Search search(*this, block, *std::move(tables));
    search.find(matchers);
    search.place();
    ++blocks_;
}

/// In selection_, where it is put if it is new. A block's series are sorted and mostly those of the
/// one before.
std::uint32_t BlockSelection::place_of(const Labels& labels) {
    auto& series = selection_.series;
    const auto place = [&]() -> std::size_t {
        if (blocks_ > 0) {
            if (next_ < series.size() && series[next_].labels == labels) return next_;
            for (; listed_ < series.size(); ++listed_)
                known_.insert(static_cast<std::uint32_t>(listed_));
            const auto found = known_.find(labels);
            if (found != known_.end()) return *found;
        }
        selection_.is_sorted = selection_.is_sorted && blocks_ == 0;
        series.push_back({labels, {}});
        newest_rows_.push_back(kNone);
        return series.size() - 1;
    }();
    next_ = place + 1;
    return static_cast<std::uint32_t>(place);
}

Result<Selection> BlockSelection::read() {
    Decoder decoder(asked_, most_samples_, selection_.warnings);
    selection_.rows.reserve(rows_.size());
    for (const auto& wanted : rows_) {
        auto rows = decoder.read(wanted);
        if (!rows) return rows.error();
        selection_.rows.push_back(*std::move(rows));
    }
    return std::move(selection_);
}

}  // namespace inferscope::tsdb
