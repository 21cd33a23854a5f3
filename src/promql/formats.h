// SPDX-License-Identifier: Apache-2.0
// Characters, numbers and durations as Prometheus writes them in queries and messages.
// Source: Go's package fmt (%q, %#U, %v) and strconv; prometheus/common, model/time.go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "promql/language.h"

namespace inferscope::promql {

/// 'a', '\n', '\x00': a character in single quotes.
std::string quote_character(char32_t code);
/// U+0061 'a'; without the character where it can't be seen.
std::string name_character(char32_t code);
/// In double quotes; of a text of more than ten bytes its first ten characters, and "...".
std::string quote_shortened(std::string_view text);

/// Without an exponent: shortest digits that read back the same, "+Inf", "-Inf", "NaN".
std::string format_without_exponent(double value);
/// With an exponent below 1e-4 and from 1e6 on.
std::string format_with_exponent(double value);

/// "1h30m", "90d", "0s"; negative: "-5m".
std::string format_duration(Millis duration);

/// The milliseconds in so many seconds, cut off as Prometheus does behind the nanosecond; what
/// doesn't fit is the most or the least that does.
Millis to_millis(double seconds);
/// Whether Prometheus can hold it: ±2^63 nanoseconds.
bool is_duration_in_range(double seconds);

/// "1h30m" in seconds. Fails with Prometheus's words.
Result<double> parse_duration_seconds(std::string_view text, Dialect dialect);

/// A number as the lexer cuts it: decimal, octal (leading 0), hexadecimal, with underscores,
/// "Inf", "NaN" in any case. Fails with Prometheus's words.
Result<double> parse_number_literal(std::string_view text);

/// What a quoted text stands for. Its escapes are right: the lexer has looked at them.
std::string unquote(std::string_view quoted);

}  // namespace inferscope::promql
