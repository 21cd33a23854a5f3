// SPDX-License-Identifier: Apache-2.0
#include "app/query_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "api/json_pages.h"
#include "base/text.h"
#include "telemetry/labels.h"

namespace inferscope::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kWidestSeries = 100;  ///< what is longer doesn't move the others' values

/// Controls (C0, DEL, C1), marks and overrides of direction, separators of lines.
bool is_obeyed(char32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C ||
           (code >= 0x200E && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}

std::string series_text(const Json& metric) {
    std::vector<std::pair<std::string, std::string>> texts;
    for (const auto& [name, value] : metric.items())
        texts.emplace_back(name, value.get<std::string>());
    std::vector<Label> labels;
    labels.reserve(texts.size());
    for (const auto& [name, value] : texts) labels.push_back({name, value});
    const auto text = Labels::from(std::span<const Label>(labels)).to_text();
    return text.empty() ? "{}" : for_terminal(text);
}

std::string time_text(const Json& seconds) {
    return api::rfc3339(std::llround(seconds.get<double>() * 1000));
}

std::string value_text(const Json& point) { return for_terminal(point.at(1).get<std::string>()); }

std::string vector_text(const Json& result) {
    std::vector<std::pair<std::string, std::string>> rows;
    std::size_t width = 0;
    for (const auto& entry : result) {
        rows.emplace_back(series_text(entry.at("metric")), value_text(entry.at("value")));
        if (rows.back().first.size() <= kWidestSeries)
            width = std::max(width, rows.back().first.size());
    }
    std::string out;
    for (const auto& [series, value] : rows)
        fmt::format_to(std::back_inserter(out), "{:<{}}  {}\n", series, width, value);
    return out;
}

std::string matrix_text(const Json& result) {
    std::string out;
    for (const auto& entry : result) {
        out += series_text(entry.at("metric")) + '\n';
        for (const auto& point : entry.at("values")) {
            fmt::format_to(std::back_inserter(out), "  {}  {}\n", time_text(point.at(0)),
                           value_text(point));
        }
    }
    return out;
}

std::string text_of(const Json& data) {
    const auto& type = data.at("resultType").get_ref<const std::string&>();
    const auto& result = data.at("result");
    if (type == "vector") return vector_text(result);
    if (type == "matrix") return matrix_text(result);
    return value_text(result) + '\n';
}

}  // namespace

std::string for_terminal(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto character = first_character(text);
        const auto bytes = text.substr(0, character.length);
        const bool is_utf8 = character.length > 1 || static_cast<unsigned char>(text[0]) < 0x80;
        if (!is_utf8 || character.code < 0x80) {
            const auto byte = static_cast<unsigned char>(text[0]);
            if (!is_utf8 || is_obeyed(byte)) {
                fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
            } else {
                out += text[0];
            }
        } else if (is_obeyed(character.code)) {
            fmt::format_to(std::back_inserter(out), "\\u{{{:04x}}}",
                           static_cast<std::uint32_t>(character.code));
        } else {
            out += bytes;
        }
        text.remove_prefix(character.length);
    }
    return out;
}

Result<std::string> query_table(const Json& data) {
    try {
        return text_of(data);
    } catch (const nlohmann::json::exception&) {
        return Error{Errc::invalid_argument, "the answer isn't one of Prometheus's API"};
    }
}

}  // namespace inferscope::app
