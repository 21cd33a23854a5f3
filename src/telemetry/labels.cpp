// SPDX-License-Identifier: Apache-2.0
#include "telemetry/labels.h"

#include <algorithm>
#include <cstdint>

namespace inferscope {
namespace {

void append_length(std::string& out, std::size_t length) {
    while (length >= 0x80) {
        out += static_cast<char>(0x80 | (length & 0x7f));
        length >>= 7;
    }
    out += static_cast<char>(length);
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
    for (const auto& label :
         labels) {  // stable insertion: label sets are small and mostly sorted already
        auto at = sorted.end();
        while (at != sorted.begin() && label.name < std::prev(at)->name) --at;
        sorted.insert(at, label);
    }
    std::size_t bytes = 0;
    for (const auto& label : sorted) bytes += label.name.size() + label.value.size() + 3;
    Labels result;
    result.bytes_.reserve(bytes);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        if (i + 1 < sorted.size() && sorted[i + 1].name == sorted[i].name)
            continue;  // the last one wins
        if (sorted[i].value.empty()) continue;
        append_length(result.bytes_, sorted[i].name.size());
        append_length(result.bytes_, sorted[i].value.size());
        result.bytes_ += sorted[i].name;
        result.bytes_ += sorted[i].value;
    }
    return result;
}

std::optional<Labels> Labels::merge(const Labels& a, const Labels& b) {
    Labels merged;
    merged.bytes_.reserve(a.bytes_.size() + b.bytes_.size());
    const auto append = [&](Iterator& at) {
        append_length(merged.bytes_, at->name.size());
        append_length(merged.bytes_, at->value.size());
        merged.bytes_.append(at->name).append(at->value);
        ++at;
    };
    auto at_a = a.begin();
    auto at_b = b.begin();
    while (at_a != a.end() && at_b != b.end()) {
        if (at_a->name == at_b->name) return std::nullopt;
        append(at_a->name < at_b->name ? at_a : at_b);
    }
    while (at_a != a.end()) append(at_a);
    while (at_b != b.end()) append(at_b);
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
