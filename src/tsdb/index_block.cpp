// SPDX-License-Identifier: Apache-2.0
#include "tsdb/index_block.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace inferscope::tsdb {

using index_format::kLabelsPerRun;

namespace {

/// The texts of the labels of one series after the other. Neighbours share most of them, so those
/// at each place are kept; and a value comes again and again, with each value of the label before.
class LabelTexts {
public:
    explicit LabelTexts(const LabelTable& table) : table_(table) {}

    /// Valid until the next call for the same place.
    std::string_view value(std::size_t place, LabelNumber label) {
        while (place >= kept_.size()) kept_.emplace_back();
        auto& kept = kept_[place];
        if (kept.label != label) {
            auto& lately = lately_[label % lately_.size()];
            if (lately.label != label)
                lately = {label, std::string(LabelCursor::at(table_, label).value())};
            kept = lately;
        }
        return kept.text;
    }

private:
    struct Text {
        LabelNumber label = kNoLabel;
        std::string text;
    };

    const LabelTable& table_;
    std::deque<Text> kept_;  // texts stay where they are
    std::vector<Text> lately_ = std::vector<Text>(256);
};

}  // namespace

void BlockIndex::for_each_series(std::span<const SeriesId> ids, VisitSeries visit) const {
    SeriesCursor cursor(series_);
    LabelTexts texts(labels_);
    std::vector<Label> sorted;
    for (const auto id : ids) {
        if (!cursor.seek(id)) return;
        sorted.clear();
        for (std::size_t i = 0; i < cursor.labels().size(); ++i) {
            const LabelNumber label = cursor.labels()[i];
            sorted.push_back({names_[name_of(label)].text, texts.value(i, label)});
        }
        visit(id, Labels::from_sorted(sorted), cursor.places());
    }
}

Labels BlockIndex::labels(SeriesId id) const {
    Labels found;
    for_each_series(std::span(&id, 1), [&](SeriesId, const Labels& labels,
                                           std::span<const ColumnPlace>) { found = labels; });
    return found;
}

std::vector<ColumnPlace> BlockIndex::places(SeriesId id) const {
    SeriesCursor cursor(series_);
    if (!cursor.seek(id)) return {};
    return {cursor.places().begin(), cursor.places().end()};
}

void BlockIndex::append_all(Ids& ids) const {
    ids.reserve(ids.size() + series_.size());
    for (SeriesId id = 0; id < series_.size(); ++id) ids.push_back(id);
}

std::optional<NameNumber> BlockIndex::find_name(std::string_view name) const {
    const auto at = std::ranges::lower_bound(names_, name, {}, &Name::text);
    if (at == names_.end() || at->text != name) return std::nullopt;
    return static_cast<NameNumber>(at - names_.begin());
}

void BlockIndex::for_each_name(VisitName visit) const {
    for (NameNumber i = 0; i < names_.size(); ++i) visit(i, names_[i].text);
}

NameNumber BlockIndex::name_of(LabelNumber label) const {
    const auto after = std::ranges::upper_bound(names_, label, {}, &Name::first);
    return static_cast<NameNumber>(after - names_.begin() - 1);
}

std::size_t BlockIndex::count_labels(NameNumber name) const { return names_[name].count; }

/// At the first label of `name` whose value isn't before `value`, or behind its last label.
LabelCursor BlockIndex::not_before(const Name& name, std::string_view value) const {
    // The last run that starts before `value`; the name's first one may start with another name.
    std::uint32_t run = name.first / kLabelsPerRun;
    std::uint32_t end = (name.first + name.count - 1) / kLabelsPerRun + 1;
    while (end - run > 1) {
        const std::uint32_t middle = run + (end - run) / 2;
        LabelCursor first(labels_, middle);
        (first.next() && first.value() < value ? run : end) = middle;
    }
    LabelCursor cursor(labels_, run);
    while (cursor.next() &&
           (cursor.number() < name.first ||
            (cursor.number() < name.first + name.count && cursor.value() < value))) {
    }
    return cursor;
}

std::optional<LabelNumber> BlockIndex::find_label(NameNumber name, std::string_view value) const {
    const Name& known = names_[name];
    const auto cursor = not_before(known, value);
    if (cursor.number() >= known.first + known.count || cursor.value() != value) {
        return std::nullopt;
    }
    return cursor.number();
}

void BlockIndex::for_each_label(NameNumber name, std::string_view prefix, VisitLabel visit) const {
    const LabelNumber end = names_[name].first + names_[name].count;
    auto cursor = not_before(names_[name], prefix);
    while (cursor.number() < end && cursor.value().starts_with(prefix)) {
        visit(cursor.number(), cursor.value());
        if (!cursor.next()) return;
    }
}

std::string BlockIndex::value(LabelNumber label) const {
    return std::string(LabelCursor::at(labels_, label).value());
}

std::size_t BlockIndex::count_ids(LabelNumber label) const {
    return LabelCursor::at(labels_, label).ids().count;
}

IdsCursor BlockIndex::ids_of(const LabelIds& ids) const {
    const auto offset = std::min<std::uint64_t>(ids.offset, postings_.size());
    return {postings_.substr(offset, ids.bytes), series_.size()};
}

void BlockIndex::append_ids(LabelNumber label, Ids& ids) const {
    auto cursor = ids_of(LabelCursor::at(labels_, label).ids());
    while (const auto run = cursor.next()) {
        for (std::uint32_t i = 0; i < run->length; ++i) ids.push_back(run->first + i);
    }
}

bool BlockIndex::any_of(LabelNumber label, IsWanted is_wanted) const {
    Ids ids;
    append_ids(label, ids);
    return std::ranges::any_of(ids, [&](SeriesId id) { return is_wanted(id); });
}

void BlockIndex::retain(LabelNumber label, Ids& ids) const {
    constexpr std::size_t kReadCost = 64;  // of a series somewhere, in bytes of a list
    const LabelIds list = LabelCursor::at(labels_, label).ids();
    if (ids.size() * kReadCost < list.bytes) {
        filter(name_of(label), ids, [&](LabelNumber other) { return other == label; });
    } else {
        retain_by_list(list, ids);
    }
}

void BlockIndex::retain_by_list(const LabelIds& list, Ids& ids) const {
    auto cursor = ids_of(list);
    auto kept = ids.begin();
    auto at = ids.begin();
    while (const auto run = cursor.next()) {
        at = std::lower_bound(at, ids.end(), run->first);
        for (; at != ids.end() && *at - run->first < run->length; ++at) *kept++ = *at;
        if (at == ids.end()) break;
    }
    ids.erase(kept, ids.end());
}

void BlockIndex::filter(NameNumber name, Ids& ids, KeepIf keep) const {
    const Name& wanted = names_[name];
    SeriesCursor cursor(series_);
    std::erase_if(ids, [&](SeriesId id) {
        if (!cursor.seek(id)) return true;
        const auto at = std::ranges::lower_bound(cursor.labels(), wanted.first);
        const bool has = at != cursor.labels().end() && *at - wanted.first < wanted.count;
        return !keep(has ? *at : kNoLabel);
    });
}

void BlockIndex::for_each_set(std::span<const SeriesId> ids, VisitNumbers visit) const {
    SeriesCursor cursor(series_);
    for (const auto id : ids) {
        if (!cursor.seek(id)) return;
        visit(cursor.labels());
    }
}

}  // namespace inferscope::tsdb
