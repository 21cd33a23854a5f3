// SPDX-License-Identifier: Apache-2.0
// One scanner for lines, label sets and exemplars: it moves a pointer over the page, and stops at
// the first byte that the format forbids. Nothing is copied and nothing allocated until a label set
// or an error is made.
#include "exposition/parser.h"

#include <fast_float/fast_float.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/numbers.h"
#include "base/text.h"

namespace inferscope::exposition {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the lowest byte of a word is the first in memory");

enum : std::uint8_t { kLabelByte = 1, kMetricByte = 2, kDigit = 4, kBlank = 8 };

constexpr auto kByteKinds = [] {
    std::array<std::uint8_t, 256> kinds{};
    for (unsigned c = 'a'; c <= 'z'; ++c) kinds[c] = kinds[c - 0x20] = kLabelByte | kMetricByte;
    for (unsigned c = '0'; c <= '9'; ++c) kinds[c] = kLabelByte | kMetricByte | kDigit;
    kinds['_'] = kLabelByte | kMetricByte;
    kinds[':'] = kMetricByte;
    kinds[' '] = kinds['\t'] = kBlank;
    return kinds;
}();

bool is(char c, std::uint8_t kind) {
    return (kByteKinds[static_cast<unsigned char>(c)] & kind) != 0;
}

// Names and values are looked through 16 bytes at a time (SSE2, NEON).
using Bytes = unsigned char __attribute__((vector_size(16)));
using Flags = bool __attribute__((ext_vector_type(16)));

Bytes load_bytes(const char* at) {
    Bytes bytes;
    std::memcpy(&bytes, at, sizeof(bytes));
    return bytes;
}

/// A bit for each byte of a comparison's result, lowest byte first.
template <class Compared>
unsigned bits_of(Compared compared) {
    return std::bit_cast<std::uint16_t>(__builtin_convertvector(compared, Flags));
}

/// The first byte of [at, end) that is a quote, a backslash or not ASCII; `end` if there is none.
const char* find_end_of_plain(const char* at, const char* end) {
    for (; end - at >= 16; at += 16) {
        const Bytes bytes = load_bytes(at);
        const unsigned found = bits_of((bytes == '"') | (bytes == '\\') | (bytes >= 0x80));
        if (found != 0) return at + std::countr_zero(found);
    }
    while (at != end && *at != '"' && *at != '\\' && static_cast<signed char>(*at) >= 0) ++at;
    return at;
}

/// The first byte of [at, end) that can't stand in a name; `end` if there is none. `highest_digit`:
/// '9' for label names, ':' (the byte behind '9') for metric names.
template <char highest_digit>
const char* find_end_of_name(const char* at, const char* end) {
    constexpr unsigned char kLastDigit = highest_digit - '0';
    for (; end - at >= 16; at += 16) {
        const Bytes bytes = load_bytes(at);
        const Bytes from_a = (bytes | 0x20) - 'a';
        const Bytes from_0 = bytes - '0';
        const unsigned good =
            bits_of((from_a <= 'z' - 'a') | (from_0 <= kLastDigit) | (bytes == '_'));
        if (good != 0xffff) return at + std::countr_one(good);
    }
    constexpr std::uint8_t kKind = highest_digit == ':' ? kMetricByte : kLabelByte;
    while (at != end && is(*at, kKind)) ++at;
    return at;
}

bool is_ascii(std::string_view text) {
    const char* at = text.data();
    const char* end = at + text.size();
    Bytes all{};
    for (; end - at >= 16; at += 16) all |= load_bytes(at);
    if (bits_of(all >= 0x80) != 0) return false;
    return std::all_of(at, end, [](char c) { return static_cast<signed char>(c) >= 0; });
}

std::string_view view(const char* from, const char* to) {
    return {from, static_cast<std::size_t>(to - from)};
}

/// Where one line is being read. `expected` is set by what fails, `at` then stands where it failed.
struct Scanner {
    const char* begin;  ///< of the line: columns count from here
    const char* at;
    const char* end;       ///< of the line
    const char* readable;  ///< >= end: bytes up to here may be looked at
    bool strict;           ///< OpenMetrics: one space where a space belongs, no other
    std::string_view expected{};

    bool fail(const char* where, std::string_view what) {
        at = where;
        expected = what;
        return false;
    }
    [[nodiscard]] bool at_end() const { return at == end; }
    [[nodiscard]] bool on(char c) const { return at != end && *at == c; }
    /// Text: any number of blanks. OpenMetrics has them only where `take_space` is called.
    void skip_blanks() {
        if (at == end || !is(*at, kBlank) || strict) return;
        while (at != end && is(*at, kBlank)) ++at;
    }
    // A name ends with its line at the latest, so these may look on.
    std::string_view take_metric_name() {
        const char* from = at;
        at = find_end_of_name<':'>(from, readable);
        return view(from, at);
    }
    std::string_view take_label_name() {
        const char* from = at;
        at = find_end_of_name<'9'>(from, readable);
        return view(from, at);
    }
    std::string_view take_token() {
        const char* from = at;
        const char* behind = at;  // not `at` itself: it would be written for every byte
        while (behind != end && *behind != ' ' && (strict || *behind != '\t')) ++behind;
        at = behind;
        return view(from, behind);
    }
};

/// On `"`: reads up to its partner and moves behind it; `text` is what stands between, still
/// escaped.
bool scan_quoted(Scanner& s, std::string_view& text) {
    const char* open = s.at++;
    bool ascii = true;
    while (true) {
        const char* found = find_end_of_plain(s.at, s.readable);
        if (found >= s.end) return s.fail(open, "a text with a closing '\"'");
        s.at = found + 1;
        if (*found == '"') break;
        if (*found != '\\') {
            ascii = false;
            continue;
        }
        if (s.at == s.end) return s.fail(open, "a text with a closing '\"'");
        ascii = ascii && static_cast<signed char>(*s.at) >= 0;
        ++s.at;
    }
    text = view(open + 1, s.at - 1);
    if (!ascii && !is_valid_utf8(text)) return s.fail(open, "valid UTF-8");
    return true;
}

/// Where a label that is `name="value"` without escapes and foreign characters ends; null where any
/// other starts.
template <class OnLabel>
const char* find_end_of_common_label(const Scanner& s, OnLabel&& on_label) {
    const char* behind_name = find_end_of_name<'9'>(s.at, s.readable);
    if (s.end - behind_name < 3 || behind_name[0] != '=' || behind_name[1] != '"') return nullptr;
    if (behind_name == s.at || is(*s.at, kDigit)) return nullptr;
    const char* value = behind_name + 2;
    const char* behind_value = find_end_of_plain(value, s.readable);
    if (behind_value >= s.end || *behind_value != '"') return nullptr;
    on_label(view(s.at, behind_name), view(value, behind_value));
    return behind_value + 1;
}

/// Any label, or a quoted text without `=`: that is a metric name.
template <class OnLabel, class OnName>
bool scan_label(Scanner& s, std::string_view expected, OnLabel&& on_label, OnName&& on_name) {
    const char* from = s.at;
    std::string_view name;
    const bool quoted = s.on('"');
    if (quoted) {
        if (!scan_quoted(s, name)) return false;
    } else if (!s.at_end() && !is(*s.at, kDigit)) {
        name = s.take_label_name();
    }
    if (name.empty()) return s.fail(from, expected);
    s.skip_blanks();
    if (quoted && (s.on(',') || s.on('}'))) return on_name(from, name);
    if (!s.on('=')) return s.fail(s.at, "'='");
    ++s.at;
    s.skip_blanks();
    if (!s.on('"')) return s.fail(s.at, "a label value in '\"'");
    std::string_view value;
    if (!scan_quoted(s, value)) return false;
    on_label(name, value);
    return true;
}

/// On `{`: reads up to its partner and moves behind it. Calls `on_label(name, value)`, and for a
/// metric name `on_name(place, name)`, which says false when it has failed the scanner.
template <class OnLabel, class OnName>
bool scan_braces(Scanner& s, OnLabel&& on_label, OnName&& on_name) {
    ++s.at;
    s.skip_blanks();
    bool first = true;
    bool behind_comma = false;
    while (!s.on('}') || (s.strict && behind_comma)) {
        if (s.strict && !first && !behind_comma) return s.fail(s.at, "',' or '}'");
        if (const char* behind = find_end_of_common_label(s, on_label)) {
            s.at = behind;
        } else if (!scan_label(s, first ? "a label name or '}'" : "a label name", on_label,
                               on_name)) {
            return false;
        }
        s.skip_blanks();
        first = false;
        behind_comma = s.on(',');
        if (behind_comma) {
            ++s.at;
            s.skip_blanks();
        }
    }
    ++s.at;
    return true;
}

/// A metric name and its label set; moves behind the last byte that belongs to them.
template <class OnLabel, class OnName>
bool scan_series(Scanner& s, Line& line, OnLabel&& on_label, OnName&& on_name) {
    const char* from = s.at;
    bool named = false;
    if (!s.at_end() && !is(*s.at, kDigit)) {
        line.name = s.take_metric_name();
        named = !line.name.empty();
    }
    if (named && !on_name(line.name)) return false;
    const char* behind_name = s.at;
    if (named) s.skip_blanks();
    if (s.on('{')) {
        const char* open = s.at;
        const auto take_name = [&](const char* where, std::string_view name) {
            if (named) return s.fail(where, "no second metric name");
            named = true;
            line.name = name;
            return on_name(name);
        };
        if (!scan_braces(s, on_label, take_name)) return false;
        line.labels = view(open + 1, s.at - 1);
        if (!named) return s.fail(from, "a metric name");
    } else {
        if (!named) return s.fail(from, "a metric name or a comment");
        s.at = behind_name;
    }
    line.key = view(from, s.at);
    return true;
}

bool scan_number(Scanner& s, std::string_view& text, double& value) {
    const char* from = s.at;
    const auto [behind, ec] = fast_float::from_chars(from, s.end, value);
    if (ec == std::errc() &&
        (behind == s.end || *behind == ' ' || (!s.strict && *behind == '\t')) &&
        std::isfinite(value)) [[likely]] {
        s.at = behind;
        text = view(from, behind);
        return true;
    }
    text = s.take_token();
    // Go's ParseFloat takes hexadecimal, Prometheus refuses it ("keep to pre-Go 1.13 float
    // formats").
    const bool hexadecimal =
        text.size() > 2 && ((text[1] | 0x20) == 'x' || (text[2] | 0x20) == 'x');
    const auto number = hexadecimal ? std::nullopt : parse_number(text);
    if (!number) return s.fail(from, "a number");
    value = *number;
    return true;
}

/// OpenMetrics: seconds. Truncated, as Prometheus does.
bool scan_seconds(Scanner& s, std::optional<Timestamp>& time) {
    const char* from = s.at;
    std::string_view text;
    double seconds = 0;
    if (!scan_number(s, text, seconds) || !(std::abs(seconds * 1000) < 0x1p63)) {
        return s.fail(from, "a timestamp in seconds");
    }
    time = static_cast<Timestamp>(seconds * 1000);
    return true;
}

/// Text format: whole milliseconds.
bool scan_millis(Scanner& s, std::optional<Timestamp>& time) {
    const char* from = s.at;
    const bool negative = s.on('-');
    if (negative) ++s.at;
    const char* first = s.at;
    while (!s.at_end() && is(*s.at, kDigit)) ++s.at;
    const auto digits = view(first, s.at);
    Timestamp millis = 0;
    bool fits = !digits.empty();
    for (const char c : digits) {
        fits = fits && !__builtin_mul_overflow(millis, 10, &millis) &&
               !__builtin_add_overflow(millis, c - '0', &millis);
    }
    if (!fits || !(s.at_end() || is(*s.at, kBlank)))
        return s.fail(from, "a timestamp in milliseconds");
    time = negative ? -millis : millis;
    return true;
}

/// `{a="b"} VALUE [SECONDS]` up to the end of the line.
template <class OnLabel>
bool scan_exemplar(Scanner& s, double& value, std::optional<Timestamp>& time, OnLabel&& on_label) {
    if (!s.on('{')) return s.fail(s.at, "the exemplar's labels in braces");
    const auto no_name = [&](const char* where, std::string_view) {
        return s.fail(where, "a label name with '='");
    };
    if (!scan_braces(s, on_label, no_name)) return false;
    if (!s.on(' ')) return s.fail(s.at, "a space and the exemplar's value");
    ++s.at;
    std::string_view text;
    if (!scan_number(s, text, value)) return false;
    if (s.at_end()) return true;
    ++s.at;
    if (!scan_seconds(s, time)) return false;
    return s.at_end() || s.fail(s.at, "the end of the line");
}

void ignore_label(std::string_view, std::string_view) {}
bool ignore_name(std::string_view) { return true; }

/// Behind the value of an OpenMetrics sample: a time, an exemplar, both or nothing.
bool scan_behind_value(Scanner& s, Line& line) {
    const auto on_exemplar = [&] { return view(s.at, s.end).starts_with(" # "); };
    if (!s.at_end() && !on_exemplar()) {
        ++s.at;
        if (!scan_seconds(s, line.time)) return false;
    }
    if (s.at_end()) return true;
    if (!on_exemplar()) return s.fail(s.at, "the end of the line or ' # ' and an exemplar");
    s.at += 3;
    line.exemplar = view(s.at, s.end);
    double value = 0;
    std::optional<Timestamp> time;
    return scan_exemplar(s, value, time, ignore_label);
}

/// A series whose key was read before, at the line's beginning: nothing of it is looked at again.
void skip_known_series(Scanner& s, Line& line, std::size_t key_bytes) {
    line.key = view(s.at, s.at + key_bytes);
    line.name = s.take_metric_name();
    const auto open = line.key.find('{', line.name.size());
    if (open != line.key.npos) line.labels = line.key.substr(open + 1, key_bytes - open - 2);
    s.at = line.key.data() + key_bytes;
}

bool scan_behind_series(Scanner& s, Line& line) {
    line.kind = Line::Kind::sample;
    if (s.strict) {
        if (!s.on(' ')) return s.fail(s.at, "one space and a value");
        ++s.at;
        return scan_number(s, line.value_text, line.value) && scan_behind_value(s, line);
    }
    const char* behind_key = s.at;
    s.skip_blanks();
    if (s.at == behind_key && line.key.back() != '}') return s.fail(s.at, "a blank and a value");
    if (!scan_number(s, line.value_text, line.value)) return false;
    if (s.at_end()) return true;
    s.skip_blanks();
    if (s.at_end()) return true;
    if (!scan_millis(s, line.time)) return false;
    s.skip_blanks();
    return s.at_end() || s.fail(s.at, "the end of the line");
}

bool scan_sample(Scanner& s, Line& line) {
    return scan_series(s, line, ignore_label, ignore_name) && scan_behind_series(s, line);
}

constexpr std::array<std::string_view, 5> kTextTypes{"counter", "gauge", "histogram", "summary",
                                                     "untyped"};
constexpr std::array<std::string_view, 8> kOpenMetricsTypes{
    "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset", "unknown"};

bool scan_type(Scanner& s, Line& line) {
    const char* from = s.at;
    while (!s.strict && !line.text.empty() && is(line.text.back(), kBlank))
        line.text.remove_suffix(1);
    line.type = metric_type_from(line.text);
    if (s.strict) {
        if (std::ranges::find(kOpenMetricsTypes, line.text) != kOpenMetricsTypes.end()) return true;
        return s.fail(
            from, "counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown");
    }
    if (std::ranges::find(kTextTypes, line.text) != kTextTypes.end()) return true;
    return s.fail(from, "counter, gauge, histogram, summary or untyped");
}

/// OpenMetrics: the unit is the last word of the family's name.
bool scan_unit(Scanner& s, const Line& line) {
    const bool fits = line.text.empty() ||
                      (line.name.size() > line.text.size() && line.name.ends_with(line.text) &&
                       line.name[line.name.size() - line.text.size() - 1] == '_');
    return fits || s.fail(s.at, "a unit with which the name ends, behind '_'");
}

/// Behind `# TYPE `, `# HELP ` or `# UNIT `: the family's name and the rest of the line.
bool scan_metadata(Scanner& s, Line& line, Line::Kind kind) {
    line.kind = kind;
    s.skip_blanks();
    if (s.on('"')) {
        const char* from = s.at;
        if (!scan_quoted(s, line.name)) return false;
        if (line.name.empty()) return s.fail(from, "a metric name");
    } else {
        if (s.at_end() || is(*s.at, kDigit)) return s.fail(s.at, "a metric name");
        line.name = s.take_metric_name();
        if (line.name.empty()) return s.fail(s.at, "a metric name");
    }
    if (s.strict) {
        if (!s.on(' ')) return s.fail(s.at, "one space and a text");
        ++s.at;
    }
    s.skip_blanks();
    line.text = view(s.at, s.end);
    if (kind == Line::Kind::type) return scan_type(s, line);
    if (!is_ascii(line.text) && !is_valid_utf8(line.text)) return s.fail(s.at, "valid UTF-8");
    return kind != Line::Kind::unit || scan_unit(s, line);
}

/// On `#`, text format: everything but HELP and TYPE is a comment.
bool scan_text_comment(Scanner& s, Line& line) {
    line.kind = Line::Kind::comment;
    const char* behind_hash = ++s.at;
    s.skip_blanks();
    if (s.at == behind_hash || s.end - s.at < 5 || !is(s.at[4], kBlank)) return true;
    const auto word = view(s.at, s.at + 4);
    if (word != "HELP" && word != "TYPE") return true;
    s.at += 5;
    return scan_metadata(s, line, word == "HELP" ? Line::Kind::help : Line::Kind::type);
}

/// On `#`, OpenMetrics: there are no other comments than these.
bool scan_openmetrics_comment(Scanner& s, Line& line) {
    const auto rest = view(s.at, s.end);
    if (rest == "# EOF") {
        line.kind = Line::Kind::eof;
        return true;
    }
    const auto word = rest.substr(0, 7);
    const bool help = word == "# HELP ";
    const bool type = word == "# TYPE ";
    if (!help && !type && word != "# UNIT ") {
        return s.fail(s.at, "'# HELP ', '# TYPE ', '# UNIT ' or '# EOF'");
    }
    s.at += 7;
    return scan_metadata(s, line,
                         help   ? Line::Kind::help
                         : type ? Line::Kind::type
                                : Line::Kind::unit);
}

bool scan_line(Scanner& s, Line& line) {
    s.skip_blanks();
    if (s.at_end())
        return !s.strict || s.fail(s.at, "a sample or metadata: OpenMetrics has no blank lines");
    if (*s.at != '#') return scan_sample(s, line);
    return s.strict ? scan_openmetrics_comment(s, line) : scan_text_comment(s, line);
}

[[gnu::cold]] ParseError error_of(const Scanner& s, int line) {
    const auto rest = view(s.at, s.end);
    std::string text =
        rest.empty() ? fmt::format("expected {}, the line ends here", s.expected)
                     : fmt::format("expected {}, got '{}'", s.expected, quote_for_message(rest));
    return {.file = {},
            .line = line,
            .column = static_cast<int>(s.at - s.begin) + 1,
            .text = std::move(text)};
}

[[gnu::cold]] ParseError end_error(int line, std::string_view text) {
    return {.file = {}, .line = line, .column = 1, .text = std::string(text)};
}

/// `\\`, `\n` and, if told so, `\"`; any other backslash stays, as in Prometheus.
std::string unescape(std::string_view text, bool quotes) {
    if (text.find('\\') == std::string_view::npos) return std::string(text);
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
        if (next == '\\' || (quotes && next == '"')) {
            out += next;
            ++i;
        } else if (next == 'n') {
            out += '\n';
            ++i;
        } else {
            out += text[i];
        }
    }
    return out;
}

ParseError double_error(std::string_view name) {
    return {.file = {},
            .line = 0,
            .column = 1,
            .text = fmt::format("label '{}' stands twice", quote_for_message(name))};
}

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

}  // namespace

const std::string_view kAcceptHeader =
    "text/plain;version=0.0.4,application/"
    "openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.1";

Format format_of(std::string_view content_type) {
    static constexpr std::string_view kOpenMetrics = "application/openmetrics-text";
    auto media_type = content_type.substr(0, content_type.find(';'));
    while (!media_type.empty() && is(media_type.front(), kBlank)) media_type.remove_prefix(1);
    while (!media_type.empty() && is(media_type.back(), kBlank)) media_type.remove_suffix(1);
    return std::ranges::equal(media_type, kOpenMetrics, {}, to_lower) ? Format::openmetrics
                                                                      : Format::text;
}

LineReader::LineReader(std::string_view page, Format format) : page_(page), format_(format) {}

Result<std::optional<Line>, ParseError> LineReader::next() {
    if (ended_) return std::nullopt;
    if (at_ != page_.size()) return next_line(0);
    ended_ = true;
    if (format_ == Format::text) return std::nullopt;
    return end_error(line_ + 1, "expected '# EOF', the page ends here: it may be cut short");
}

std::string_view LineReader::likely_key() const {
    const char* begin = page_.data() + at_;
    const char* end = page_.data() + page_.size();
    if (ended_ || begin == end || !is(*begin, kMetricByte) || is(*begin, kDigit)) return {};
    if (const auto* newline = std::memchr(begin, '\n', static_cast<std::size_t>(end - begin)))
        end = static_cast<const char*>(newline);
    const auto line = view(begin, end);
    const auto brace = line.rfind('}');
    return line.substr(0, brace != line.npos ? brace + 1 : line.find(' '));
}

Result<std::optional<Line>, ParseError> LineReader::next_known(std::size_t key_bytes) {
    return next_line(key_bytes);
}

Result<std::optional<Line>, ParseError> LineReader::next_line(std::size_t known_bytes) {
    const bool strict = format_ == Format::openmetrics;
    const char* begin = page_.data() + at_;
    const char* readable = page_.data() + page_.size();
    const auto* newline = static_cast<const char*>(
        std::memchr(begin + known_bytes, '\n', page_.size() - at_ - known_bytes));
    const char* end = newline == nullptr ? readable : newline;
    at_ = static_cast<std::size_t>((newline == nullptr ? end : end + 1) - page_.data());
    ++line_;
    if (!strict && end != begin && end[-1] == '\r') --end;

    // One variable, returned at one place, so that it is made where the caller wants it.
    Result<std::optional<Line>, ParseError> result(std::in_place, std::in_place);
    Scanner scanner{
        .begin = begin, .at = begin, .end = end, .readable = readable, .strict = strict};
    Line& line = **result;
    if (known_bytes > 0) skip_known_series(scanner, line, known_bytes);
    const bool ok = known_bytes > 0 ? scan_behind_series(scanner, line) : scan_line(scanner, line);
    if (!ok) [[unlikely]] {
        ended_ = true;
        result = error_of(scanner, line_);
    } else if (line.kind == Line::Kind::eof) {
        ended_ = true;
        if (at_ != page_.size()) result = end_error(line_ + 1, "expected nothing behind '# EOF'");
    }
    return result;
}

void SeriesLabels::start(std::string_view text) {
    labels_.clear();
    unescaped_.clear();
    has_escapes_ = text.find('\\') != std::string_view::npos;
}

std::string_view SeriesLabels::plain(std::string_view text) {
    if (!has_escapes_) return text;
    return *unescaped_.emplace_back(std::make_unique<std::string>(unescape(text, true)));
}

void SeriesLabels::add(std::string_view name, std::string_view value) {
    labels_.push_back({plain(name), plain(value)});
}

Result<void, ParseError> SeriesLabels::finish() {
    std::ranges::sort(labels_, {}, &Label::name);
    const auto twice = std::ranges::adjacent_find(labels_, {}, &Label::name);
    if (twice != labels_.end()) return double_error(twice->name);
    std::erase_if(labels_, [](const Label& label) { return label.value.empty(); });
    return {};
}

Result<void, ParseError> SeriesLabels::read(std::string_view key) {
    start(key);
    const char* begin = key.data();
    const char* end = begin + key.size();
    Scanner scanner{.begin = begin, .at = begin, .end = end, .readable = end, .strict = false};
    Line line;
    const bool ok = scan_series(
        scanner, line, [&](std::string_view name, std::string_view value) { add(name, value); },
        [&](std::string_view name) {
            add(kMetricName, name);
            return true;
        });
    if (!ok) return error_of(scanner, 0);
    if (!scanner.at_end()) {
        scanner.fail(scanner.at, "nothing behind the series");
        return error_of(scanner, 0);
    }
    return finish();
}

Result<void, ParseError> SeriesLabels::read_exemplar(std::string_view text, double& value,
                                                     std::optional<Timestamp>& time) {
    start(text);
    const char* begin = text.data();
    const char* end = begin + text.size();
    Scanner scanner{.begin = begin, .at = begin, .end = end, .readable = end, .strict = true};
    const bool ok =
        scan_exemplar(scanner, value, time,
                      [&](std::string_view name, std::string_view text_of) { add(name, text_of); });
    if (!ok) return error_of(scanner, 0);
    return finish();
}

Result<Labels, ParseError> parse_series(std::string_view key) {
    SeriesLabels labels;
    if (auto read = labels.read(key); !read) return read.error();
    return Labels::from_sorted(labels.sorted());
}

Result<ParsedExemplar, ParseError> parse_exemplar(std::string_view text) {
    SeriesLabels labels;
    ParsedExemplar exemplar;
    auto read = labels.read_exemplar(text, exemplar.value, exemplar.time);
    if (!read) return read.error();
    exemplar.labels = Labels::from_sorted(labels.sorted());
    return exemplar;
}

std::string unescape_help(std::string_view text, Format format) {
    return unescape(text, format == Format::openmetrics);
}

}  // namespace inferscope::exposition
