// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/numbers.h"

namespace inferscope::tsdb {
namespace {

/// Beyond this (the year 287,396) nobody means a time; differences of times then fit easily.
constexpr Timestamp kEndOfTime = Timestamp{1} << 53;
/// Label sets looked up under one hold of the catalog's lock: some 0.1 ms.
constexpr std::size_t kSlice = 256;

/// Nothing of a call was taken: the words of what befell it.
Result<void> result_of(const VerdictCounts& counts, std::string_view source) {
    if (counts[Verdict::taken] + counts[Verdict::known] > 0) return {};
    for (const auto verdict : {Verdict::out_of_order, Verdict::duplicate, Verdict::out_of_bounds}) {
        if (counts[verdict] > 0)
            return Error{Errc::invalid_argument, fmt::format("{}: {}", source, to_string(verdict))};
    }
    return {};
}

std::uint64_t refused(const VerdictCounts& counts) {
    return counts[Verdict::out_of_order] + counts[Verdict::duplicate];
}

constexpr SeriesId kNoSeries = UINT32_MAX;

}  // namespace

/// Confined to the thread that uses the group; what others read stands in the epochs.
struct Head::Group {
    std::string source;
    bool is_refused = false;  ///< beyond the bound on groups: nothing of it is stored
    bool is_loose = false;    ///< without epochs: `kept` has all of its series
    SharedEpoch running;
    std::vector<SharedEpoch> ending;  ///< they end with the next row: what isn't announced again
    std::uint32_t announced = 0;      ///< columns of the running epoch
    std::uint32_t stored = 0;         ///< the first of them, within the bound
    std::vector<OwnedName> names;     ///< by column
    std::vector<std::uint32_t> unpublished;  ///< columns without a name of their own, rising
    std::vector<SeriesId> kept;              ///< whose their cells are, or kNoSeries
    Timestamp floor = kNever;                ///< last time that any of the names had before
    std::vector<double> values;              ///< a row without the unpublished columns' values
    std::vector<Cell> cells;                 ///< likewise

    /// Nothing for a column that publishes a series itself.
    [[nodiscard]] std::optional<SeriesId> kept_by(std::uint32_t column) const {
        if (column >= stored) return kNoSeries;
        if (is_loose) return kept[column];
        const auto found = std::ranges::lower_bound(unpublished, column);
        if (found == unpublished.end() || *found != column) return std::nullopt;
        return kept[static_cast<std::size_t>(found - unpublished.begin())];
    }
    [[nodiscard]] SeriesId series_of(std::uint32_t column) const {
        if (const auto id = kept_by(column)) return *id;
        return std::ranges::lower_bound(names, column, {}, &OwnedName::column)->series;
    }
    [[nodiscard]] Error too_many_groups(std::size_t most) const {
        return {
            Errc::limit_exceeded,
            fmt::format("{}: {} groups are open; storage.max_groups allows no more", source, most)};
    }
};

Head::Head(const HeadConfig& config)
    : config_(config),
      oldest_(-kEndOfTime + 1),
      catalog_(config),
      exemplars_(config.max_exemplars),
      opened_(config.chunk_cache_bytes),
      families_(config.max_families, config.max_help_bytes) {
    CHECK(config.max_columns <= kMaxChunkColumns, "a chunk can hold a group's columns");
}

Head::~Head() = default;

GroupId Head::open_group(std::string_view source) { return open(source, false); }

GroupId Head::open_loose_group(std::string_view source) { return open(source, true); }

GroupId Head::open(std::string_view source, bool is_loose) {
    auto opened = std::make_unique<Group>();
    opened->source = source;
    opened->is_loose = is_loose;
    Group& added = *opened;
    const GroupId id = groups_.with([&](Groups& groups) {
        opened->is_refused = groups.open.size() >= config_.max_groups;
        const GroupId next{groups.next++};
        groups.open.emplace(next, std::move(opened));
        return next;
    });
    if (added.is_refused) {
        counters_.with([](Counters& counters) { ++counters.refused_by_bounds; });
    } else if (!is_loose) {
        added.running = new_epoch();
    }
    return id;
}

SharedEpoch Head::new_epoch() {
    auto epoch = std::make_shared<Guarded<Epoch>>(config_.out_of_order_window, sealer_);
    epochs_.with([&](auto& epochs) { epochs.push_back(epoch); });
    return epoch;
}

Head::Group& Head::group(GroupId id) {
    return *groups_.with([&](Groups& groups) {
        const auto found = groups.open.find(id);
        CHECK(found != groups.open.end(), "the group is open");
        return found->second.get();
    });
}

bool Head::in_bounds(Timestamp time) const {
    return time >= oldest_.load(std::memory_order_relaxed) && time < kEndOfTime;
}

void Head::count(const VerdictCounts& counts) {
    counters_.with([&](Counters& counters) { counters.samples += counts; });
}

void Head::note(Timestamp oldest, Timestamp newest) {
    Timestamp known = newest_.load(std::memory_order_relaxed);
    while (known < newest &&
           !newest_.compare_exchange_weak(known, newest, std::memory_order_relaxed)) {
    }
    changes_.note(oldest);
}

void Head::start_epoch(GroupId id) {
    Group& owner = group(id);
    if (owner.is_refused) return;
    release(owner);
    if (!owner.is_loose) owner.ending.push_back(std::exchange(owner.running, new_epoch()));
    owner.announced = owner.stored = 0;
    owner.names.clear();
    owner.unpublished.clear();
    owner.kept.clear();
    owner.floor = kNever;
}

void Head::add_columns(GroupId id, std::span<const Column> columns) {
    Group& owner = group(id);
    if (owner.is_refused) return;
    remember_families(columns);
    const std::uint32_t first = owner.announced;
    owner.announced += static_cast<std::uint32_t>(columns.size());
    const auto room = first < config_.max_columns ? config_.max_columns - first : 0;
    if (columns.size() > room) {
        const std::size_t refused = columns.size() - room;
        counters_.with([&](Counters& counters) { counters.refused_by_bounds += refused; });
        log::warning("{}: {} columns aren't stored: storage.max_columns is {}", owner.source,
                     refused, config_.max_columns);
        columns = columns.first(room);
    }
    owner.stored += static_cast<std::uint32_t>(columns.size());
    // Mostly all come at once; room for twice as many would be a good part of what a series takes.
    if (first == 0 && owner.is_loose) owner.kept.reserve(columns.size());
    if (first == 0 && !owner.is_loose) owner.names.reserve(columns.size());
    for (std::size_t at = 0; at < columns.size(); at += kSlice) {
        const auto some = columns.subspan(at, std::min(kSlice, columns.size() - at));
        if (owner.is_loose) {
            keep_loose(owner, some);
        } else {
            publish(owner, some, first + static_cast<std::uint32_t>(at));
        }
    }
}

void Head::release(const Group& owner) {
    std::vector<SeriesId> kept;
    std::ranges::copy_if(owner.kept, std::back_inserter(kept),
                         [](SeriesId id) { return id != kNoSeries; });
    catalog_.with([&](Catalog& catalog) {
        catalog.release(owner.names);
        catalog.let_go(kept);
    });
}

void Head::keep_loose(Group& owner, std::span<const Column> columns) {
    std::uint64_t refused = 0;
    Result<SeriesId> id = kNoSeries;
    std::string bound;
    catalog_.with([&](Catalog& catalog) {
        for (const auto& column : columns) {
            id = catalog.keep(column.labels);
            owner.kept.push_back(id ? *id : kNoSeries);
            if (!id) bound = id.error().text;
            refused += static_cast<std::uint64_t>(!id);
        }
    });
    if (refused == 0) return;
    log::warning("{}: {} series aren't stored: {}", owner.source, refused, bound);
    counters_.with([&](Counters& counters) { counters.refused_by_bounds += refused; });
}

void Head::publish(Group& owner, std::span<const Column> columns, std::uint32_t first) {
    Counters refused;
    std::string bound;
    catalog_.with([&](Catalog& catalog) {
        owner.running->with([&](Epoch& rows) { rows.add_columns(columns.size()); });
        const auto try_name = [&](const Labels& labels, std::uint32_t column) {
            const auto id = catalog.publish(labels, owner.running, column, owner.floor);
            if (id) {
                owner.names.push_back({*id, column});
            } else if (id.error().code == Errc::already_exists) {
                ++refused.names_owned_elsewhere;
            } else {
                ++refused.refused_by_bounds;
                bound = id.error().text;
            }
        };
        for (std::uint32_t i = 0; i < columns.size(); ++i) {
            const std::size_t names = owner.names.size();
            try_name(columns[i].labels, first + i);
            for (const auto& second : columns[i].second_names) try_name(second.labels, first + i);
            if (owner.names.size() != names) continue;
            owner.unpublished.push_back(first + i);
            owner.kept.push_back(catalog.keep(columns[i].labels).value_or(kNoSeries));
        }
    });
    if (!bound.empty()) log::warning("{}: a series isn't stored: {}", owner.source, bound);
    counters_.with([&](Counters& counters) {
        counters.names_owned_elsewhere += refused.names_owned_elsewhere;
        counters.refused_by_bounds += refused.refused_by_bounds;
    });
}

void Head::remember_families(std::span<const Column> columns) {
    families_.with([&](FamilyTable& families) {
        const Family* before = nullptr;
        const auto add = [&](const FamilyPtr& family) {
            if (family && family.get() != before) families.add(family);
            before = family.get();
        };
        for (const auto& column : columns) add(column.family);
        for (const auto& column : columns) {
            for (const auto& second : column.second_names) add(second.family);
        }
    });
}

Result<void> Head::append_row(GroupId id, const Row& row) {
    Group& owner = group(id);
    if (owner.is_refused) return owner.too_many_groups(config_.max_groups);
    CHECK(!owner.is_loose, "a loose group has no rows");
    CHECK(row.values.size() == owner.announced, "a row has one value for each column");
    VerdictCounts counts;
    if (!in_bounds(row.time)) {
        counts[Verdict::out_of_bounds] = row.values.size();
        count(counts);
        return result_of(counts, owner.source);
    }
    end_epochs(owner, row.time);
    auto values = row.values.first(owner.stored);
    if (!owner.unpublished.empty()) {
        owner.values.assign(values.begin(), values.end());
        for (const auto column : owner.unpublished) owner.values[column] = kStaleMarker;
        values = owner.values;
    }
    counts = owner.running->with([&](Epoch& rows) { return rows.append(row.time, values); });
    auto result = result_of(counts, owner.source);
    if (row.time <= owner.floor) {
        const auto judged = catalog_.with(
            [&](Catalog& catalog) { return catalog.judge(owner.names, row.time, values); });
        counts += judged;
        if (refused(judged) == owner.names.size()) result = result_of(judged, owner.source);
    }
    note(row.time, row.time);
    count(counts);
    return result;
}

Result<VerdictCounts> Head::append_cells(GroupId id, Timestamp time, std::span<const Cell> cells) {
    Group& owner = group(id);
    if (owner.is_refused) return owner.too_many_groups(config_.max_groups);
    VerdictCounts counts;
    if (!in_bounds(time)) {
        counts[Verdict::out_of_bounds] = cells.size();
    } else if (owner.is_loose || time <= owner.floor) {
        counts = append_one_by_one(owner, time, cells);
    } else {
        end_epochs(owner, kNever);
        if (!owner.unpublished.empty() || owner.stored < owner.announced) {
            owner.cells.clear();
            for (const auto& cell : cells) {
                if (owner.kept_by(cell.column)) {
                    counts += append_one_by_one(owner, time, std::span(&cell, 1));
                } else {
                    owner.cells.push_back(cell);
                }
            }
            cells = owner.cells;
        }
        counts += owner.running->with([&](Epoch& rows) { return rows.append_cells(time, cells); });
    }
    if (counts[Verdict::taken] > 0) note(time, time);
    count(counts);
    return counts;
}

VerdictCounts Head::append_one_by_one(const Group& owner, Timestamp time,
                                      std::span<const Cell> cells) {
    return catalog_.with([&](Catalog& catalog) {
        VerdictCounts counts;
        for (const auto& cell : cells) {
            const auto series = owner.series_of(cell.column);
            ++counts[series == kNoSeries ? Verdict::over_limit
                                         : catalog.append(series, {time, cell.value})];
        }
        return counts;
    });
}

void Head::add_families(std::span<const FamilyPtr> families) {
    families_.with([&](FamilyTable& table) {
        for (const auto& family : families) table.add(family);
    });
}

/// Of epochs that the group has left, what wasn't announced again is stale from `time` on.
void Head::end_epochs(Group& owner, Timestamp time) {
    for (const auto& epoch : owner.ending) {
        count(epoch->with([&](Epoch& rows) {
            const auto counts = rows.append_gap(time);
            rows.end();
            return counts;
        }));
    }
    if (!owner.ending.empty() && time != kNever) changes_.note(time);
    owner.ending.clear();
}

void Head::append_gap(GroupId id, Timestamp time) {
    Group& owner = group(id);
    if (owner.is_refused || !in_bounds(time)) return;
    end_epochs(owner, time);
    count(owner.running->with([&](Epoch& rows) { return rows.append_gap(time); }));
    changes_.note(time);
}

void Head::close_group(GroupId id, Timestamp time) {
    Group& owner = group(id);
    if (!owner.is_refused) {
        release(owner);
        if (owner.running) owner.ending.push_back(owner.running);
        end_epochs(owner, in_bounds(time) ? time : kNever);
    }
    groups_.with([&](Groups& groups) { groups.open.erase(id); });
}

Result<void> Head::append_timed(GroupId id, std::span<const TimedSample> samples) {
    const Group& owner = group(id);
    VerdictCounts counts;
    Result<void> bound;
    families_.with([&](FamilyTable& families) {
        const Family* before = nullptr;
        for (const auto& sample : samples) {
            if (sample.family && sample.family.get() != before) families.add(sample.family);
            before = sample.family.get();
        }
    });
    for (std::size_t at = 0; at < samples.size(); at += kSlice) {
        counts +=
            append_by_themselves(samples.subspan(at, std::min(kSlice, samples.size() - at)), bound);
    }
    count(counts);
    if (!bound && counts[Verdict::taken] + counts[Verdict::known] == 0)
        return bound.error().with(owner.source);
    return result_of(counts, owner.source);
}

/// `bound`: the last refusal by a bound.
VerdictCounts Head::append_by_themselves(std::span<const TimedSample> samples,
                                         Result<void>& bound) {
    VerdictCounts counts;
    std::uint64_t refused = 0;
    Timestamp oldest = kEndOfTime;
    Timestamp newest = kNever;
    catalog_.with([&](Catalog& catalog) {
        for (const auto& sample : samples) {
            if (!in_bounds(sample.time)) {
                ++counts[Verdict::out_of_bounds];
                continue;
            }
            const auto verdict = catalog.append(sample.labels, {sample.time, sample.value});
            if (verdict) {
                ++counts[*verdict];
                if (*verdict != Verdict::taken) continue;
                oldest = std::min(oldest, sample.time);
                newest = std::max(newest, sample.time);
            } else {
                ++refused;
                bound = verdict.error();
            }
        }
    });
    if (newest != kNever) note(oldest, newest);
    if (refused > 0)
        counters_.with([&](Counters& counters) { counters.refused_by_bounds += refused; });
    return counts;
}

void Head::append_exemplars(GroupId group_id, std::span<const Exemplar> exemplars) {
    const Group& owner = group(group_id);
    for (const auto& exemplar : exemplars) {
        if (owner.is_refused || exemplar.column >= owner.announced) continue;
        const SeriesId id = owner.series_of(exemplar.column);
        if (id == kNoSeries || !in_bounds(exemplar.time)) continue;
        auto series =
            catalog_.with([&](const Catalog& catalog) { return catalog.index().labels(id); });
        exemplars_.with([&](ExemplarRing& ring) {
            ring.add({std::move(series), exemplar.labels, exemplar.value, exemplar.time});
        });
    }
}

}  // namespace inferscope::tsdb
