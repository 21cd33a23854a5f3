// SPDX-License-Identifier: Apache-2.0
// Reads a page from standard input, as a target would send it, and prints the page that Inferscope
// makes of it, for tests of what other programs say to that: `render_page text|openmetrics
// text|openmetrics < PAGE`, the format that is read and the one that is written. A refused page:
// the reason to standard error, exit status 1.
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "exposition/latest_rows.h"
#include "exposition/parser.h"

namespace {

using inferscope::Column;
using inferscope::Family;
using inferscope::FamilyPtr;
using inferscope::MetricType;
using inferscope::exposition::Format;
using inferscope::exposition::Line;

std::string read_all(std::FILE* file) {
    std::string page;
    char buffer[65536];
    while (const std::size_t got = std::fread(buffer, 1, sizeof(buffer), file))
        page.append(buffer, got);
    return page;
}

/// The families of a page by the names that its samples have.
class Families {
public:
    explicit Families(Format format) : format_(format) {}

    void take(const Line& line) {
        Family& family = families_[std::string(line.name)];
        if (line.kind == Line::Kind::type) family.type = line.type;
        if (line.kind == Line::Kind::unit) family.unit = line.text;
        if (line.kind == Line::Kind::help) family.help = unescape_help(line.text, format_);
    }
    FamilyPtr of(std::string_view sample) {
        for (const auto* suffix :
             {"", "_bucket", "_sum", "_count", "_gsum", "_gcount", "_total", "_info", "_created"}) {
            if (!sample.ends_with(suffix)) continue;
            const auto name = sample.substr(0, sample.size() - std::string_view(suffix).size());
            const auto found = families_.find(std::string(name));
            if (found == families_.end()) continue;
            Family family = found->second;
            family.name = name;
            if (format_ == Format::openmetrics && family.type == MetricType::counter)
                family.name += "_total";
            return std::make_shared<const Family>(std::move(family));
        }
        return std::make_shared<const Family>(
            Family{std::string(sample), MetricType::unknown, {}, {}});
    }

private:
    Format format_;
    std::map<std::string, Family> families_;
};

int refuse(const inferscope::ParseError& error) {
    fmt::print(stderr, "{}\n", error.message());
    return 1;
}

int render(std::string_view page, Format from, Format to) {
    inferscope::exposition::LineReader reader(page, from);
    Families families(from);
    std::vector<Column> columns;
    std::vector<double> values;
    while (true) {
        const auto line = reader.next();
        if (!line) return refuse(line.error());
        if (!*line) break;
        const auto kind = (**line).kind;
        if (kind == Line::Kind::type || kind == Line::Kind::help || kind == Line::Kind::unit)
            families.take(**line);
        if (kind != Line::Kind::sample) continue;
        const auto labels = inferscope::exposition::parse_series((**line).key);
        if (!labels) return refuse(labels.error());
        columns.push_back({*labels, families.of((**line).name), inferscope::ShownOn::raw, {}});
        values.push_back((**line).value);
    }
    inferscope::exposition::LatestRows rows;
    const auto group = rows.open_group("page");
    rows.add_columns(group, columns);
    if (!rows.append_row(group, {.time = 0, .values = values, .changed = {}})) return 1;
    std::string out;
    rows.render(inferscope::ShownOn::raw, to, out);
    std::fwrite(out.data(), 1, out.size(), stdout);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const auto format = [](std::string_view word) {
        return word == "text" ? Format::text : Format::openmetrics;
    };
    if (argc == 3) return render(read_all(stdin), format(argv[1]), format(argv[2]));
    fmt::print(stderr, "usage: render_page text|openmetrics text|openmetrics < PAGE\n");
    return 2;
}
