// SPDX-License-Identifier: Apache-2.0
// How the head is read: series are found under the catalog's lock, then each epoch's open rows are
// copied under its own, and everything is decoded without any.
#include <algorithm>
#include <utility>

#include "tsdb/head.h"

namespace inferscope::tsdb {
namespace {

/// The columns that are wanted of each epoch.
class WantedColumns {
public:
    explicit WantedColumns(std::span<const FoundSeries> found) {
        for (const auto& series : found) {
            for (const auto& part : series.parts) add(part);
        }
        for (auto& [epoch, columns] : epochs_) {
            std::ranges::sort(columns);
            const auto twice = std::ranges::unique(columns);
            columns.erase(twice.begin(), twice.end());
        }
    }

    [[nodiscard]] std::vector<ColumnRows> read(Timestamp from, Timestamp to) const {
        std::vector<ColumnRows> rows;
        rows.reserve(epochs_.size());
        for (const auto& [epoch, columns] : epochs_) {
            const auto snapshot = epoch->with(
                [&](const Epoch& locked) { return locked.snapshot(columns, from, to); });
            rows.push_back(decode(snapshot, from, to));
        }
        return rows;
    }

    [[nodiscard]] SeriesPart place(const FoundSeries::Part& part) const {
        const std::size_t rows = places_.at(part.epoch.get());
        const auto& columns = epochs_[rows].second;
        const auto column = std::ranges::lower_bound(columns, part.column) - columns.begin();
        return {rows, static_cast<std::size_t>(column), part.from, part.to};
    }

private:
    void add(const FoundSeries::Part& part) {
        const auto [place, is_new] = places_.try_emplace(part.epoch.get(), epochs_.size());
        if (is_new) epochs_.emplace_back(part.epoch, std::vector<std::uint32_t>());
        epochs_[place->second].second.push_back(part.column);
    }

    absl::flat_hash_map<const Guarded<Epoch>*, std::size_t> places_;
    std::vector<std::pair<SharedEpoch, std::vector<std::uint32_t>>> epochs_;
};

}  // namespace

Selection Head::read(std::span<const Matcher> matchers, Timestamp from, Timestamp to) const {
    from = std::max(from, oldest_.load(std::memory_order_relaxed));
    if (from > to) return {};
    auto found =
        catalog_.with([&](const Catalog& catalog) { return catalog.select(matchers, from, to); });
    const WantedColumns wanted(found);
    Selection selection{.rows = wanted.read(from, to), .series = {}};
    selection.series.reserve(found.size());
    for (auto& series : found) {
        SelectedSeries selected{
            .labels = std::move(series.labels), .own = series.own.samples(from, to), .parts = {}};
        for (const auto& part : series.parts) selected.parts.push_back(wanted.place(part));
        selection.series.push_back(std::move(selected));
    }
    return selection;
}

std::vector<SeriesSamples> Head::select(std::span<const Matcher> matchers, Timestamp from,
                                        Timestamp to) const {
    auto selection = read(matchers, from, to);
    std::vector<SeriesSamples> all;
    for (auto& series : selection.series) {
        auto samples = selection.samples(series);
        if (!samples.empty()) all.push_back({std::move(series.labels), std::move(samples)});
    }
    std::ranges::sort(all, {}, &SeriesSamples::labels);
    return all;
}

std::vector<Labels> Head::series(std::span<const Matcher> matchers, Timestamp from) const {
    from = std::max(from, oldest_.load(std::memory_order_relaxed));
    auto all =
        catalog_.with([&](const Catalog& catalog) { return catalog.label_sets(matchers, from); });
    std::ranges::sort(all);
    return all;
}

std::vector<std::string> Head::label_names(std::span<const Matcher> matchers) const {
    return catalog_.with(
        [&](const Catalog& catalog) { return catalog.index().label_names(matchers); });
}

std::vector<std::string> Head::label_values(std::string_view name,
                                            std::span<const Matcher> matchers,
                                            std::size_t limit) const {
    return catalog_.with([&](const Catalog& catalog) {
        return catalog.index().label_values(name, matchers, limit);
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
        stats.bytes = catalog.heap_bytes();
    });
    const auto all = epochs();
    stats.epochs = all.size();
    for (const auto& epoch : all)
        stats.bytes += epoch->with([](const Epoch& rows) { return rows.heap_bytes(); });
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
