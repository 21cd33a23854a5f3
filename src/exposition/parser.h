// SPDX-License-Identifier: Apache-2.0
// Reads Prometheus's text format 0.0.4 and OpenMetrics 1.0, line by line, without copying. What
// Prometheus 2.42 takes is taken, what it refuses is refused, except where README.md says
// otherwise.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "telemetry/labels.h"
#include "telemetry/metadata.h"

namespace inferscope::exposition {

enum class Format { text, openmetrics };

/// By Content-Type; nothing known means text (as Prometheus's fallback).
Format format_of(std::string_view content_type);
/// What a scrape asks for: text 0.0.4 first (prometheus_client garbles names in OpenMetrics without
/// escaping=allow-utf-8), OpenMetrics second.
extern const std::string_view kAcceptHeader;

/// One line of a page. Views point into the page.
struct Line {
    enum class Kind { sample, type, help, unit, comment, blank, eof } kind = Kind::blank;
    /// sample: name and labels as they stand, `name{...}`, without spaces at its ends
    std::string_view key;
    /// sample: metric name; type, help, unit: the family's name (quoted: without quotes, escaped)
    std::string_view name;
    std::string_view labels;  ///< sample: what stands between the braces
    std::string_view text;    ///< type: the word; help, unit: the rest of the line, still escaped
    std::string_view value_text;
    double value = 0;
    std::optional<Timestamp> time;  ///< ms; OpenMetrics seconds are converted
    std::string_view exemplar;      ///< OpenMetrics: what stands behind " # ", else empty
    MetricType type = MetricType::unknown;
};

/// Walks a page. After an error it is finished.
class LineReader {
public:
    LineReader(std::string_view page, Format format);

    /// The next line; nothing at the end. Fails with line and column for what the format forbids.
    Result<std::optional<Line>, ParseError> next();

    /// For readers that remember keys. What the next line's key is if it is a sample in the usual
    /// form (up to its last '}', else to its first space); empty if it is nothing of the kind.
    [[nodiscard]] std::string_view likely_key() const;
    /// As next(), of a line whose likely_key() of `key_bytes` bytes was the `key` of a line before:
    /// the same bytes mean the same series, so only what stands behind them is read.
    Result<std::optional<Line>, ParseError> next_known(std::size_t key_bytes);

    /// Bytes of the page that have been read: the next line starts here.
    [[nodiscard]] std::size_t offset() const { return at_; }
    [[nodiscard]] int line_number() const { return line_; }

private:
    Result<std::optional<Line>, ParseError> next_line(std::size_t known_bytes);

    std::string_view page_;
    Format format_;
    std::size_t at_ = 0;
    int line_ = 0;
    bool ended_ = false;
};

/// The labels of a key while they are read: views into the key, or into texts of their own where it
/// has escapes. Keeps its memory between uses.
class SeriesLabels {
public:
    /// Reads `name{a="b"}` (or `{"name","a"="b"}`), as the text format has it (so any key of either
    /// format). Fails for a broken label set, invalid UTF-8, a name that stands twice. An unknown
    /// escape (`\d`) stays as it stands, as in Prometheus. Columns count from the key's start.
    Result<void, ParseError> read(std::string_view key);
    /// Reads `{trace_id="x"} 0.67 1520879607.789` likewise, and the numbers behind the labels.
    Result<void, ParseError> read_exemplar(std::string_view text, double& value,
                                           std::optional<Timestamp>& time);
    /// As Labels::from_sorted() takes them, with __name__; valid until the next read() and while
    /// the key is.
    [[nodiscard]] std::span<const Label> sorted() const { return labels_; }

private:
    void start(std::string_view text);
    void add(std::string_view name, std::string_view value);
    std::string_view plain(std::string_view text);
    Result<void, ParseError> finish();

    std::vector<Label> labels_;
    std::vector<std::unique_ptr<std::string>> unescaped_;
    bool has_escapes_ = false;
};

/// As SeriesLabels::read().
Result<Labels, ParseError> parse_series(std::string_view key);

/// A parsed exemplar: `{trace_id="x"} 0.67 1520879607.789`.
struct ParsedExemplar {
    Labels labels;
    double value = 0;
    std::optional<Timestamp> time;
};
Result<ParsedExemplar, ParseError> parse_exemplar(std::string_view text);

/// A family's HELP text with its escapes resolved.
std::string unescape_help(std::string_view text, Format format);

}  // namespace inferscope::exposition
