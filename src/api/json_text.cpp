// SPDX-License-Identifier: Apache-2.0
#include "api/json_text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

namespace inferscope::api {
namespace {

bool is_plain(std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte >= 0x7F || c == '"' || c == '\\') return false;
    }
    return true;
}

}  // namespace

void append_json(std::string& out, std::string_view text) {
    using Json = nlohmann::json;
    if (is_plain(text)) {
        out += '"';
        out += text;
        out += '"';
    } else {
        out += Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
    }
}

void append_json(std::string& out, const Labels& labels) {
    char before = '{';
    for (const auto& label : labels) {
        out += before;
        append_json(out, label.name);
        out += ':';
        append_json(out, label.value);
        before = ',';
    }
    out += before == '{' ? "{}" : "}";
}

void append_json(std::string& out, const Sample& sample) {
    out += '[';
    append_json_seconds(out, sample.time);
    out += ",\"";
    append_go_number(out, sample.value);
    out += "\"]";
}

void append_json_seconds(std::string& out, Timestamp time) {
    if (time < 0) out += '-';
    const auto millis =
        time < 0 ? 0 - static_cast<std::uint64_t>(time) : static_cast<std::uint64_t>(time);
    fmt::format_to(std::back_inserter(out), "{}", millis / 1000);
    if (millis % 1000 != 0) fmt::format_to(std::back_inserter(out), ".{:03}", millis % 1000);
}

void append_go_number(std::string& out, double value) {
    if (std::isnan(value)) {
        out += "NaN";
    } else if (std::isinf(value)) {
        out += value > 0 ? "+Inf" : "-Inf";
    } else {
        const double size = std::abs(value);
        const bool has_exponent = size != 0 && (size < 1e-6 || size >= 1e21);
        std::array<char, 64> text{};
        const auto format = has_exponent ? std::chars_format::scientific : std::chars_format::fixed;
        const auto done = std::to_chars(text.begin(), text.end(), value, format);
        out.append(text.data(), done.ptr);
    }
}

}  // namespace inferscope::api
