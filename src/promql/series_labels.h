// SPDX-License-Identifier: Apache-2.0
// The labels of a series while a query is evaluated: a label set that somebody else owns, and
// whether its metric's name still counts. So most operations make no new label sets.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/labels.h"

namespace inferscope::promql {

/// Small, passed by value; `base` outlives it.
class SeriesLabels {
public:
    SeriesLabels() = default;
    explicit SeriesLabels(const Labels& base) : base_(&base) {}

    /// As an operation does that changes what the values mean. With `is_delayed` (feature
    /// promql-delayed-name-removal) the name counts until the query is finished.
    void drop_name(bool is_delayed) {
        if (is_delayed) {
            drops_name_ = true;
        } else {
            hides_name_ = true;
        }
    }
    /// The query is finished.
    void finish() { hides_name_ = hides_name_ || drops_name_; }

    [[nodiscard]] bool drops_name() const { return drops_name_; }
    void set_drops_name(bool drops) { drops_name_ = drops; }
    [[nodiscard]] bool shows(const Label& label) const {
        return !hides_name_ || label.name != kMetricName;
    }

    /// Empty if there is none.
    [[nodiscard]] std::string_view get(std::string_view name) const {
        return hides_name_ && name == kMetricName ? std::string_view() : base_->get(name);
    }
    template <class Use>
    void for_each(Use&& use) const {
        for (const auto& label : *base_) {
            if (shows(label)) use(label);
        }
    }
    /// By name, until `use` returns false.
    template <class Use>
    void for_each_while(Use&& use) const {
        for (const auto& label : *base_) {
            if (shows(label) && !use(label)) return;
        }
    }
    [[nodiscard]] Labels build() const;
    /// Equal for equal labels, and only for them: what build() gives, as bytes().
    void append_key(std::string& key) const;
    /// Orders as label sets are ordered, and is quicker to compare. Values with a NUL may be out of
    /// place, but always at the same one.
    void append_sort_key(std::string& key) const;

private:
    static const Labels& none();

    const Labels* base_ = &none();
    bool hides_name_ = false;
    bool drops_name_ = false;
};

/// Of labels by name. `names` are sorted.
class LabelSelection {
public:
    /// With `is_on` these labels only, else all but them.
    LabelSelection(std::span<const std::string> names, bool is_on);
    /// All but the named ones and the metric's name.
    static LabelSelection without_name_and(std::span<const std::string> names);

    [[nodiscard]] Labels select(const SeriesLabels& labels) const;
    /// What select() gives, as bytes().
    void append_key(const SeriesLabels& labels, std::string& key) const;

private:
    /// Calls use(label) for each that is taken.
    template <class Use>
    void for_each_taken(const SeriesLabels& labels, Use&& use) const;

    std::vector<std::string> names_;
    bool is_on_;
};

/// Appends a label so that keys are equal only where labels are.
void append_label_key(std::string& key, const Label& label);

/// Series that are equal in some of their labels, by these. Confined to one thread.
class LabelGroups {
public:
    explicit LabelGroups(LabelSelection selection) : selection_(std::move(selection)) {}

    /// The group that the series belongs to: in the order of their first series.
    std::size_t add(const SeriesLabels& series);
    /// What the series of each have in common.
    [[nodiscard]] const std::vector<Labels>& all() const { return all_; }

private:
    LabelSelection selection_;
    std::vector<Labels> all_;
    absl::flat_hash_map<absl::string_view, std::size_t> by_bytes_;  // views of all_
    std::string key_;                                               // of the last series
};

/// Label sets that a query has made. Confined to one thread.
class LabelStore {
public:
    SeriesLabels keep(Labels labels) { return SeriesLabels(kept_.emplace_back(std::move(labels))); }

private:
    std::deque<Labels> kept_;
};

/// The places of the first `count` series, of which `labels_of` gives the labels, in their order.
std::vector<std::size_t> sorted_places(std::size_t count,
                                       const std::function<SeriesLabels(std::size_t)>& labels_of);

/// `{__name__="up", job="a"}`, as Prometheus writes label sets in messages.
std::string to_message_text(const Labels& labels);

}  // namespace inferscope::promql
