// SPDX-License-Identifier: Apache-2.0
#include "promql/annotations.h"

#include <fmt/format.h>

#include <algorithm>

#include "promql/formats.h"
#include "telemetry/matcher.h"

namespace inferscope::promql {
namespace {

constexpr std::size_t kMostShown = 10;  // web/api/v1/api.go, AsStrings(query, 10, 10)
// Quantiles that change with every step make a text each: more than these are only counted once.
constexpr std::size_t kMostKept = 1000;

std::string for_metric(std::string_view name) {
    return name.empty() ? "" : fmt::format(" for metric name {}", quote_for_promql(name));
}

/// 2026-11-22T11:15:00Z
std::string format_time(Timestamp time) {
    const auto seconds =
        std::chrono::floor<std::chrono::seconds>(std::chrono::sys_time<Millis>(Millis(time)));
    const auto day = std::chrono::floor<std::chrono::days>(seconds);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(seconds - day);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace

std::string Annotations::place_of(ByteRange at) const {
    const auto before = query_.substr(0, std::min(at.begin, query_.size()));
    const auto line = std::ranges::count(before, '\n') + 1;
    const auto line_break = before.rfind('\n');
    const auto column = before.size() - (line_break == std::string_view::npos ? 0 : line_break + 1);
    return fmt::format("{}:{}", line, column + 1);
}

void Annotations::add(std::vector<Entry>& entries, std::string text, ByteRange at) const {
    if (!is_enabled_) return;
    const auto known = std::ranges::find(entries, text, &Entry::text);
    if (known != entries.end()) {
        known->place = place_of(at);
    } else if (entries.size() < kMostKept) {
        entries.push_back({std::move(text), place_of(at)});
    }
}

void Annotations::warn_of_quantile(double quantile, ByteRange at) {
    add(warnings_,
        fmt::format("PromQL warning: quantile value should be between 0 and 1, got {}",
                    format_with_exponent(quantile)),
        at);
}

void Annotations::warn_of_ratio(double ratio, double taken, ByteRange at) {
    add(warnings_,
        fmt::format("PromQL warning: ratio value should be between -1 and 1, got {}, capping to {}",
                    format_with_exponent(ratio), format_with_exponent(taken)),
        at);
}

void Annotations::warn_of_bucket_label(std::string_view label, std::string_view name,
                                       ByteRange at) {
    add(warnings_,
        fmt::format(
            "PromQL warning: bucket label \"le\" is missing or has a malformed value of {}{}",
            quote_for_promql(label), for_metric(name)),
        at);
}

void Annotations::warn_of_sort_in_range_query(ByteRange at) {
    add(warnings_,
        "PromQL warning: sort is ineffective for range queries since results are always ordered by "
        "labels",
        at);
}

void Annotations::warn_from_storage(std::string_view text) {
    if (std::ranges::find(warnings_, text, &Entry::text) == warnings_.end())
        warnings_.push_back({std::string(text), ""});
}

void Annotations::tell_of_incompatible_types(BinaryOp op, ByteRange at) {
    add(infos_,
        fmt::format("PromQL info: incompatible sample types encountered for binary operator "
                    "\"{0}\": float {0} float",
                    to_string(op)),
        at);
}

void Annotations::tell_of_possible_non_counter(std::string_view name, ByteRange at) {
    add(infos_,
        fmt::format("PromQL info: metric might not be a counter, name does not end in "
                    "_total/_sum/_count/_bucket: {}",
                    quote_for_promql(name)),
        at);
}

void Annotations::tell_of_forced_monotonicity(std::string_view name, ByteRange at, Timestamp time,
                                              const BucketRepair& repair) {
    if (!is_enabled_) return;
    auto text = fmt::format(
        "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
        "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){}",
        for_metric(name));
    auto known = std::ranges::find(repairs_, text, &Repairs::text);
    if (known == repairs_.end()) {
        repairs_.push_back({std::move(text), "", time, time, repair, 0});
        known = std::prev(repairs_.end());
    }
    known->place = place_of(at);
    known->first = std::min(known->first, time);
    known->last = std::max(known->last, time);
    auto& widest = known->widest;
    widest.lowest_bound = std::min(widest.lowest_bound, repair.lowest_bound);
    widest.highest_bound = std::max(widest.highest_bound, repair.highest_bound);
    widest.largest_drop = std::max(widest.largest_drop, repair.largest_drop);
    ++known->count;
}

std::string Annotations::to_text(const Repairs& repairs) {
    return fmt::format(
        "{}, from buckets {} to {}, with a max diff of {:.2g}, over {} samples from {} to {} ({})",
        repairs.text, format_with_exponent(repairs.widest.lowest_bound),
        format_with_exponent(repairs.widest.highest_bound), repairs.widest.largest_drop,
        repairs.count, format_time(repairs.first), format_time(repairs.last), repairs.place);
}

std::vector<std::string> Annotations::shorten(std::vector<std::string> all, std::string_view kind) {
    if (all.size() <= kMostShown) return all;
    const auto omitted = all.size() - kMostShown;
    all.resize(kMostShown);
    all.push_back(fmt::format("{} more {} annotations omitted", omitted, kind));
    return all;
}

std::vector<std::string> Annotations::texts(const std::vector<Entry>& entries) {
    std::vector<std::string> all;
    all.reserve(entries.size());
    for (const auto& [text, place] : entries)
        all.push_back(place.empty() ? text : fmt::format("{} ({})", text, place));
    return all;
}

std::vector<std::string> Annotations::warnings() const {
    return shorten(texts(warnings_), "warning");
}

std::vector<std::string> Annotations::infos() const {
    auto all = texts(infos_);
    for (const auto& repairs : repairs_) all.push_back(to_text(repairs));
    return shorten(std::move(all), "info");
}

}  // namespace inferscope::promql
