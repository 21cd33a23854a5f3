// SPDX-License-Identifier: Apache-2.0
// Three passes: series into families by name; families that would claim each other's samples apart;
// the rest in order.
#include "exposition/page_plan.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "base/numbers.h"
#include "exposition/family_shape.h"

namespace inferscope::exposition {
namespace {

std::string_view sample_name(std::string_view text) {
    return text.substr(0, text.find_first_of("{ "));
}

/// A series of what was given, by its index there.
struct PlannedSeries {
    std::string_view text;
    std::uint32_t index = 0;
};

struct Draft {
    FamilyShape shape;
    std::string_view name;  ///< TYPE's name
    const Family* family = nullptr;
    std::vector<PlannedSeries> series;
};

/// `le="1"` in a series' text: where it stands, and its value. Texts are as append_series writes
/// them.
struct FoundLabel {
    std::size_t begin = std::string_view::npos;
    std::size_t end = 0;
    std::string_view value;
};

FoundLabel find_label(std::string_view text, std::string_view wanted) {
    std::size_t at = text.find('{');
    if (wanted.empty() || at == std::string_view::npos) return {};
    while (text[at] != '}') {
        const std::size_t name = ++at;
        at = text.find('=', at);
        const auto found = text.substr(name, at - name);
        const std::size_t value = at + 2;
        for (at = value; text[at] != '"'; ++at) at += text[at] == '\\' ? 1 : 0;
        if (found == wanted) return {name, at + 1, text.substr(value, at - value)};
        ++at;
    }
    return {};
}

/// The label set without `label`: equal for all samples of one metric.
std::string metric_key(std::string_view text, const FoundLabel& label) {
    const std::size_t open = std::min(text.find('{'), text.size());
    if (label.begin == std::string_view::npos) return std::string(text.substr(open));
    const bool last = text[label.end] == '}';
    const bool only = last && label.begin == open + 1;
    if (only) return {};
    std::string key(text.substr(open, label.begin - open - (last ? 1 : 0)));
    key += text.substr(label.end + (last ? 0 : 1));
    return key;
}

/// A sample's place in its OpenMetrics family.
struct Place {
    std::uint32_t metric;  ///< counted in order of appearance
    std::size_t suffix;
    double bound;
    PlannedSeries series;
};

std::size_t suffix_index(const Draft& draft, std::string_view name) {
    const auto suffixes = draft.shape.sample_suffixes();
    const auto suffix = name.substr(draft.name.size());
    return static_cast<std::size_t>(std::ranges::find(suffixes, suffix) - suffixes.begin());
}

/// Whether each metric of a sorted histogram has what OpenMetrics demands.
bool is_whole_histogram(const std::vector<Place>& places) {
    for (auto at = places.begin(); at != places.end();) {
        bool infinite = false;
        std::array<bool, 4> seen{};
        const auto metric = at->metric;
        for (; at != places.end() && at->metric == metric; ++at) {
            seen[at->suffix] = true;
            infinite = infinite ||
                       (at->suffix == 0 && at->bound == std::numeric_limits<double>::infinity());
        }
        if (!infinite || seen[1] != seen[2]) return false;
    }
    return true;
}

/// Puts the samples of each metric together. False for a histogram that isn't one.
bool sort_into_metrics(Draft& draft) {
    absl::flat_hash_map<std::string, std::uint32_t> metrics;
    std::vector<Place> places;
    places.reserve(draft.series.size());
    for (const auto& series : draft.series) {
        const auto suffix = suffix_index(draft, sample_name(series.text));
        const auto label = find_label(series.text, draft.shape.bound_label);
        const auto next = static_cast<std::uint32_t>(metrics.size());
        const auto metric = metrics.try_emplace(metric_key(series.text, label), next).first->second;
        const auto bound = parse_number(label.value);
        if (draft.shape.bound_label == "le" && suffix == 0 && !bound) return false;
        places.push_back({metric, suffix, bound.value_or(0), series});
    }
    std::ranges::sort(places, [](const Place& a, const Place& b) {
        return std::tie(a.metric, a.suffix, a.bound, a.series.text) <
               std::tie(b.metric, b.suffix, b.bound, b.series.text);
    });
    if (draft.shape.bound_label == "le" && !is_whole_histogram(places)) return false;
    std::ranges::transform(places, draft.series.begin(), &Place::series);
    return true;
}

class Planner {
public:
    explicit Planner(Format format) : format_(format) {}

    void add(const SeriesToPlan& given, std::uint32_t index);
    PagePlan finish();

private:
    void join_created();
    void tell_plain_from_structured();
    void take_clashing_apart();
    void sort_metrics();
    /// Into the family of the sample's own name: one that exists, or an untyped one.
    void add_plain(const PlannedSeries& series);
    void take_apart(Draft& draft);

    Format format_;
    std::map<std::string_view, Draft> given_;  // by the family's name in `Family`
    std::map<std::string_view, Draft>::iterator last_ = given_.end();
    std::vector<Draft> structured_;            // samples with suffixes
    std::map<std::string_view, Draft> plain_;  // samples of one name: the key
};

void Planner::add(const SeriesToPlan& given, std::uint32_t index) {
    if (last_ == given_.end() || last_->first != given.family->name) {
        const auto [at, is_new] = given_.try_emplace(given.family->name);
        last_ = at;
        Draft& draft = at->second;
        if (is_new) {
            draft.family = given.family;
            draft.shape = format_ == Format::text ? text_shape(given.family->type)
                                                  : openmetrics_shape(*given.family);
            draft.name = given.family->name;
            draft.name.remove_suffix(draft.shape.name_suffix.size());
        }
    }
    last_->second.series.push_back({given.text, index});
}

/// OpenMetrics: the text format's gauge `x_created` belongs to the counter, histogram or summary
/// `x`.
void Planner::join_created() {
    constexpr std::string_view kCreated = "_created";
    for (auto& [name, draft] : given_) {
        if (!name.ends_with(kCreated) || !draft.shape.is_plain()) continue;
        const auto base = name.substr(0, name.size() - kCreated.size());
        for (const auto& owner_name : {std::string(base), std::string(base) + "_total"}) {
            const auto owner = given_.find(owner_name);
            if (owner == given_.end() || owner->second.name != base) continue;
            const auto suffixes = owner->second.shape.sample_suffixes();
            if (std::ranges::find(suffixes, kCreated) == suffixes.end()) continue;
            auto& joined = owner->second.series;
            joined.insert(joined.end(), draft.series.begin(), draft.series.end());
            draft.series.clear();
        }
    }
}

void Planner::add_plain(const PlannedSeries& series) {
    const auto name = sample_name(series.text);
    const auto [at, is_new] = plain_.try_emplace(name);
    Draft& draft = at->second;
    if (is_new) {
        draft.shape = plain_shape(format_ == Format::text ? "untyped" : "unknown");
        draft.name = name;
    }
    draft.series.push_back(series);
}

void Planner::take_apart(Draft& draft) {
    for (const auto& series : draft.series) add_plain(series);
    draft.series.clear();
}

void Planner::tell_plain_from_structured() {
    for (auto& [name, draft] : given_) {
        const auto suffixes = draft.shape.sample_suffixes();
        const auto is_ours = [&](const PlannedSeries& series) {
            const auto sample = sample_name(series.text);
            return sample.starts_with(draft.name) &&
                   std::ranges::find(suffixes, sample.substr(draft.name.size())) != suffixes.end();
        };
        for (const auto& series : draft.series) {
            if (!is_ours(series)) add_plain(series);
        }
        std::erase_if(draft.series, std::not_fn(is_ours));
        if (draft.series.empty()) continue;
        if (!draft.shape.is_plain()) {
            structured_.push_back(std::move(draft));
            continue;
        }
        Draft& joined = plain_[draft.name];  // strangers of that name may have come before
        draft.series.insert(draft.series.end(), joined.series.begin(), joined.series.end());
        joined = std::move(draft);
    }
}

void Planner::take_clashing_apart() {
    absl::flat_hash_map<std::string, int> claims;
    const auto names_of = [](const Draft& draft) {
        std::vector<std::string> names{std::string(draft.name)};
        for (const auto suffix : draft.shape.sample_suffixes()) {
            if (!suffix.empty()) names.push_back(std::string(draft.name) + std::string(suffix));
        }
        return names;
    };
    for (const auto& [name, draft] : plain_) ++claims[std::string(name)];
    for (const auto& draft : structured_) {
        for (const auto& name : names_of(draft)) ++claims[name];
    }
    for (auto& draft : structured_) {
        const auto names = names_of(draft);
        if (std::ranges::any_of(names, [&](const auto& name) { return claims[name] > 1; }))
            take_apart(draft);
    }
}

void Planner::sort_metrics() {
    for (auto& draft : structured_) {
        if (!sort_into_metrics(draft)) take_apart(draft);
    }
}

PagePlan Planner::finish() {
    if (format_ == Format::openmetrics) join_created();
    tell_plain_from_structured();
    take_clashing_apart();
    if (format_ == Format::openmetrics) sort_metrics();

    std::vector<const Draft*> sorted;
    std::size_t count = 0;
    for (const auto& draft : structured_) sorted.push_back(&draft);
    for (const auto& [name, draft] : plain_) sorted.push_back(&draft);
    std::erase_if(sorted, [](const Draft* draft) { return draft->series.empty(); });
    std::ranges::sort(sorted, {}, &Draft::name);
    for (const auto* draft : sorted) count += draft->series.size();

    PagePlan plan;
    plan.families.reserve(sorted.size());
    plan.series.reserve(count);
    for (const auto* draft : sorted) {
        const auto begin = static_cast<std::uint32_t>(plan.series.size());
        for (const auto& series : draft->series) plan.series.push_back(series.index);
        plan.families.push_back({.name = std::string(draft->name),
                                 .type = draft->shape.type,
                                 .family = draft->family,
                                 .begin = begin,
                                 .end = static_cast<std::uint32_t>(plan.series.size())});
    }
    return plan;
}

}  // namespace

PagePlan plan_page(std::span<const SeriesToPlan> series, Format format) {
    Planner planner(format);
    for (std::uint32_t index = 0; const auto& one : series) planner.add(one, index++);
    return planner.finish();
}

}  // namespace inferscope::exposition
