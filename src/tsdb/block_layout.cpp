// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_layout.h"

#include <algorithm>
#include <tuple>

namespace inferscope::tsdb {
namespace {

using Place = BlockLayout::Place;

/// The places at the start that are of one column.
std::span<const Place> first_column(std::span<const Place> places) {
    std::size_t count = 0;
    while (count < places.size() && places[count].column == places[0].column) ++count;
    return places.first(count);
}

/// What is left of a window, earlier and later.
std::vector<TimeRange> without(const TimeRange& window, const TimeRange& cut) {
    if (!window.overlaps(cut)) return {window};
    std::vector<TimeRange> rest;
    if (window.from < cut.from) rest.push_back({window.from, cut.from - 1});
    if (cut.to < window.to) rest.push_back({cut.to + 1, window.to});
    return rest;
}

}  // namespace

BlockLayout::BlockLayout(const BlockTables& tables, const BlockCut& cut)
    : tables_(tables), cut_(cut) {
    list_places();
    list_groups();
}

void BlockLayout::list_places() {
    const auto& index = tables_.index();
    const auto& groups = tables_.groups();
    auto cut = cut_.series.begin();
    index.for_each_series(index.select({}), [&](SeriesId id, const Labels& labels,
                                                std::span<const ColumnPlace> places) {
        while (cut != cut_.series.end() && *cut < id) ++cut;
        const bool is_cut = cut != cut_.series.end() && *cut == id;
        const auto fingerprint = Fingerprint::of(labels.bytes());
        for (const auto& place : places) {
            if (!groups.has(place)) continue;
            places_.push_back({.group = static_cast<std::uint32_t>(groups.group(place.group)),
                               .entry = static_cast<std::uint32_t>(place.group),
                               .column = static_cast<std::uint32_t>(place.column),
                               .series = id,
                               .labels = fingerprint,
                               .is_shared = places.size() > 1,
                               .is_cut = is_cut && touches(place)});
        }
    });
    std::ranges::sort(places_, {}, [](const Place& place) {
        return std::tuple(place.group, place.column, place.series, place.entry);
    });
}

/// Whether the cut takes something away from there.
bool BlockLayout::touches(const ColumnPlace& place) const {
    const auto& window = tables_.groups().window(place.group);
    const auto chunks = tables_.groups().chunks(place.group);
    const TimeRange rows{std::max(window.from, chunks.front().times.from),
                         std::min(window.to, chunks.back().times.to)};
    return rows.overlaps(cut_.times);
}

void BlockLayout::list_groups() {
    for (std::size_t i = 0; i < places_.size(); ++i) {
        const auto& place = places_[i];
        if (i == 0 || places_[i - 1].group != place.group) groups_.push_back({.first = i});
        auto& group = groups_.back();
        ++group.count;
        group.is_cut |= place.is_cut;
        group.is_shared |= place.is_shared;
        if (place.is_cut || tables_.groups().window(place.entry) != TimeRange{})
            group.is_plain = false;
    }
}

std::vector<ColumnName> BlockLayout::names(const Group& group) const {
    Ids ids;
    for (const auto& place : places(group)) ids.push_back(place.series);
    std::ranges::sort(ids);
    const auto twice = std::ranges::unique(ids);
    ids.erase(twice.begin(), twice.end());
    std::vector<Labels> labels;
    tables_.index().for_each_series(
        ids, [&](SeriesId, const Labels& one, auto) { labels.push_back(one); });
    std::vector<ColumnName> names;
    for (const auto& place : places(group)) {
        const auto at = std::ranges::lower_bound(ids, place.series) - ids.begin();
        const auto& its = labels[static_cast<std::size_t>(at)];
        const auto& window = tables_.groups().window(place.entry);
        if (!place.is_cut) {
            names.push_back({place.column, its, window});
            continue;
        }
        for (const auto& rest : without(window, cut_.times))
            names.push_back({place.column, its, rest});
    }
    return names;
}

bool BlockLayout::is_cut() const { return std::ranges::any_of(groups_, &Group::is_cut); }

bool are_alike(std::span<const Place> a, std::span<const Place> b) {
    std::size_t common = 0;
    std::size_t columns_a = 0;
    std::size_t columns_b = 0;
    while (!a.empty() || !b.empty()) {
        const bool in_a = !a.empty() && (b.empty() || a[0].column <= b[0].column);
        const bool in_b = !b.empty() && (a.empty() || b[0].column <= a[0].column);
        const auto one = in_a ? first_column(a) : a.first(0);
        const auto other = in_b ? first_column(b) : b.first(0);
        if (in_a && in_b) {
            if (!std::ranges::equal(one, other, {}, &Place::labels, &Place::labels)) return false;
            ++common;
        }
        columns_a += in_a ? 1 : 0;
        columns_b += in_b ? 1 : 0;
        a = a.subspan(one.size());
        b = b.subspan(other.size());
    }
    return common * 2 >= columns_a && common * 2 >= columns_b;
}

}  // namespace inferscope::tsdb
