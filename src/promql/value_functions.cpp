// SPDX-License-Identifier: Apache-2.0
#include "promql/value_functions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

#include "promql/functions.h"
#include "promql/go_math.h"
#include "promql/step_values.h"

namespace inferscope::promql {
namespace {

using Column = std::span<const double>;

template <double (*kFunction)(double)>
void each(Column in, const ValueParameters& /*parameters*/, std::span<double> out) {
    for (std::size_t at = 0; at < in.size(); ++at) {
        const double value = in[at];
        out[at] = is_absent(value) ? kAbsent : kFunction(value);
    }
}

double absolute(double value) { return std::fabs(value); }
double round_up(double value) { return std::ceil(value); }
double round_down(double value) { return std::floor(value); }
double square_root(double value) { return std::sqrt(value); }
double to_degrees(double value) { return value * 180 / std::numbers::pi; }
double to_radians(double value) { return value * std::numbers::pi / 180; }

double sign(double value) {
    if (value < 0) return -1;
    return value > 0 ? 1 : value;  // zeros and NaN as they are
}

/// Of the proleptic Gregorian calendar, UTC.
struct Date {
    std::int64_t year = 0;
    unsigned month = 0;        ///< 1 to 12
    unsigned day = 0;          ///< 1 to 31
    unsigned day_of_year = 0;  ///< 1 to 366
    unsigned weekday = 0;      ///< 0: Sunday
    std::int64_t second = 0;   ///< of the day
};

bool is_leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

constexpr std::array<unsigned, 13> kDaysBefore{0,   31,  59,  90,  120, 151, 181,
                                               212, 243, 273, 304, 334, 365};

unsigned days_before(unsigned month, bool leap) {
    return kDaysBefore[month] + (leap && month >= 2 ? 1U : 0U);
}

/// What Go's conversion on amd64 makes of it: all that doesn't fit is the least number.
std::int64_t whole_seconds(double value) {
    if (!(value >= -0x1p63 && value < 0x1p63)) return std::numeric_limits<std::int64_t>::min();
    return static_cast<std::int64_t>(value);
}

/// Go counts seconds, unsigned, from a day 292,277,022,400 years before the year 1, so that the
/// least numbers come out at the far end of time.
Date date_of(double value) {
    constexpr std::int64_t kDay = 86400;
    constexpr std::int64_t kDaysOf400Years = 146097;
    constexpr std::int64_t kYearsBefore = 292277022400;  // a multiple of 400
    constexpr std::int64_t kDaysTo1970 = 719162;         // from the year 1
    constexpr std::int64_t kSecondsBefore =
        (kYearsBefore / 400 * kDaysOf400Years + kDaysTo1970) * kDay;
    const auto seconds = static_cast<std::uint64_t>(whole_seconds(value)) +
                         static_cast<std::uint64_t>(kSecondsBefore);
    const auto days = static_cast<std::int64_t>(seconds / kDay);
    Date date{.weekday = static_cast<unsigned>((days + 1) % 7),  // it was a Monday
              .second = static_cast<std::int64_t>(seconds % kDay)};
    std::int64_t rest = days % kDaysOf400Years;
    const std::int64_t centuries = std::min<std::int64_t>(rest / 36524, 3);
    rest -= centuries * 36524;
    const std::int64_t fours = rest / 1461;
    rest -= fours * 1461;
    const std::int64_t years = std::min<std::int64_t>(rest / 365, 3);
    rest -= years * 365;
    date.year =
        days / kDaysOf400Years * 400 + centuries * 100 + fours * 4 + years + 1 - kYearsBefore;
    date.day_of_year = static_cast<unsigned>(rest) + 1;
    const bool leap = is_leap(date.year);
    date.month = 12;
    while (days_before(date.month - 1, leap) >= date.day_of_year) --date.month;
    date.day = date.day_of_year - days_before(date.month - 1, leap);
    return date;
}

double year(double value) { return static_cast<double>(date_of(value).year); }
double month(double value) { return date_of(value).month; }
double day_of_month(double value) { return date_of(value).day; }
double day_of_year(double value) { return date_of(value).day_of_year; }
double day_of_week(double value) { return date_of(value).weekday; }
double hour(double value) { return static_cast<double>(date_of(value).second / 3600); }
double minute(double value) { return static_cast<double>(date_of(value).second / 60 % 60); }

double days_in_month(double value) {
    const Date date = date_of(value);
    const bool leap = is_leap(date.year);
    return days_before(date.month, leap) - days_before(date.month - 1, leap);
}

void clamp(Column in, const ValueParameters& parameters, std::span<double> out) {
    for (std::size_t at = 0; at < in.size(); ++at) {
        const double low = parameters.first[at];
        const double high = parameters.second[at];
        const bool is_empty = is_absent(in[at]) || high < low;
        out[at] = is_empty ? kAbsent : go::max(low, go::min(high, in[at]));
    }
}

void clamp_min(Column in, const ValueParameters& parameters, std::span<double> out) {
    for (std::size_t at = 0; at < in.size(); ++at) {
        out[at] = is_absent(in[at]) ? kAbsent : go::max(parameters.first[at], in[at]);
    }
}

void clamp_max(Column in, const ValueParameters& parameters, std::span<double> out) {
    for (std::size_t at = 0; at < in.size(); ++at) {
        out[at] = is_absent(in[at]) ? kAbsent : go::min(parameters.first[at], in[at]);
    }
}

/// Ties go up. Multiplying by the inverse loses less than dividing.
void round(Column in, const ValueParameters& parameters, std::span<double> out) {
    for (std::size_t at = 0; at < in.size(); ++at) {
        const double inverse = parameters.first.empty() ? 1 : 1 / parameters.first[at];
        out[at] = is_absent(in[at]) ? kAbsent : std::floor(in[at] * inverse + 0.5) / inverse;
    }
}

struct Entry {
    std::string_view name;
    ValueFunction evaluate;
};

constexpr std::array kEntries{
    Entry{"abs", each<absolute>},
    Entry{"acos", each<go::acos>},
    Entry{"acosh", each<go::acosh>},
    Entry{"asin", each<go::asin>},
    Entry{"asinh", each<go::asinh>},
    Entry{"atan", each<go::atan>},
    Entry{"atanh", each<go::atanh>},
    Entry{"ceil", each<round_up>},
    Entry{"clamp", clamp},
    Entry{"clamp_max", clamp_max},
    Entry{"clamp_min", clamp_min},
    Entry{"cos", each<go::cos>},
    Entry{"cosh", each<go::cosh>},
    Entry{"day_of_month", each<day_of_month>},
    Entry{"day_of_week", each<day_of_week>},
    Entry{"day_of_year", each<day_of_year>},
    Entry{"days_in_month", each<days_in_month>},
    Entry{"deg", each<to_degrees>},
    Entry{"exp", each<go::exp>},
    Entry{"floor", each<round_down>},
    Entry{"hour", each<hour>},
    Entry{"ln", each<go::log>},
    Entry{"log10", each<go::log10>},
    Entry{"log2", each<go::log2>},
    Entry{"minute", each<minute>},
    Entry{"month", each<month>},
    Entry{"rad", each<to_radians>},
    Entry{"round", round},
    Entry{"sgn", each<sign>},
    Entry{"sin", each<go::sin>},
    Entry{"sinh", each<go::sinh>},
    Entry{"sqrt", each<square_root>},
    Entry{"tan", each<go::tan>},
    Entry{"tanh", each<go::tanh>},
    Entry{"year", each<year>},
};
static_assert(std::ranges::is_sorted(kEntries, {}, &Entry::name));

}  // namespace

ValueFunction find_value_function(std::string_view name, Dialect dialect) {
    const auto* const found = std::ranges::lower_bound(kEntries, name, {}, &Entry::name);
    if (found == kEntries.end() || found->name != name) return nullptr;
    return find_function(name, dialect) == nullptr ? nullptr : found->evaluate;
}

}  // namespace inferscope::promql
