// SPDX-License-Identifier: Apache-2.0
#include "telemetry/labels.h"

#include <algorithm>
#include <cstdint>

namespace inferscope {
namespace {

std::size_t bytes_of_length(std::size_t length) {
    std::size_t bytes = 1;
    for (; length >= 0x80; length >>= 7) ++bytes;
    return bytes;
}

char* write_length(char* at, std::size_t length) {
    for (; length >= 0x80; length >>= 7) *at++ = static_cast<char>(0x80 | (length & 0x7f));
    *at++ = static_cast<char>(length);
    return at;
}

std::size_t stored_bytes(std::span<const Label> labels) {
    std::size_t bytes = 0;
    for (const auto& [name, value] : labels) {
        bytes += bytes_of_length(name.size()) + bytes_of_length(value.size()) + name.size() +
                 value.size();
    }
    return bytes;
}

char* write_label(char* at, const Label& label) {
    at = write_length(at, label.name.size());
    at = write_length(at, label.value.size());
    at = std::ranges::copy(label.name, at).out;
    return std::ranges::copy(label.value, at).out;
}

std::size_t read_length(const char*& at) {
    std::size_t length = 0;
    int shift = 0;
    while (true) {
        const auto byte = static_cast<unsigned char>(*at++);
        length |= static_cast<std::size_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return length;
        shift += 7;
    }
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

void Labels::Iterator::decode() {
    if (at_ == end_) return;
    const char* at = at_;
    const std::size_t name = read_length(at);
    const std::size_t value = read_length(at);
    label_ = {{at, name}, {at + name, value}};
    next_ = at + name + value;
}

Labels Labels::from(std::span<const Label> labels) {
    std::vector<Label> sorted;
    sorted.reserve(labels.size());
    for (const auto& label : labels) {  // label sets are small and mostly sorted already
        auto at = sorted.end();
        while (at != sorted.begin() && label.name < std::prev(at)->name) --at;
        if (at != sorted.begin() && std::prev(at)->name == label.name) {
            *std::prev(at) = label;
        } else {
            sorted.insert(at, label);
        }
    }
    std::erase_if(sorted, [](const Label& label) { return label.value.empty(); });
    return from_sorted(sorted);
}

Labels Labels::from_sorted(std::span<const Label> labels) {
    Labels result;
    result.bytes_ = SharedBytes::make(stored_bytes(labels), [&](char* at) {
        for (const auto& label : labels) at = write_label(at, label);
    });
    return result;
}

Labels Labels::from_bytes(std::string_view bytes) {
    Labels result;
    result.bytes_ =
        SharedBytes::make(bytes.size(), [&](char* at) { std::ranges::copy(bytes, at); });
    return result;
}

std::optional<Labels> Labels::merge(std::span<const Label> labels, const Labels& others) {
    bool twice = false;
    Labels merged;
    const auto size = stored_bytes(labels) + others.bytes().size();
    merged.bytes_ = SharedBytes::make(size, [&](char* at) {
        auto label = labels.begin();
        for (const auto& other : others) {
            while (label != labels.end() && label->name < other.name)
                at = write_label(at, *label++);
            twice = twice || (label != labels.end() && label->name == other.name);
            at = write_label(at, other);
        }
        while (label != labels.end()) at = write_label(at, *label++);
    });
    if (twice) return std::nullopt;
    return merged;
}

std::size_t Labels::size() const { return static_cast<std::size_t>(std::distance(begin(), end())); }

std::string_view Labels::get(std::string_view name) const {
    for (const auto& label : *this) {
        if (label.name == name) return label.value;
        if (label.name > name) break;
    }
    return {};
}

std::strong_ordering Labels::operator<=>(const Labels& other) const {
    return std::lexicographical_compare_three_way(begin(), end(), other.begin(), other.end());
}

std::string Labels::to_text() const {
    std::string out(metric_name());
    char separator = '{';
    for (const auto& label : *this) {
        if (label.name == kMetricName) continue;
        out += separator;
        out += label.name;
        out += "=\"";
        append_escaped_label_value(out, label.value);
        out += '"';
        separator = ',';
    }
    if (separator == ',') out += '}';
    return out;
}

void LabelsBuilder::reset(const Labels& base) {
    labels_.clear();
    for (const auto& label : base) labels_.emplace_back(label.name, label.value);
}

void LabelsBuilder::set(std::string_view name, std::string_view value) {
    if (value.empty()) {
        remove(name);
        return;
    }
    for (auto& [known, old] : labels_) {
        if (known == name) {
            old = value;
            return;
        }
    }
    labels_.emplace_back(name, value);
}

void LabelsBuilder::remove(std::string_view name) {
    std::erase_if(labels_, [&](const auto& label) { return label.first == name; });
}

std::string_view LabelsBuilder::get(std::string_view name) const {
    for (const auto& [known, value] : labels_) {
        if (known == name) return value;
    }
    return {};
}

Labels LabelsBuilder::build() const {
    std::vector<Label> labels;
    labels.reserve(labels_.size());
    for (const auto& [name, value] : labels_) labels.push_back({name, value});
    return Labels::from(labels);
}

void append_escaped_label_value(std::string& out, std::string_view value) {
    for (const char c : value) {
        switch (c) {
            case '\\':
                out += "\\\\";
                break;
            case '"':
                out += "\\\"";
                break;
            case '\n':
                out += "\\n";
                break;
            default:
                out += c;
        }
    }
}

bool is_legacy_label_name(std::string_view name) {
    return !name.empty() && is_letter(name[0]) && std::all_of(name.begin(), name.end(), [](char c) {
        return is_letter(c) || is_digit(c);
    });
}

bool is_legacy_metric_name(std::string_view name) {
    return !name.empty() && (is_letter(name[0]) || name[0] == ':') &&
           std::all_of(name.begin(), name.end(),
                       [](char c) { return is_letter(c) || is_digit(c) || c == ':'; });
}

}  // namespace inferscope
