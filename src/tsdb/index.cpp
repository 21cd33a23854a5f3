// SPDX-License-Identifier: Apache-2.0
// How a selection is made: matchers that name their values come first, the smallest list of ids
// before the others, and lists are intersected. What is left (expressions, conditions that absent
// labels fulfil) is tried on the candidates' own labels while they are few, each value once; else
// on all values of the name, and the ids of these are then taken away or kept.
#include "tsdb/index.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <tuple>
#include <utility>

namespace inferscope::tsdb {
namespace {

/// Reading the labels of a series costs about as much as so many ids of a list.
constexpr std::size_t kReadCost = 16;

/// The values that the matcher names are those of the labels that a series must have (`a=~"b|c"`)
/// or must not have (`a!="b"`), not those of all others (`a!=""`, `a=~"b|"`).
bool names_its_labels(const Matcher& matcher) {
    return !matcher.values().empty() && matcher.matches_empty() == matcher.is_negative();
}

}  // namespace

/// A matcher whose name the index knows.
struct Index::Step {
    const Matcher* matcher = nullptr;
    NameNumber name = 0;
    bool wanted = false;  ///< absent labels don't match: the series must have one of `labels`;
                          ///< else it must have none of them
    bool listed = false;  ///< `labels` are known
    std::vector<LabelNumber> labels = {};
    std::size_t cost = 0;  ///< ids of `labels`; if they aren't known, values that must be tried
};

/// The steps, cheapest first. `none` tells that nothing can match.
std::vector<Index::Step> Index::plan(std::span<const Matcher> matchers, bool& none) const {
    std::vector<Step> steps;
    none = false;
    for (const auto& matcher : matchers) {
        const auto name = find_name(matcher.name());
        const bool wanted = !matcher.matches_empty();
        if (!name) {
            none = none || wanted;
            continue;
        }
        Step step{.matcher = &matcher, .name = *name, .wanted = wanted};
        if (names_its_labels(matcher)) {
            list_labels(step);
            none = none || (wanted && step.labels.empty());
        } else {
            step.cost = count_labels(*name);
        }
        steps.push_back(std::move(step));
    }
    std::ranges::sort(steps, {}, [](const Step& step) {
        return std::tuple(!step.wanted, !step.listed, step.cost);
    });
    return steps;
}

/// Finds the step's labels: by their values if the matcher names them, else by trying all.
void Index::list_labels(Step& step) const {
    const Matcher& matcher = *step.matcher;
    step.cost = 0;
    if (names_its_labels(matcher)) {
        for (const auto& value : matcher.values()) {
            if (const auto label = find_label(step.name, value)) step.labels.push_back(*label);
        }
    } else {
        const bool starts = step.wanted != matcher.is_negative();
        const auto prefix = starts ? matcher.prefix() : std::string_view();
        for_each_label(step.name, prefix, [&](LabelNumber label, std::string_view value) {
            if (matcher.matches(value) == step.wanted) step.labels.push_back(label);
        });
    }
    for (const auto label : step.labels) step.cost += count_ids(label);
    step.listed = true;
}

Ids Index::select(std::span<const Matcher> matchers) const {
    bool none = false;
    auto steps = plan(matchers, none);
    Ids ids;
    if (none) return ids;
    std::span<Step> left = steps;
    if (left.empty() || !left.front().wanted) {
        append_all(ids);
    } else {
        if (!left.front().listed) list_labels(left.front());
        ids = unite(left.front().labels, left.front().cost);
        left = left.subspan(1);
    }
    for (auto& step : left) {
        if (ids.empty()) break;
        apply(step, ids);
    }
    return ids;
}

void Index::apply(Step& step, Ids& ids) const {
    if (!step.listed) {
        if (ids.size() <= step.cost) {
            filter_by_value(step, ids);
            return;
        }
        list_labels(step);
    }
    if (step.wanted && step.labels.size() == 1) {
        retain(step.labels.front(), ids);
    } else if (ids.size() * kReadCost < step.cost) {
        const absl::flat_hash_set<LabelNumber> labels(step.labels.begin(), step.labels.end());
        filter(step.name, ids,
               [&](LabelNumber label) { return labels.contains(label) == step.wanted; });
    } else if (step.wanted) {
        intersect(ids, unite(step.labels, step.cost));
    } else {
        subtract(ids, unite(step.labels, step.cost));
    }
}

void Index::filter_by_value(const Step& step, Ids& ids) const {
    absl::flat_hash_map<LabelNumber, bool> known;
    filter(step.name, ids, [&](LabelNumber label) {
        if (label == kNoLabel) return step.matcher->matches_empty();
        const auto [at, is_new] = known.try_emplace(label, false);
        if (is_new) at->second = step.matcher->matches(value(label));
        return at->second;
    });
}

/// The ids of labels of one name: no series has two of them.
Ids Index::unite(std::span<const LabelNumber> labels, std::size_t total) const {
    Ids ids;
    ids.reserve(total);
    for (const auto label : labels) append_ids(label, ids);
    if (labels.size() < 2) return ids;
    if (total < id_limit() / 64) {
        std::ranges::sort(ids);
        return ids;
    }
    std::vector<std::uint64_t> bitmap(id_limit() / 64 + 1);
    for (const auto id : ids) bitmap[id / 64] |= std::uint64_t{1} << id % 64;
    ids.clear();
    for (std::size_t i = 0; i < bitmap.size(); ++i) {
        for (auto bits = bitmap[i]; bits != 0; bits &= bits - 1) {
            ids.push_back(
                static_cast<SeriesId>(i * 64 + static_cast<std::size_t>(std::countr_zero(bits))));
        }
    }
    return ids;
}

std::vector<std::string> Index::label_names(std::span<const Matcher> matchers,
                                            std::optional<IsWanted> is_wanted) const {
    absl::flat_hash_set<NameNumber> found;
    if (!matchers.empty()) {
        Ids ids = select(matchers);
        if (is_wanted) std::erase_if(ids, [&](SeriesId id) { return !(*is_wanted)(id); });
        for_each_set(ids, [&](std::span<const LabelNumber> labels) {
            for (const auto label : labels) found.insert(name_of(label));
        });
    }
    const auto is_found = [&](NameNumber number) {
        if (!matchers.empty()) return found.contains(number);
        if (!is_wanted) return true;
        bool any = false;
        for_each_label(number, "", [&](LabelNumber label, std::string_view) {
            any = any || any_of(label, *is_wanted);
        });
        return any;
    };
    std::vector<std::string> names;
    for_each_name([&](NameNumber number, std::string_view name) {
        if (is_found(number)) names.emplace_back(name);
    });
    std::ranges::sort(names);
    return names;
}

std::vector<std::string> Index::label_values(std::string_view name,
                                             std::span<const Matcher> matchers, std::size_t limit,
                                             std::optional<IsWanted> is_wanted) const {
    std::vector<std::string> values;
    const auto number = find_name(name);
    if (!number) return values;
    if (matchers.empty()) {
        for_each_label(*number, "", [&](LabelNumber label, std::string_view text) {
            if (!is_wanted || any_of(label, *is_wanted)) values.emplace_back(text);
        });
    } else {
        absl::flat_hash_set<LabelNumber> found;
        Ids ids = select(matchers);
        if (is_wanted) std::erase_if(ids, [&](SeriesId id) { return !(*is_wanted)(id); });
        filter(*number, ids, [&](LabelNumber label) { return found.insert(label).second; });
        found.erase(kNoLabel);
        for (const auto label : found) values.push_back(value(label));
    }
    if (limit == 0 || limit > values.size()) limit = values.size();
    const auto end = values.begin() + static_cast<std::ptrdiff_t>(limit);
    std::partial_sort(values.begin(), end, values.end());
    values.erase(end, values.end());
    return values;
}

}  // namespace inferscope::tsdb
