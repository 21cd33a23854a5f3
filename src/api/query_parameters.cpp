// SPDX-License-Identifier: Apache-2.0
#include "api/query_parameters.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include "api/answers.h"
#include "base/text.h"
#include "promql/formats.h"

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

std::string cannot_parse(std::string_view text, std::string_view what) {
    return fmt::format("cannot parse \"{}\" to a valid {}", quote_for_message(text), what);
}

}  // namespace

std::optional<Timestamp> parse_time(std::string_view text) {
    const auto seconds = parse_number<double>(text);
    if (!seconds) return Rfc3339(text).read();
    if (std::isnan(*seconds) || std::abs(*seconds) > static_cast<double>(kMaxTime) / 1000)
        return std::nullopt;
    // Prometheus's way, to the millisecond: the fraction is rounded, but then cut off as
    // nanoseconds, and those as milliseconds.
    double whole = 0;
    const double fraction = std::round(std::modf(*seconds, &whole) * 1000) / 1000;
    const auto nanos = static_cast<std::int64_t>(fraction * 1e9);
    const std::int64_t millis = nanos / 1'000'000 - (nanos % 1'000'000 < 0 ? 1 : 0);
    return static_cast<Timestamp>(whole) * 1000 + millis;
}

Result<Timestamp> time_parameter(const net::HttpRequest& request, std::string_view name,
                                 Timestamp otherwise) {
    const auto text = request.parameter(name);
    if (!text || text->empty()) return otherwise;
    if (const auto time = parse_time(*text)) return *time;
    return invalid_parameter(name, fmt::format("Invalid time value for '{}': {}", name,
                                               cannot_parse(*text, "timestamp")));
}

Result<Timestamp> needed_time_parameter(const net::HttpRequest& request, std::string_view name) {
    const auto text = request.parameter(name).value_or("");
    if (const auto time = parse_time(text)) return *time;
    return invalid_parameter(name, cannot_parse(text, "timestamp"));
}

Result<double> parse_seconds(std::string_view text) {
    constexpr double kMostSeconds = 9.3e9;  // in nanoseconds they'd pass 2^63
    if (const auto seconds = parse_number<double>(text)) {
        if (std::abs(*seconds) < kMostSeconds) return *seconds;
        return Error{Errc::invalid_argument,
                     cannot_parse(text, "duration") + ". It overflows int64"};
    }
    if (const auto seconds = promql::parse_duration_seconds(text, promql::Dialect::prometheus3))
        return *seconds;
    return Error{Errc::invalid_argument, cannot_parse(text, "duration")};
}

Result<std::size_t> limit_parameter(const net::HttpRequest& request, std::string_view name) {
    const auto text = request.parameter(name);
    if (!text || text->empty()) return std::size_t{0};
    if (const auto limit = parse_number<std::size_t>(*text)) return *limit;
    return invalid_parameter(name,
                             fmt::format("cannot parse \"{}\" to a number that isn't negative",
                                         quote_for_message(*text)));
}

Result<std::vector<promql::Selector>> match_parameters(const net::HttpRequest& request,
                                                       bool is_needed) {
    std::vector<promql::Selector> selectors;
    for (const auto& text : request.parameters("match[]")) {
        auto selector = promql::parse_selector(text);
        if (!selector) return invalid_parameter("match[]", promql::to_api_text(selector.error()));
        if (selector->range)
            return invalid_parameter("match[]", "a selector without a range is wanted");
        selectors.push_back(*std::move(selector));
    }
    if (selectors.empty() && is_needed)
        return Error{Errc::invalid_argument, "no match[] parameter provided"};
    return selectors;
}

}  // namespace inferscope::api
