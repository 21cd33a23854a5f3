// SPDX-License-Identifier: Apache-2.0
// How a block is read: the index tells which columns of which groups are wanted, then each group's
// chunks are read in turn, its times decoded once and the wanted columns behind each other.
#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "tsdb/block.h"

namespace inferscope::tsdb {
namespace {

/// The chunks that have rows in `range`.
std::span<const ChunkPlace> overlapping(std::span<const ChunkPlace> chunks,
                                        const TimeRange& range) {
    const auto begin = std::ranges::lower_bound(chunks, range.from, {},
                                                [](const ChunkPlace& at) { return at.times.to; });
    const auto end = std::ranges::upper_bound(chunks, range.to, {},
                                              [](const ChunkPlace& at) { return at.times.from; });
    return begin < end ? std::span(begin, end) : std::span<const ChunkPlace>();
}

/// About how many rows of the chunk lie in `range`, which it overlaps.
std::size_t rows_in(const ChunkPlace& chunk, const TimeRange& range) {
    const auto length = [](Timestamp from, Timestamp to) {
        return static_cast<double>(to - from + 1);
    };
    const double wanted =
        length(std::max(range.from, chunk.times.from), std::min(range.to, chunk.times.to));
    const double share = wanted / length(chunk.times.from, chunk.times.to);
    return static_cast<std::size_t>(std::ceil(share * static_cast<double>(chunk.rows)));
}

/// When a place's column is the series, as far as it is asked for; nothing if there are no rows.
std::optional<TimeRange> part_of(const GroupTable& groups, const ColumnPlace& place,
                                 const TimeRange& asked) {
    if (!groups.has(place)) return std::nullopt;
    const auto& window = groups.window(place.group);
    const TimeRange part{std::max(window.from, asked.from), std::min(window.to, asked.to)};
    if (part.from > part.to || overlapping(groups.chunks(place.group), part).empty())
        return std::nullopt;
    return part;
}

/// Puts runs of rows of some columns behind each other.
class RowsBuilder {
public:
    RowsBuilder(std::size_t columns, std::size_t rows) {
        rows_.columns.resize(columns);
        rows_.times.reserve(rows);
        for (auto& column : rows_.columns) column.values.reserve(rows);
    }

    void add_times(std::span<const Timestamp> times) {
        before_ = rows_.times.size();
        rows_.times.insert(rows_.times.end(), times.begin(), times.end());
    }
    /// Of the rows that were added last: `values` and `present` (a bit for each, from `skipped`
    /// on; of all rows if there are none).
    void add_values(std::size_t column, std::span<const double> values,
                    std::span<const std::uint64_t> present, std::size_t skipped) {
        auto& its = rows_.columns[column];
        its.values.insert(its.values.end(), values.begin(), values.end());
        const auto has = [&](std::size_t row) {
            return present.empty() || (present[row / 64] >> row % 64 & 1) != 0;
        };
        bool all = true;
        for (std::size_t i = 0; all && !present.empty() && i < values.size(); ++i)
            all = has(skipped + i);
        if (all && its.present.empty()) return;
        its.present.resize(before_, 1);
        for (std::size_t i = 0; i < values.size(); ++i)
            its.present.push_back(has(skipped + i) ? 1 : 0);
    }
    ColumnRows finish() { return std::move(rows_); }

private:
    ColumnRows rows_;
    std::size_t before_ = 0;  // rows that were there
};

/// One call of Block::read().
class Reading {
public:
    Reading(const Block& block, const BlockTables& tables, const TimeRange& asked,
            std::size_t most_samples)
        : block_(block), tables_(tables), asked_(asked), left_(most_samples) {}

    Result<Selection> read(std::span<const Matcher> matchers) {
        find(matchers);
        for (const auto& wanted : wanted_) {
            if (auto read = read_group(wanted); !read) return read.error();
        }
        return std::move(selection_);
    }

private:
    struct Wanted {
        std::size_t group = 0;
        std::vector<std::size_t> columns;  // rising
    };

    void find(std::span<const Matcher> matchers) {
        const auto& index = tables_.index();
        index.for_each_series(index.select(matchers), [&](SeriesId, const Labels& labels,
                                                          std::span<const ColumnPlace> places) {
            SelectedSeries series;
            for (const auto& place : places) want(place, series.parts);
            if (series.parts.empty()) return;
            series.labels = labels;
            selection_.series.push_back(std::move(series));
        });
        for (auto& wanted : wanted_) {
            std::ranges::sort(wanted.columns);
            const auto twice = std::ranges::unique(wanted.columns);
            wanted.columns.erase(twice.begin(), twice.end());
        }
        for (auto& series : selection_.series) {
            for (auto& part : series.parts) {
                const auto& columns = wanted_[part.rows].columns;
                part.column = static_cast<std::size_t>(
                    std::ranges::lower_bound(columns, part.column) - columns.begin());
            }
        }
    }

    /// For now the part has the number of the column in the block.
    void want(const ColumnPlace& place, std::vector<SeriesPart>& parts) {
        const auto times = part_of(tables_.groups(), place, asked_);
        if (!times) return;
        const auto group = tables_.groups().group(place.group);
        const auto [at, is_new] = by_group_.try_emplace(group, wanted_.size());
        if (is_new) wanted_.push_back({group, {}});
        wanted_[at->second].columns.push_back(place.column);
        parts.push_back({at->second, place.column, times->from, times->to});
    }

    Result<void> read_group(const Wanted& wanted) {
        const auto chunks = overlapping(tables_.groups().chunks(wanted.group), asked_);
        std::size_t about = 0;
        for (const auto& place : chunks) about += rows_in(place, asked_);
        RowsBuilder rows(wanted.columns.size(), about);
        for (const auto& place : chunks) {
            const auto chunk = block_.chunk(place);
            if (!chunk) {
                selection_.warnings.push_back(chunk.error().text);
                continue;
            }
            if (auto added = add_chunk((*chunk)->view, place, wanted, rows); !added) return added;
        }
        selection_.rows.push_back(rows.finish());
        return {};
    }

    Result<void> add_chunk(const ChunkView& chunk, const ChunkPlace& place, const Wanted& wanted,
                           RowsBuilder& rows) {
        const auto range = rows_between(chunk.times(), asked_);
        if (range.size() * wanted.columns.size() > left_) {
            return Error{Errc::limit_exceeded,
                         "more samples than a query may read (query.max_samples)"};
        }
        left_ -= range.size() * wanted.columns.size();
        rows.add_times(chunk.times().subspan(range.begin, range.size()));
        if (decoder_) {
            decoder_->use(chunk);
        } else {
            decoder_ = std::make_unique<ColumnDecoder>(chunk);
        }
        values_.resize(chunk.rows());
        for (std::size_t i = 0; i < wanted.columns.size(); ++i) {
            const auto present = decode(chunk, place, wanted.columns[i]);
            rows.add_values(i, std::span(values_).subspan(range.begin, range.size()), present,
                            range.begin);
        }
        return {};
    }

    /// Fills values_ and returns which rows have one, nothing if all have.
    std::span<const std::uint64_t> decode(const ChunkView& chunk, const ChunkPlace& place,
                                          std::size_t column) {
        const auto words = std::span(present_).first((chunk.rows() + 63) / 64);
        std::ranges::fill(words, 0);
        if (column >= chunk.columns()) return words;
        const auto decoded = decoder_->decode(column, values_, words);
        if (decoded) return *decoded == Presence::all ? words.first(0) : words;
        selection_.warnings.push_back(block_.report(place, decoded.error()));
        std::ranges::fill(words, 0);
        return words;
    }

    const Block& block_;
    const BlockTables& tables_;
    const TimeRange asked_;
    std::size_t left_;  // samples
    Selection selection_;
    absl::flat_hash_map<std::size_t, std::size_t> by_group_;
    std::vector<Wanted> wanted_;
    std::unique_ptr<ColumnDecoder> decoder_;
    std::vector<double> values_;  // of a column
    std::array<std::uint64_t, kMaxChunkRows / 64> present_{};
};

}  // namespace

Result<Selection> Block::read(std::span<const Matcher> matchers, Timestamp from, Timestamp to,
                              std::size_t most_samples) const {
    if (!meta_.times.overlaps({from, to})) return Selection{};
    const auto found = tables();
    if (!found) return Selection{.rows = {}, .series = {}, .warnings = {found.error().text}};
    return Reading(*this, **found, {from, to}, most_samples).read(matchers);
}

std::vector<Labels> Block::series(std::span<const Matcher> matchers, Timestamp from,
                                  Timestamp to) const {
    std::vector<Labels> all;
    if (!meta_.times.overlaps({from, to})) return all;
    const auto found = tables();
    if (!found) return all;
    const auto& index = (*found)->index();
    index.for_each_series(index.select(matchers),
                          [&](SeriesId, const Labels& labels, std::span<const ColumnPlace> places) {
                              const auto has_rows = [&](const ColumnPlace& place) {
                                  return part_of((*found)->groups(), place, {from, to}).has_value();
                              };
                              if (std::ranges::any_of(places, has_rows)) all.push_back(labels);
                          });
    return all;
}

std::vector<std::string> Block::label_names(std::span<const Matcher> matchers) const {
    const auto found = tables();
    if (!found) return {};
    return (*found)->index().label_names(matchers);
}

std::vector<std::string> Block::label_values(std::string_view name,
                                             std::span<const Matcher> matchers,
                                             std::size_t limit) const {
    const auto found = tables();
    if (!found) return {};
    return (*found)->index().label_values(name, matchers, limit);
}

}  // namespace inferscope::tsdb
