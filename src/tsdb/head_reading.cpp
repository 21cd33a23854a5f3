// SPDX-License-Identifier: Apache-2.0
// How the head is read: series are found under the catalog's lock, then each epoch's open rows are
// copied under its own, and everything is decoded without any.
#include <algorithm>
#include <utility>

#include "tsdb/decode.h"
#include "tsdb/head.h"

namespace inferscope::tsdb {
namespace {

constexpr std::size_t kEndless = static_cast<std::size_t>(-1);

/// The columns that are wanted of each epoch.
class WantedColumns {
public:
    explicit WantedColumns(std::span<const FoundSeries> found) {
        for (const auto& series : found) {
            for (const auto& part : series.parts) add(part);
        }
        for (auto& epoch : epochs_) {
            std::ranges::sort(epoch.columns);
            const auto twice = std::ranges::unique(epoch.columns);
            epoch.columns.erase(twice.begin(), twice.end());
        }
    }

    /// Puts what is wanted behind `rows`. Fails if there are more than so many values.
    Result<void> read(Timestamp from, Timestamp to, std::size_t most_samples,
                      OpenSealedChunks& opened, std::vector<ColumnRows>& rows) {
        std::size_t samples = 0;
        for (auto& wanted : epochs_) {
            const auto snapshot = wanted.epoch->with(
                [&](const Epoch& locked) { return locked.snapshot(wanted.columns, from, to); });
            wanted.rows = rows.size();
            rows.push_back(decode(snapshot, from, to, opened));
            wanted.late.assign(wanted.columns.size(), kNone);
            for (std::size_t i = 0; i < snapshot.late.size(); ++i) {
                auto late = snapshot.late[i];
                keep_between(late, from, to);
                if (late.empty()) continue;
                wanted.late[i] = rows.size();
                rows.push_back(ColumnRows::of(late));
            }
            samples += rows[wanted.rows].times().size() * wanted.columns.size();
            if (samples > most_samples) return too_many_samples(most_samples);
        }
        return {};
    }

    /// The parts of a series in what was read; a late sample was there before its row's.
    void place(const FoundSeries::Part& part, SeriesParts& parts) const {
        const auto& wanted = epochs_[places_.at(part.epoch.get())];
        const auto found = std::ranges::lower_bound(wanted.columns, part.column);
        const auto column = static_cast<std::size_t>(found - wanted.columns.begin());
        if (wanted.late[column] != kNone)
            parts.push_back({wanted.late[column], 0, part.from, part.to});
        parts.push_back({wanted.rows, column, part.from, part.to});
    }

private:
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    struct Wanted {
        SharedEpoch epoch;
        std::vector<std::uint32_t> columns;
        std::size_t rows = 0;           // its place in what was read
        std::vector<std::size_t> late;  // of each column's late samples, or kNone
    };

    void add(const FoundSeries::Part& part) {
        const auto [place, is_new] = places_.try_emplace(part.epoch.get(), epochs_.size());
        if (is_new) epochs_.push_back({.epoch = part.epoch, .columns = {}, .late = {}});
        epochs_[place->second].columns.push_back(part.column);
    }

    absl::flat_hash_map<const Guarded<Epoch>*, std::size_t> places_;
    std::vector<Wanted> epochs_;
};

}  // namespace

Result<Selection> Head::read(std::span<const Matcher> matchers, Timestamp from, Timestamp to,
                             std::size_t most_samples) const {
    from = std::max(from, oldest_.load(std::memory_order_relaxed));
    if (from > to) return Selection();
    auto found =
        catalog_.with([&](const Catalog& catalog) { return catalog.select(matchers, from, to); });
    Selection selection;
    WantedColumns wanted(found);
    if (auto read = wanted.read(from, to, most_samples, opened_, selection.rows); !read)
        return read.error();
    selection.series.reserve(found.size());
    for (auto& series : found) {
        SelectedSeries selected{.labels = std::move(series.labels), .parts = {}};
        if (const auto own = series.own.samples(from, to); !own.empty()) {
            selected.parts.push_back({selection.rows.size(), 0, from, to});
            selection.rows.push_back(ColumnRows::of(own));
        }
        for (const auto& part : series.parts) wanted.place(part, selected.parts);
        selection.series.push_back(std::move(selected));
    }
    return selection;
}

std::vector<SeriesSamples> Head::select(std::span<const Matcher> matchers, Timestamp from,
                                        Timestamp to) const {
    auto selection = *read(matchers, from, to, kEndless);
    std::vector<SeriesSamples> all;
    for (auto& series : selection.series) {
        auto samples = selection.samples(series);
        if (!samples.empty()) all.push_back({std::move(series.labels), std::move(samples)});
    }
    std::ranges::sort(all, {}, &SeriesSamples::labels);
    return all;
}

std::vector<Labels> Head::series(std::span<const Matcher> matchers, Timestamp from,
                                 Timestamp to) const {
    from = std::max(from, oldest_.load(std::memory_order_relaxed));
    auto all = catalog_.with(
        [&](const Catalog& catalog) { return catalog.label_sets(matchers, from, to); });
    std::ranges::sort(all);
    return all;
}

std::vector<std::string> Head::label_names(std::span<const Matcher> matchers, Timestamp from,
                                           Timestamp to) const {
    from = std::max(from, oldest_.load(std::memory_order_relaxed));
    return catalog_.with(
        [&](const Catalog& catalog) { return catalog.label_names(matchers, from, to); });
}

std::vector<std::string> Head::label_values(std::string_view name,
                                            std::span<const Matcher> matchers, Timestamp from,
                                            Timestamp to, std::size_t limit) const {
    from = std::max(from, oldest_.load(std::memory_order_relaxed));
    return catalog_.with([&](const Catalog& catalog) {
        return catalog.label_values(name, matchers, from, to, limit);
    });
}

std::vector<FamilyPtr> Head::families(std::string_view name, std::size_t limit) const {
    return families_.with([&](const FamilyTable& families) { return families.list(name, limit); });
}

std::vector<StoredExemplar> Head::exemplars(std::span<const Matcher> matchers, Timestamp from,
                                            Timestamp to) const {
    return exemplars_.with(
        [&](const ExemplarRing& ring) { return ring.select(matchers, from, to); });
}

IndexStats Head::index_stats(std::size_t most) const {
    return catalog_.with([&](const Catalog& catalog) { return catalog.index().stats(most); });
}

HeadStats Head::stats() const {
    HeadStats stats;
    catalog_.with([&](const Catalog& catalog) {
        stats.series = catalog.index().series_count();
        stats.singles = catalog.singles();
        catalog.measure(stats.memory);
    });
    const auto all = epochs();
    stats.epochs = all.size();
    for (const auto& epoch : all)
        epoch->with([&](const Epoch& rows) { rows.measure(stats.memory); });
    groups_.with([&](const Groups& groups) { stats.groups = groups.open.size(); });
    exemplars_.with([&](const ExemplarRing& ring) { stats.exemplars = ring.size(); });
    counters_.with([&](const Counters& counters) {
        stats.samples = counters.samples;
        stats.names_owned_elsewhere = counters.names_owned_elsewhere;
        stats.refused_by_bounds = counters.refused_by_bounds;
    });
    return stats;
}

}  // namespace inferscope::tsdb
