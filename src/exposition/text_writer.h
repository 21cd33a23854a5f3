// SPDX-License-Identifier: Apache-2.0
// Writes the Prometheus text format 0.0.4, and the pieces of which OpenMetrics pages are made.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "exposition/parser.h"
#include "telemetry/labels.h"
#include "telemetry/metadata.h"

namespace inferscope::exposition {

/// Appends to one text. The caller writes each family once, all of its samples behind it.
class TextWriter {
public:
    explicit TextWriter(std::string& out) : out_(out) {}

    /// HELP (if any) and TYPE.
    void family(const Family& family);
    void sample(std::string_view name, std::span<const Label> labels, double value);
    void sample(const Labels& series, double value);

private:
    std::string& out_;
};

/// Appends `name{a="b"}`. Names outside of the legacy alphabet are quoted, `{"my.name","a.b"="c"}`:
/// readers of 0.0.4 before Prometheus 3 refuse those.
void append_series(std::string& out, std::string_view name, std::span<const Label> labels);
void append_series(std::string& out, const Labels& series);

/// Appends ` TIME` behind a value: milliseconds in text, seconds in OpenMetrics, such that a reader
/// that truncates (Prometheus does) finds the same millisecond.
void append_time(std::string& out, Timestamp time, Format format);

/// Appends the HELP line, escaped as the format asks.
void append_help_line(std::string& out, std::string_view family, std::string_view help,
                      Format format);
/// Appends HELP, TYPE and (in OpenMetrics) UNIT of a family that the format names `name` and calls
/// a `type` (see FamilyShape). `about`: for HELP and UNIT; null: neither.
void append_family_lines(std::string& out, std::string_view name, std::string_view type,
                         const Family* about, Format format);
/// Appends `# KEYWORD family text`, nothing escaped but the family's name.
void append_metadata_line(std::string& out, std::string_view keyword, std::string_view family,
                          std::string_view text);

}  // namespace inferscope::exposition
