// SPDX-License-Identifier: Apache-2.0
// Any bytes as a page, in both formats. What is read, written by TextWriter and read again must be
// the same; a page of LatestRows made from it must be one that the reader takes; the reader's views
// and positions must lie in the page.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/numbers.h"
#include "exposition/latest_rows.h"
#include "exposition/parser.h"
#include "exposition/text_writer.h"

namespace inferscope::exposition {
namespace {

bool lies_in(std::string_view part, std::string_view whole) {
    return part.data() == nullptr || part.empty() ||
           (part.data() >= whole.data() &&
            part.data() + part.size() <= whole.data() + whole.size());
}

bool same_bits(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

void check_line(const Line& line, std::string_view page) {
    for (const auto part :
         {line.key, line.name, line.labels, line.text, line.value_text, line.exemplar}) {
        CHECK(lies_in(part, page), "views point into the page");
        CHECK(part.find('\n') == std::string_view::npos, "a line is one line");
    }
    if (!line.exemplar.empty()) {
        const auto exemplar = parse_exemplar(line.exemplar);
        CHECK(exemplar || exemplar.error().text.ends_with("stands twice"),
              "the line's exemplar was read before");
    }
}

/// The one sample of a page that TextWriter wrote.
void check_round_trip(const Labels& labels, double value) {
    std::string written;
    TextWriter(written).sample(labels, value);
    LineReader reader(written, Format::text);
    const auto line = reader.next();
    CHECK(line && *line && (**line).kind == Line::Kind::sample, "what is written can be read");
    CHECK(same_bits((**line).value, value), "the value is the same");
    const auto again = parse_series((**line).key);
    CHECK(again && *again == labels, "the series is the same");
    CHECK(reader.offset() == written.size(), "a sample is one line");
}

void check_help(const Line& line, Format format) {
    std::string written;
    const auto help = unescape_help(line.text, format);
    TextWriter(written).family({.name = "a", .type = line.type, .help = help, .unit = {}});
    LineReader reader(written, Format::text);
    const auto read = reader.next();
    CHECK(read && *read, "metadata that is written can be read");
    if (help.empty() || help.front() == ' ' || help.front() == '\t' || help.back() == '\r') return;
    CHECK((**read).kind == Line::Kind::help, "HELP comes first");
    CHECK(unescape_help((**read).text, Format::text) == help, "the help is the same");
}

void check_rendered(const LatestRows& rows, ShownOn page, Format format) {
    std::string out;
    rows.render(page, format, out);
    LineReader reader(out, format);
    std::size_t samples = 0;
    std::set<std::string_view> families;
    while (true) {
        const auto line = reader.next();
        CHECK(line, "a rendered page can be read");
        if (!*line) break;
        if ((**line).kind == Line::Kind::type) {
            CHECK(families.insert((**line).name).second, "each family stands once");
        }
        if ((**line).kind != Line::Kind::sample) continue;
        CHECK(parse_series((**line).key), "a rendered series can be read");
        ++samples;
    }
    CHECK(samples <= rows.series(), "each series stands once");
}

/// A line that is read by its known key says the same.
void check_known(const Result<std::optional<Line>, ParseError>& known, const Line& line) {
    CHECK(known && *known, "a line that can be read can be read by its key");
    const auto& again = **known;
    CHECK(again.key == line.key && again.name == line.name && again.labels == line.labels &&
              again.value_text == line.value_text && again.time == line.time &&
              again.exemplar == line.exemplar,
          "both say the same");
}

struct Samples {
    std::vector<Column> columns;
    std::vector<double> values;
    std::vector<TimedSample> timed;
};

/// Reads the page; what could be read goes to `samples`.
void read(std::string_view page, Format format, Samples& samples) {
    LineReader reader(page, format);
    auto family = std::make_shared<const Family>(Family{"a", MetricType::unknown, {}, {}});
    while (true) {
        const std::size_t before = reader.offset();
        const auto likely = reader.likely_key();
        LineReader other = reader;
        const auto line = reader.next();
        if (line && *line && !likely.empty() && likely == (**line).key)
            check_known(other.next_known(likely.size()), **line);
        if (!line) {
            CHECK(line.error().line > 0 && line.error().column > 0, "an error has its place");
            const auto after = reader.next();
            CHECK(after && !*after, "an error ends the page");
            return;
        }
        if (!*line) return;
        CHECK(reader.offset() > before, "each line moves on");
        check_line(**line, page);
        if ((**line).kind == Line::Kind::type) {
            family = std::make_shared<const Family>(
                Family{std::string((**line).name), (**line).type, "h\n", "s"});
        }
        if ((**line).kind == Line::Kind::help) check_help(**line, format);
        if ((**line).kind != Line::Kind::sample) continue;
        const auto labels = parse_series((**line).key);
        if (!labels) {
            CHECK(labels.error().text.ends_with("stands twice"), "a key was read before");
            continue;
        }
        check_round_trip(*labels, (**line).value);
        if ((**line).time) {
            samples.timed.push_back(
                {*labels, family, ShownOn::metrics, *(**line).time, (**line).value});
        } else {
            const auto shown_on = samples.values.size() % 2 == 0 ? ShownOn::metrics : ShownOn::raw;
            samples.columns.push_back({*labels, family, shown_on, {}});
            samples.values.push_back((**line).value);
        }
    }
}

void check(std::string_view text) {
    Samples samples;
    read(text, Format::text, samples);
    read(text, Format::openmetrics, samples);
    LatestRows rows;
    const auto group = rows.open_group("fuzz");
    rows.add_columns(group, samples.columns);
    CHECK(rows.append_row(group, {.time = 1, .values = samples.values, .changed = {}}),
          "never refused");
    CHECK(rows.append_timed(group, samples.timed), "never refused");
    for (const auto page : {ShownOn::metrics, ShownOn::raw}) {
        check_rendered(rows, page, Format::text);
        check_rendered(rows, page, Format::openmetrics);
    }
    if (const auto labels = parse_series(text)) check_round_trip(*labels, 1);
    if (const auto exemplar = parse_exemplar(text)) {
        LabelsBuilder named(exemplar->labels);
        named.set(kMetricName, "a");
        check_round_trip(named.build(), exemplar->value);
    }
}

}  // namespace
}  // namespace inferscope::exposition

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    inferscope::exposition::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
