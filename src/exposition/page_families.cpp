// SPDX-License-Identifier: Apache-2.0
#include "exposition/page_families.h"

#include <algorithm>
#include <array>
#include <memory>

namespace inferscope::exposition {
namespace {

constexpr std::size_t kManyFamilies = 64;

/// The family's name without what a sample of a histogram, summary, counter or info adds to it.
std::string_view without_suffix(std::string_view name) {
    static constexpr std::array<std::string_view, 8> kSuffixes{
        "_bucket", "_count", "_sum", "_total", "_created", "_info", "_gsum", "_gcount"};
    for (const auto suffix : kSuffixes) {
        if (name.size() > suffix.size() && name.ends_with(suffix))
            return name.substr(0, name.size() - suffix.size());
    }
    return name;
}

/// prometheus_client writes `:` as `_` in the sample names of an OpenMetrics page, but not in its
/// TYPE lines.
bool same_but_for_colons(std::string_view sample, std::string_view family) {
    return sample.size() == family.size() &&
           std::equal(sample.begin(), sample.end(), family.begin(),
                      [](char s, char f) { return s == f || (s == '_' && f == ':'); });
}

/// Debian's Abseil has a string_view of its own.
absl::string_view key_of(std::string_view name) { return {name.data(), name.size()}; }

}  // namespace

PageFamilies::PageFamilies(Format format) : format_(format) {
    entries_.reserve(kManyFamilies);
    by_name_.reserve(kManyFamilies);
}

void PageFamilies::on_metadata(const Line& line) {
    if (line.kind == Line::Kind::type) entry_of(line.name).type = line.type;
    if (line.kind == Line::Kind::help) entry_of(line.name).help = line.text;
    if (line.kind == Line::Kind::unit) entry_of(line.name).unit = line.text;
}

FamilyPtr PageFamilies::family_of(std::string_view sample) {
    Entry& entry = find(sample);
    if (!entry.made) {
        entry.made =
            std::make_shared<const Family>(Family{.name = classic_name(entry, sample),
                                                  .type = entry.type,
                                                  .help = unescape_help(entry.help, format_),
                                                  .unit = std::string(entry.unit)});
    }
    return entry.made;
}

PageFamilies::Entry& PageFamilies::entry_of(std::string_view name) {
    if (!entries_.empty() && entries_[current_].name == name) return entries_[current_];
    const auto [known, is_new] = by_name_.try_emplace(key_of(name), entries_.size());
    if (is_new) entries_.push_back({.name = name, .help = {}, .unit = {}, .made = nullptr});
    current_ = known->second;
    return entries_[current_];
}

PageFamilies::Entry& PageFamilies::find(std::string_view sample) {
    const auto base = without_suffix(sample);
    if (!entries_.empty()) {  // nearly always: samples stand behind their family's TYPE line
        const auto name = entries_[current_].name;
        if (name == sample || name == base || same_but_for_colons(sample, name) ||
            same_but_for_colons(base, name)) {
            return entries_[current_];
        }
    }
    if (by_name_.contains(key_of(sample))) return entry_of(sample);
    if (by_name_.contains(key_of(base))) return entry_of(base);
    return entry_of(sample);
}

/// OpenMetrics' TYPE lines lack the `_total` that the classic format's have.
std::string PageFamilies::classic_name(const Entry& entry, std::string_view sample) const {
    std::string name(entry.name);
    const bool has_total = sample.ends_with("_total") ||
                           (format_ == Format::openmetrics && sample.ends_with("_created"));
    if (entry.type == MetricType::counter && has_total && !name.ends_with("_total"))
        name += "_total";
    if (entry.type == MetricType::info && sample.ends_with("_info") && !name.ends_with("_info"))
        name += "_info";
    return name;
}

}  // namespace inferscope::exposition
