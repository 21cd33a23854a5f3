// SPDX-License-Identifier: Apache-2.0
#include "api/query_parameters.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include "base/text.h"

namespace inferscope::api {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
    Number value{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// "YYYY-MM-DDTHH:MM:SS[.fff](Z|+HH:MM)"
class Rfc3339 {
public:
    explicit Rfc3339(std::string_view text) : text_(text) {}

    std::optional<Timestamp> read() {
        namespace chrono = std::chrono;
        const auto year = take_number(4);
        take('-');
        const auto month = take_number(2);
        take('-');
        const auto day = take_number(2);
        if (!take('T')) take('t');
        const auto hours = take_number(2);
        take(':');
        const auto minutes = take_number(2);
        take(':');
        const auto seconds = take_number(2);
        const Timestamp millis = take_fraction();
        const Timestamp offset = take_offset();
        const chrono::year_month_day date{chrono::year(static_cast<int>(year)),
                                          chrono::month(month), chrono::day(day)};
        if (!ok_ || !text_.empty() || !date.ok() || hours > 23 || minutes > 59 || seconds > 60)
            return std::nullopt;
        const Timestamp days = chrono::sys_days(date).time_since_epoch().count();
        return ((days * 24 + hours) * 60 + minutes) * 60'000 + seconds * 1000 + millis - offset;
    }

private:
    bool take(char c) {
        if (!text_.starts_with(c)) return ok_ = false;
        text_.remove_prefix(1);
        return true;
    }
    unsigned take_number(std::size_t digits) {
        const auto value = parse_number<unsigned>(text_.substr(0, digits));
        if (text_.size() < digits || !value) {
            ok_ = false;
            return 0;
        }
        text_.remove_prefix(digits);
        return *value;
    }
    Timestamp take_fraction() {
        if (!text_.starts_with('.')) return 0;
        text_.remove_prefix(1);
        Timestamp millis = 0;
        std::size_t digits = 0;
        for (; !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; ++digits) {
            if (digits < 3) millis = millis * 10 + (text_[0] - '0');
            text_.remove_prefix(1);
        }
        ok_ = ok_ && digits > 0;
        for (; digits < 3; ++digits) millis *= 10;
        return millis;
    }
    Timestamp take_offset() {
        if (text_ == "Z" || text_ == "z") {
            text_ = {};
            return 0;
        }
        const int sign = text_.starts_with('-') ? -1 : 1;
        if (!text_.starts_with('+') && sign > 0) ok_ = false;
        if (!text_.empty()) text_.remove_prefix(1);
        const auto hours = take_number(2);
        take(':');
        const auto minutes = take_number(2);
        return sign * static_cast<Timestamp>(hours * 60 + minutes) * 60'000;
    }

    std::string_view text_;
    bool ok_ = true;
};

Error invalid(std::string_view name, std::string_view why) {
    return {Errc::invalid_argument, fmt::format("invalid parameter \"{}\": {}", name, why)};
}

}  // namespace

std::optional<Timestamp> parse_time(std::string_view text) {
    if (const auto seconds = parse_number<double>(text)) {
        const double millis = std::round(*seconds * 1000);
        if (std::isnan(millis) || std::abs(millis) > static_cast<double>(kMaxTime))
            return std::nullopt;
        return static_cast<Timestamp>(millis);
    }
    return Rfc3339(text).read();
}

Result<Timestamp> time_parameter(const net::HttpRequest& request, std::string_view name,
                                 Timestamp otherwise) {
    const auto text = request.parameter(name);
    if (!text || text->empty()) return otherwise;
    if (const auto time = parse_time(*text)) return *time;
    return invalid(
        name, fmt::format("cannot parse \"{}\" to a valid timestamp", quote_for_message(*text)));
}

Result<std::size_t> limit_parameter(const net::HttpRequest& request, std::string_view name) {
    const auto text = request.parameter(name);
    if (!text || text->empty()) return std::size_t{0};
    if (const auto limit = parse_number<std::size_t>(*text)) return *limit;
    return invalid(name, fmt::format("cannot parse \"{}\" to a number that isn't negative",
                                     quote_for_message(*text)));
}

Result<std::vector<promql::Selector>> match_parameters(const net::HttpRequest& request,
                                                       bool is_needed) {
    std::vector<promql::Selector> selectors;
    for (const auto& text : request.parameters("match[]")) {
        auto selector = promql::parse_selector(text);
        if (!selector) return invalid("match[]", promql::to_api_text(selector.error()));
        if (selector->range) return invalid("match[]", "a selector without a range is wanted");
        selectors.push_back(*std::move(selector));
    }
    if (selectors.empty() && is_needed)
        return Error{Errc::invalid_argument, "no match[] parameter provided"};
    return selectors;
}

}  // namespace inferscope::api
