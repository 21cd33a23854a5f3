// SPDX-License-Identifier: Apache-2.0
#include "exposition/text_writer.h"

#include <fmt/format.h>

#include <cstdlib>
#include <iterator>

#include "base/numbers.h"

namespace inferscope::exposition {
namespace {

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    append_escaped_label_value(out, text);
    out += '"';
}

/// Series with legacy names only, or any others; `labels` is any range of Label.
template <class LabelRange>
void append_series_of(std::string& out, std::string_view name, const LabelRange& labels) {
    char separator = '{';
    if (is_legacy_metric_name(name)) {
        out += name;
    } else {
        out += '{';
        append_quoted(out, name);
        separator = ',';
    }
    for (const Label& label : labels) {
        if (label.name == kMetricName) continue;
        out += separator;
        separator = ',';
        if (is_legacy_label_name(label.name)) {
            out += label.name;
        } else {
            append_quoted(out, label.name);
        }
        out += '=';
        append_quoted(out, label.value);
    }
    if (separator == ',') out += '}';
}

void append_value(std::string& out, double value) {
    out += ' ';
    append_number(out, value);
    out += '\n';
}

}  // namespace

void TextWriter::family(const Family& family) {
    if (!family.help.empty()) append_help_line(out_, family.name, family.help, Format::text);
    append_metadata_line(out_, "TYPE", family.name, to_text_type(family.type));
}

void TextWriter::sample(std::string_view name, std::span<const Label> labels, double value) {
    append_series(out_, name, labels);
    append_value(out_, value);
}

void TextWriter::sample(const Labels& series, double value) {
    append_series(out_, series);
    append_value(out_, value);
}

void append_series(std::string& out, std::string_view name, std::span<const Label> labels) {
    append_series_of(out, name, labels);
}

void append_series(std::string& out, const Labels& series) {
    append_series_of(out, series.metric_name(), series);
}

void append_time(std::string& out, Timestamp time, Format format) {
    auto at = std::back_inserter(out);
    if (format == Format::text) {
        fmt::format_to(at, " {}", time);
        return;
    }
    const Timestamp millis = std::abs(time);
    fmt::format_to(at, " {}{}.{:03}", time < 0 ? "-" : "", millis / 1000, millis % 1000);
    const auto is_found = [millis](double written) {
        return static_cast<Timestamp>(written / 1000 * 1000) == millis;
    };
    const auto exact = static_cast<double>(millis);
    if (!is_found(exact) && is_found(exact + 0.5)) out += '5';
}

void append_help_line(std::string& out, std::string_view family, std::string_view help,
                      Format format) {
    std::string escaped;
    escaped.reserve(help.size());
    for (const char c : help) {
        if (c == '\\' || (c == '"' && format == Format::openmetrics)) escaped += '\\';
        if (c == '\n') {
            escaped += "\\n";
        } else {
            escaped += c;
        }
    }
    append_metadata_line(out, "HELP", family, escaped);
}

void append_family_lines(std::string& out, std::string_view name, std::string_view type,
                         const Family* about, Format format) {
    if (about != nullptr && !about->help.empty()) append_help_line(out, name, about->help, format);
    append_metadata_line(out, "TYPE", name, type);
    if (format == Format::text || about == nullptr || about->unit.empty()) return;
    if (type == "info" || type == "stateset") return;
    if (name.ends_with("_" + about->unit)) append_metadata_line(out, "UNIT", name, about->unit);
}

void append_metadata_line(std::string& out, std::string_view keyword, std::string_view family,
                          std::string_view text) {
    out += "# ";
    out += keyword;
    out += ' ';
    if (is_legacy_metric_name(family)) {
        out += family;
    } else {
        append_quoted(out, family);
    }
    out += ' ';
    out += text;
    out += '\n';
}

}  // namespace inferscope::exposition
