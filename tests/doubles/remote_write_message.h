// SPDX-License-Identifier: Apache-2.0
// A sender of remote write: WriteRequests as Prometheus's own encoder writes them (a value of 0 is
// left out), and as others might. Written independently of what reads them.
// Source: Prometheus, prompb/types.pb.go.
#pragma once

#include <snappy.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/labels.h"
#include "telemetry/sample.h"

namespace inferscope::doubles {

inline void add_varint(std::string& out, std::uint64_t number) {
    for (; number >= 0x80; number >>= 7) out += static_cast<char>(0x80 | (number & 0x7f));
    out += static_cast<char>(number);
}

inline void add_field(std::string& out, int number, std::string_view bytes) {
    add_varint(out, static_cast<std::uint64_t>(number) << 3 | 2);
    add_varint(out, bytes.size());
    out += bytes;
}

inline void add_number(std::string& out, int number, std::uint64_t value) {
    add_varint(out, static_cast<std::uint64_t>(number) << 3);
    add_varint(out, value);
}

inline void add_double(std::string& out, int number, double value) {
    if (same_bits(value, 0)) return;
    add_varint(out, static_cast<std::uint64_t>(number) << 3 | 1);
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline std::string label_field(const Label& label) {
    std::string message;
    add_field(message, 1, label.name);
    add_field(message, 2, label.value);
    std::string field;
    add_field(field, 1, message);
    return field;
}

template <class LabelsOrSpan>
std::string label_fields(const LabelsOrSpan& labels) {
    std::string fields;
    for (const auto& label : labels) fields += label_field(label);
    return fields;
}

inline std::string sample_field(const Sample& sample) {
    std::string message;
    add_double(message, 1, sample.value);
    add_number(message, 2, static_cast<std::uint64_t>(sample.time));
    std::string field;
    add_field(field, 2, message);
    return field;
}

inline std::string exemplar_field(const Labels& labels, double value, Timestamp time) {
    std::string message = label_fields(labels);
    add_double(message, 2, value);
    add_number(message, 3, static_cast<std::uint64_t>(time));
    std::string field;
    add_field(field, 3, message);
    return field;
}

/// A series, from its fields in the order in which they are to stand.
inline std::string series(std::string_view fields) {
    std::string message;
    add_field(message, 1, fields);
    return message;
}

inline std::string series(const Labels& labels, std::vector<Sample> samples) {
    std::string fields = label_fields(labels);
    for (const auto& sample : samples) fields += sample_field(sample);
    return series(fields);
}

inline std::string metadata(std::uint64_t type, std::string_view name, std::string_view help,
                            std::string_view unit) {
    std::string message;
    add_number(message, 1, type);
    add_field(message, 2, name);
    add_field(message, 4, help);
    add_field(message, 5, unit);
    std::string field;
    add_field(field, 3, message);
    return field;
}

/// The body of a request.
inline std::string compressed(std::string_view message) {
    std::string body;
    snappy::Compress(message.data(), message.size(), &body);
    return body;
}

}  // namespace inferscope::doubles
