// SPDX-License-Identifier: Apache-2.0
#include "promql/series_labels.h"

#include <algorithm>

#include "telemetry/matcher.h"

namespace inferscope::promql {
namespace {

void append_length(std::string& key, std::size_t length) {
    for (; length >= 0x80; length >>= 7) key += static_cast<char>(0x80 | (length & 0x7f));
    key += static_cast<char>(length);
}

}  // namespace

const Labels& SeriesLabels::none() {
    static const Labels labels;
    return labels;
}

Labels SeriesLabels::build() const {
    if (!hides_name_ || !base_->has(kMetricName)) return *base_;
    std::vector<Label> labels;
    for_each([&](const Label& label) { labels.push_back(label); });
    return Labels::from_sorted(labels);
}

void append_label_key(std::string& key, const Label& label) {
    append_length(key, label.name.size());
    append_length(key, label.value.size());
    key += label.name;
    key += label.value;
}

void SeriesLabels::append_key(std::string& key) const {
    if (!hides_name_) {
        key += base_->bytes();  // the same form
        return;
    }
    for_each([&](const Label& label) { append_label_key(key, label); });
}

void SeriesLabels::append_sort_key(std::string& key) const {
    for_each([&](const Label& label) {
        key += label.name;
        key += '\0';
        key += label.value;
        key += '\0';
    });
}

LabelSelection::LabelSelection(std::span<const std::string> names, bool is_on)
    : names_(names.begin(), names.end()), is_on_(is_on) {
    std::ranges::sort(names_);
}

LabelSelection LabelSelection::without_name_and(std::span<const std::string> names) {
    std::vector<std::string> all(names.begin(), names.end());
    all.emplace_back(kMetricName);
    return {all, false};
}

/// Labels and names are sorted alike.
template <class Use>
void LabelSelection::for_each_taken(const SeriesLabels& labels, Use&& use) const {
    auto name = names_.begin();
    labels.for_each_while([&](const Label& label) {
        while (name != names_.end() && *name < label.name) ++name;
        if (name == names_.end() && is_on_) return false;
        const bool is_named = name != names_.end() && *name == label.name;
        if (is_named == is_on_) use(label);
        return true;
    });
}

Labels LabelSelection::select(const SeriesLabels& labels) const {
    std::vector<Label> selected;
    for_each_taken(labels, [&](const Label& label) { selected.push_back(label); });
    return Labels::from_sorted(selected);
}

void LabelSelection::append_key(const SeriesLabels& labels, std::string& key) const {
    for_each_taken(labels, [&](const Label& label) { append_label_key(key, label); });
}

std::size_t LabelGroups::add(const SeriesLabels& series) {
    key_.clear();
    selection_.append_key(series, key_);
    if (const auto known = by_bytes_.find(key_); known != by_bytes_.end()) return known->second;
    all_.push_back(Labels::from_bytes(key_));
    const auto bytes = all_.back().bytes();
    by_bytes_.emplace(absl::string_view(bytes.data(), bytes.size()), all_.size() - 1);
    return all_.size() - 1;
}

std::vector<std::size_t> sorted_places(std::size_t count,
                                       const std::function<SeriesLabels(std::size_t)>& labels_of) {
    std::string text;  // all keys, one behind the other
    std::vector<std::size_t> ends;
    for (std::size_t i = 0; i < count; ++i) {
        labels_of(i).append_sort_key(text);
        ends.push_back(text.size());
    }
    std::vector<std::pair<std::string_view, std::size_t>> keys(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto begin = i == 0 ? 0 : ends[i - 1];
        keys[i] = {std::string_view(text).substr(begin, ends[i] - begin), i};
    }
    std::ranges::sort(keys);
    std::vector<std::size_t> places;
    places.reserve(count);
    for (const auto& [key, place] : keys) places.push_back(place);
    return places;
}

std::string to_message_text(const Labels& labels) {
    std::string text = "{";
    for (const auto& label : labels) {
        if (text.size() > 1) text += ", ";
        text += is_legacy_label_name(label.name) ? std::string(label.name)
                                                 : quote_for_promql(label.name);
        text += '=';
        text += quote_for_promql(label.value);
    }
    return text + '}';
}

}  // namespace inferscope::promql
