// SPDX-License-Identifier: Apache-2.0
#include "remote/series_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/text.h"
#include "remote/wire_reader.h"

namespace inferscope::remote {
namespace {

constexpr std::size_t kMostShown = 256;

std::optional<Label> read_label(std::string_view message) {
    Label label;
    WireReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case 1:
                label.name = reader.bytes();
                break;
            case 2:
                label.value = reader.bytes();
                break;
            default:
                reader.skip();
        }
    }
    if (!reader.ok()) return std::nullopt;
    return label;
}

/// Only label fields stand in `fields`. An empty value says that the label isn't there. Stops
/// behind `most` labels and one more.
bool read_labels(std::string_view fields, std::size_t most, std::vector<Label>& labels) {
    labels.clear();
    WireReader reader(fields);
    while (labels.size() <= most && reader.next()) {
        const auto label = read_label(reader.bytes());
        if (!label) return false;
        if (!label->value.empty()) labels.push_back(*label);
    }
    return reader.ok();
}

/// As they came: a name may stand twice.
std::string show(std::span<const Label> labels) {
    std::string text = "{";
    for (const auto& label : labels) {
        if (text.size() > kMostShown) break;
        text += fmt::format("{}{}=\"", text.size() > 1 ? "," : "", label.name);
        append_escaped_label_value(text, label.value);
        text += '"';
    }
    return quote_for_message(text + "}", kMostShown);
}

Error invalid(std::string_view why, std::span<const Label> labels) {
    return {Errc::invalid_argument, fmt::format("{}: {}", why, show(labels))};
}

Error over(std::span<const Label> labels, std::string_view what, std::size_t bound,
           std::string_view setting) {
    return {Errc::limit_exceeded, fmt::format("more than {} {} (remote_write_receiver.{}): {}",
                                              bound, what, setting, show(labels))};
}

Result<void> check_bounds(std::span<const Label> labels, const WriteConfig& config) {
    if (labels.size() > config.max_labels_per_series)
        return over(labels, "labels", config.max_labels_per_series, "max_labels_per_series");
    for (const auto& [name, value] : labels) {
        if (name.size() > config.max_label_name_bytes) {
            return over(labels, "bytes in a label name", config.max_label_name_bytes,
                        "max_label_name_bytes");
        }
        if (value.size() > config.max_label_value_bytes) {
            return over(labels, "bytes in a label value", config.max_label_value_bytes,
                        "max_label_value_bytes");
        }
    }
    return {};
}

Result<void> check_texts(std::span<const Label> labels) {
    for (const auto& label : labels) {
        if (label.name.empty() || !is_valid_utf8(label.name) || !is_valid_utf8(label.value))
            return invalid("invalid metric name or labels", labels);
    }
    return {};
}

Result<void> read_sorted(std::string_view fields, const WriteConfig& config,
                         std::vector<Label>& labels) {
    if (!read_labels(fields, config.max_labels_per_series, labels))
        return Error{Errc::invalid_argument, "labels that aren't a message of remote write"};
    if (auto within = check_bounds(labels, config); !within) return within;
    if (auto valid = check_texts(labels); !valid) return valid;
    if (!std::ranges::is_sorted(labels, {}, &Label::name))
        std::ranges::sort(labels, {}, &Label::name);
    const auto twice = std::ranges::adjacent_find(labels, {}, &Label::name);
    if (twice == labels.end()) return {};
    const auto name = quote_for_message(twice->name);
    return invalid(fmt::format("label name \"{}\" is not unique: invalid sample", name), labels);
}

void write_varint(std::string& out, std::size_t number) {
    for (; number >= 0x80; number >>= 7) out += static_cast<char>(0x80 | (number & 0x7f));
    out += static_cast<char>(number);
}

constexpr std::size_t varint_bytes(std::size_t number) {
    std::size_t bytes = 1;
    for (; number >= 0x80; number >>= 7) ++bytes;
    return bytes;
}

void write_field(std::string& out, char tag, std::string_view bytes) {
    out += tag;
    write_varint(out, bytes.size());
    out += bytes;
}

}  // namespace

Result<void> read_series_labels(std::string_view fields, const WriteConfig& config,
                                std::vector<Label>& labels) {
    if (auto read = read_sorted(fields, config, labels); !read) return read;
    if (labels.empty()) return Error{Errc::invalid_argument, "empty labelset: invalid sample"};
    const bool is_named = std::ranges::binary_search(labels, kMetricName, {}, &Label::name);
    if (!is_named) return invalid("invalid metric name or labels", labels);
    return {};
}

Result<void> read_exemplar_labels(std::string_view fields, const WriteConfig& config,
                                  std::vector<Label>& labels) {
    return read_sorted(fields, config, labels);
}

std::string show_labels(std::string_view fields) {
    std::vector<Label> labels;
    read_labels(fields, kMostShown, labels);
    return show(labels);
}

void write_label_fields(std::span<const Label> labels, std::string& out) {
    for (const auto& [name, value] : labels) {
        out += '\x0a';
        write_varint(out, 2 + varint_bytes(name.size()) + name.size() + varint_bytes(value.size()) +
                              value.size());
        write_field(out, '\x0a', name);
        write_field(out, '\x12', value);
    }
}

}  // namespace inferscope::remote
