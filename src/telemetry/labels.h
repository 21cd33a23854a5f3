// SPDX-License-Identifier: Apache-2.0
// A label set: what identifies a series. Immutable, sorted, one piece of memory that copies share.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/shared_bytes.h"

namespace inferscope {

inline constexpr std::string_view kMetricName = "__name__";

struct Label {
    std::string_view name;
    std::string_view value;
    auto operator<=>(const Label&) const = default;
};

/// Sorted by name, no name twice, no empty value (an empty value means "absent", as in Prometheus).
/// The metric name is the label `__name__`. Stored as one text: for each label the lengths of name
/// and value (LEB128), name, value.
class Labels {
public:
    class Iterator {
    public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = Label;
        using difference_type = std::ptrdiff_t;
        using pointer = const Label*;
        using reference = const Label&;

        Iterator() = default;
        explicit Iterator(const char* at, const char* end) : at_(at), end_(end) { decode(); }
        reference operator*() const { return label_; }
        pointer operator->() const { return &label_; }
        Iterator& operator++() {
            at_ = next_;
            decode();
            return *this;
        }
        Iterator operator++(int) {
            auto before = *this;
            ++*this;
            return before;
        }
        bool operator==(const Iterator& other) const { return at_ == other.at_; }

    private:
        void decode();

        const char* at_ = nullptr;
        const char* end_ = nullptr;
        const char* next_ = nullptr;
        Label label_;
    };

    Labels() = default;
    /// Sorts; of a name that stands twice the last value wins; empty values are left out.
    static Labels from(std::span<const Label> labels);
    static Labels from(std::initializer_list<Label> labels) {
        return from(std::span(labels.begin(), labels.size()));
    }

    /// As from(), of labels that are sorted already, no name twice, no value empty.
    static Labels from_sorted(std::span<const Label> labels);
    /// Of the stored form, as bytes() gives it.
    static Labels from_bytes(std::string_view bytes);

    /// Labels as from_sorted() takes them and `others` together; nothing if a name stands in both.
    static std::optional<Labels> merge(std::span<const Label> labels, const Labels& others);

    [[nodiscard]] Iterator begin() const {
        const auto all = bytes();
        return Iterator(all.data(), all.data() + all.size());
    }
    [[nodiscard]] Iterator end() const {
        const auto* const end = bytes().data() + bytes().size();
        return Iterator(end, end);
    }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    [[nodiscard]] std::size_t size() const;

    /// The label's value; empty if there is none.
    [[nodiscard]] std::string_view get(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const { return !get(name).empty(); }
    [[nodiscard]] std::string_view metric_name() const { return get(kMetricName); }
    /// The stored form: equal for equal label sets, so good for hashing and as a key.
    [[nodiscard]] std::string_view bytes() const { return bytes_.view(); }
    /// `name{a="b",c="d"}`, values escaped as the text format does.
    [[nodiscard]] std::string to_text() const;

    bool operator==(const Labels& other) const { return bytes_ == other.bytes_; }
    /// Prometheus's order: label by label, name before value.
    std::strong_ordering operator<=>(const Labels& other) const;

    template <typename H>
    friend H AbslHashValue(H state, const Labels& labels) {
        const auto bytes = labels.bytes();
        return H::combine_contiguous(std::move(state), bytes.data(), bytes.size());
    }

private:
    SharedBytes bytes_;
};

/// Changes a label set. Confined to one thread; keeps its memory between uses.
class LabelsBuilder {
public:
    LabelsBuilder() = default;
    explicit LabelsBuilder(const Labels& base) { reset(base); }

    void reset(const Labels& base);
    void clear() { labels_.clear(); }
    /// An empty value deletes.
    void set(std::string_view name, std::string_view value);
    void remove(std::string_view name);
    [[nodiscard]] std::string_view get(std::string_view name) const;
    [[nodiscard]] Labels build() const;
    /// In no particular order; valid until the next change.
    [[nodiscard]] std::span<const std::pair<std::string, std::string>> entries() const {
        return labels_;
    }

private:
    std::vector<std::pair<std::string, std::string>> labels_;
};

/// Appends `value` with \\, \" and \n escaped, as a label value stands in the text format.
void append_escaped_label_value(std::string& out, std::string_view value);
/// Legacy names: [a-zA-Z_:][a-zA-Z0-9_:]* for metrics, [a-zA-Z_][a-zA-Z0-9_]* for labels.
bool is_legacy_metric_name(std::string_view name);
bool is_legacy_label_name(std::string_view name);

}  // namespace inferscope

template <>
struct std::hash<inferscope::Labels> {
    std::size_t operator()(const inferscope::Labels& labels) const noexcept {
        return std::hash<std::string_view>()(labels.bytes());
    }
};
