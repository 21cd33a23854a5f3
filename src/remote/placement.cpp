// SPDX-License-Identifier: Apache-2.0
#include "remote/placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "remote/series_labels.h"

namespace inferscope::remote {
namespace {

constexpr std::size_t kAhead = 12;  // look-ups whose cache lines are asked for early
constexpr std::string_view kLooseSource = "remote write, series by themselves";

std::uint32_t narrow(std::size_t number) { return static_cast<std::uint32_t>(number); }

std::string source_of(const Labels& labels) {
    return fmt::format("remote write, job {}, instance {}", quote_for_message(labels.get("job")),
                       quote_for_message(labels.get("instance")));
}

}  // namespace

Result<void> Placement::find(WriteRequest& request, Refusals& refusals) {
    unknown_.clear();
    newcomers_.clear();
    newcomer_of_.clear();
    waiting_.clear();
    const auto series = request.series();
    places_.assign(series.size(), Place{});
    for (std::size_t i = 0; i < series.size(); ++i) {
        if (i + kAhead < series.size()) table_.prefetch(series[i + kAhead].key);
        places_[i] = find_current(series[i].key);
        if (!places_[i]) unknown_.push_back(narrow(i));
    }
    for (const auto at : unknown_) {
        if (auto found = find_by_labels(request, at, refusals); !found) return found;
    }
    return {};
}

Result<void> Placement::find_by_labels(WriteRequest& request, std::uint32_t at,
                                       Refusals& refusals) {
    auto& series = request.series()[at];
    if (series.is_supposed) {
        if (auto read = request.read_in_full(series); !read) return read;
        places_[at] = find_current(series.key);
        if (places_[at]) return {};
    }
    const auto refused = series.samples + series.native_histograms;
    if (refused == 0) return {};
    if (auto read = read_series_labels(series.labels, config_, labels_); !read) {
        refusals.add(Refusal::invalid_labels, refused, [&] { return read.error().text; });
        return {};
    }
    if (series.samples == 0) return {};
    const auto key = key_of_labels(series);
    places_[at] = find_current(key);
    if (places_[at]) {
        remember_spelling(series.key, places_[at]);
        return {};
    }
    if (!meet(key, request.samples(series).front().time, {at, series.key, 0})) {
        refusals.add(Refusal::bound, series.samples, [&] {
            return fmt::format("more than {} series (remote_write_receiver.max_series): {}",
                               config_.max_series, show_labels(series.labels));
        });
    }
    return {};
}

/// `labels_` are those of the series.
Fingerprint Placement::key_of_labels(const WireSeries& series) {
    spelling_.clear();
    write_label_fields(labels_, spelling_);
    return spelling_ == series.labels ? series.key : Fingerprint::of(spelling_);
}

/// A series that isn't known under any spelling; it may be in the request more than once. False if
/// there is no room for it.
bool Placement::meet(const Fingerprint& key, Timestamp time, Waiting waiting) {
    const auto known = newcomer_of_.find(key);
    if (known != newcomer_of_.end()) {
        waiting.newcomer = known->second;
    } else {
        if (series_ + newcomers_.size() >= config_.max_series) return false;
        waiting.newcomer = narrow(newcomers_.size());
        newcomer_of_.emplace(key, waiting.newcomer);
        newcomers_.push_back({Labels::from_sorted(labels_), key, time, {}});
    }
    waiting_.push_back(waiting);
    return true;
}

void Placement::announce() {
    std::vector<std::uint32_t> loose;
    for (const auto& cohort : cohorts()) {
        if (cohort.size() < config_.min_cohort) {
            loose.insert(loose.end(), cohort.begin(), cohort.end());
        } else {
            announce_cohort(cohort);
        }
    }
    announce_loose(loose);
    for (const auto& [series, key, newcomer] : waiting_) {
        places_[series] = newcomers_[newcomer].place;
        remember_spelling(key, places_[series]);
    }
}

/// Newcomers by job, instance and first time, in the order in which they came.
std::vector<std::vector<std::uint32_t>> Placement::cohorts() const {
    using Key = std::tuple<std::string_view, std::string_view, Timestamp>;
    absl::flat_hash_map<Key, std::size_t> cohort_of;
    std::vector<std::vector<std::uint32_t>> cohorts;
    for (std::size_t i = 0; i < newcomers_.size(); ++i) {
        const auto& [labels, key, time, place] = newcomers_[i];
        const auto [known, is_new] = cohort_of.try_emplace(
            {labels.get("job"), labels.get("instance"), time}, cohorts.size());
        if (is_new) cohorts.emplace_back();
        cohorts[known->second].push_back(narrow(i));
    }
    return cohorts;
}

void Placement::announce_cohort(std::span<const std::uint32_t> newcomers) {
    const auto source = source_of(newcomers_[newcomers.front()].labels);
    while (!newcomers.empty()) {
        const auto part = std::min<std::size_t>(newcomers.size(), config_.max_group_columns);
        announce_in(groups_.open_cohort(source), newcomers.first(part));
        newcomers = newcomers.subspan(part);
    }
}

void Placement::announce_loose(std::span<const std::uint32_t> newcomers) {
    while (!newcomers.empty()) {
        const bool has_room =
            groups_.has(loose_) && groups_.columns(loose_.group) < config_.max_group_columns;
        const auto group = has_room ? loose_.group : groups_.open_loose(kLooseSource);
        const std::size_t room = config_.max_group_columns - groups_.columns(group);
        const auto part = std::min(newcomers.size(), room);
        loose_ = announce_in(group, newcomers.first(part));
        newcomers = newcomers.subspan(part);
    }
}

Place Placement::announce_in(std::uint32_t group, std::span<const std::uint32_t> newcomers) {
    std::vector<Column> columns;
    columns.reserve(newcomers.size());
    for (const auto i : newcomers)
        columns.push_back(
            {.labels = std::move(newcomers_[i].labels), .family = {}, .second_names = {}});
    const auto first = groups_.add_columns(group, columns);
    for (std::size_t i = 0; i < newcomers.size(); ++i) {
        auto& newcomer = newcomers_[newcomers[i]];
        newcomer.place = first;
        newcomer.place.column += narrow(i);
        table_.set(newcomer.key, newcomer.place);
    }
    series_ += newcomers.size();
    announced_ += newcomers.size();
    return first;
}

/// There may be as many other spellings as series; beyond that they cost time instead of memory.
void Placement::remember_spelling(const Fingerprint& key, const Place& place) {
    if (table_.find(key) || table_.size() < 2 * series_) table_.set(key, place);
}

void Placement::close_idle(std::size_t from, std::size_t count, Timestamp now) {
    const auto closed = groups_.close_idle(from, count, now, config_.idle_after);
    series_ -= closed;
    stale_ += closed;
    if (4 * stale_ <= table_.size()) return;
    table_.keep_only([&](const Place& place) { return groups_.has(place); });
    if (!groups_.has(loose_)) loose_ = {};
    groups_.reuse_closed();
    stale_ = 0;
}

}  // namespace inferscope::remote
