// SPDX-License-Identifier: Apache-2.0
#include "api/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
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

constexpr std::size_t kMostTimeBytes = 28;

/// Seconds, with three digits behind the point unless these are zero; returns their end.
char* write_seconds(char* at, Timestamp time) {
    if (time < 0) *at++ = '-';
    const auto millis =
        time < 0 ? 0 - static_cast<std::uint64_t>(time) : static_cast<std::uint64_t>(time);
    at = std::to_chars(at, at + kMostTimeBytes - 5, millis / 1000).ptr;
    const auto rest = millis % 1000;
    if (rest == 0) return at;
    *at++ = '.';
    *at++ = static_cast<char>('0' + rest / 100);
    *at++ = static_cast<char>('0' + rest / 10 % 10);
    *at++ = static_cast<char>('0' + rest % 10);
    return at;
}

/// A whole number: its shortest digits, and zeros for those that they leave out. The library's
/// fixed format would write them all.
void append_padded(std::string& out, double value) {
    std::array<char, 64> text{};
    const auto format = std::chars_format::scientific;
    const auto end = std::to_chars(text.begin(), text.end(), value, format).ptr;
    const std::string_view number(text.data(), static_cast<std::size_t>(end - text.data()));
    const auto mark = number.find('e');
    std::size_t places = 0;  // before the point
    std::from_chars(number.data() + mark + 2, end, places);
    ++places;
    for (const char c : number.substr(0, mark)) {
        if (c == '.') continue;
        out += c;
        if (c != '-') --places;
    }
    out.append(places, '0');
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
    std::array<char, kMostTimeBytes> text{};
    out.append(text.data(), write_seconds(text.data(), time));
}

const SampleText::Head& SampleText::head_of(Timestamp time) {
    if (next_ == heads_.size() && next_ < kMostHeads) heads_.emplace_back();
    Head& head = heads_[std::min(next_++, kMostHeads - 1)];
    if (head.size != 0 && head.time == time) return head;
    head.time = time;
    char* at = head.text.data();
    *at++ = '[';
    at = write_seconds(at, time);
    *at++ = ',';
    *at++ = '"';
    head.size = static_cast<std::uint8_t>(at - head.text.data());
    return head;
}

void SampleText::append(const Sample& sample) {
    const Head& head = head_of(sample.time);
    out_.append(head.text.data(), head.size);
    if (last_value_.empty() || !same_bits(sample.value, last_)) {
        last_value_.clear();
        append_go_number(last_value_, sample.value);
        last_value_ += "\"]";
        last_ = sample.value;
    }
    out_ += last_value_;
}

void append_go_number(std::string& out, double value) {
    constexpr double kExact = 9007199254740992;  // 2^53: from here on digits are left out
    const double size = std::abs(value);
    std::array<char, 64> text{};
    if (size < kExact) {
        const auto whole = static_cast<std::int64_t>(value);
        if (static_cast<double>(whole) == value && (whole != 0 || !std::signbit(value))) {
            out.append(text.data(), std::to_chars(text.begin(), text.end(), whole).ptr);
            return;
        }
        const auto format =
            size != 0 && size < 1e-6 ? std::chars_format::scientific : std::chars_format::fixed;
        out.append(text.data(), std::to_chars(text.begin(), text.end(), value, format).ptr);
    } else if (size < 1e21) {
        append_padded(out, value);
    } else if (std::isnan(value)) {
        out += "NaN";
    } else if (std::isinf(value)) {
        out += value > 0 ? "+Inf" : "-Inf";
    } else {
        const auto format = std::chars_format::scientific;
        out.append(text.data(), std::to_chars(text.begin(), text.end(), value, format).ptr);
    }
}

}  // namespace inferscope::api
