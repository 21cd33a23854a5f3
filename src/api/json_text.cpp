// SPDX-License-Identifier: Apache-2.0
#include "api/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>

#include "api/go_number.h"

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

void SampleText::append(std::span<const Sample> series) {
    next_ = 0;
    char before = '[';
    for (const auto& sample : series) {
        if (buffer_.size() - used_ < kMostSampleBytes) flush();
        char* at = buffer_.data() + used_;
        *at++ = before;
        before = ',';
        const Head& head = head_of(sample.time);
        std::memcpy(at, head.text.data(), sizeof head.text);
        at += head.size;
        if (!same_bits(sample.value, last_value_)) {
            last_value_ = sample.value;
            last_.set(sample.value);
        }
        at = last_.copy_to(at);
        *at++ = '"';
        *at++ = ']';
        used_ = static_cast<std::size_t>(at - buffer_.data());
    }
    flush();
    out_ += series.empty() ? "[]" : "]";
}

void SampleText::flush() {
    out_.append(buffer_.data(), used_);
    used_ = 0;
}

void append_go_number(std::string& out, double value) { out += GoNumber(value).text(); }

}  // namespace inferscope::api
