// SPDX-License-Identifier: Apache-2.0
// Reads a page from standard input and prints what Inferscope's parser makes of it, for tests that
// compare it with other parsers: `dump_page text|openmetrics < PAGE`. One line for each sample:
// SERIES, the value's bits in hexadecimal, and the timestamp in ms if there is one, separated by
// tabs. A refused page: the reason to standard error, exit status 1.
#include <fmt/format.h>

#include <bit>
#include <cstdio>
#include <string>
#include <string_view>

#include "exposition/parser.h"

namespace {

using inferscope::exposition::Format;

std::string read_all(std::FILE* file) {
    std::string page;
    char buffer[65536];
    while (const std::size_t got = std::fread(buffer, 1, sizeof(buffer), file))
        page.append(buffer, got);
    return page;
}

int refuse(const inferscope::ParseError& error) {
    fmt::print(stderr, "{}\n", error.message());
    return 1;
}

int dump(std::string_view page, Format format) {
    inferscope::exposition::LineReader reader(page, format);
    while (true) {
        const auto line = reader.next();
        if (!line) return refuse(line.error());
        if (!*line) return 0;
        const auto& sample = **line;
        if (sample.kind != inferscope::exposition::Line::Kind::sample) continue;
        auto labels = inferscope::exposition::parse_series(sample.key);
        if (!labels) {
            labels.error().line = reader.line_number();
            return refuse(labels.error());
        }
        fmt::print("{}\t{:016x}\t", labels->to_text(), std::bit_cast<std::uint64_t>(sample.value));
        if (sample.time) fmt::print("{}", *sample.time);
        fmt::print("\n");
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view format = argc == 2 ? argv[1] : "";
    if (format == "text") return dump(read_all(stdin), Format::text);
    if (format == "openmetrics") return dump(read_all(stdin), Format::openmetrics);
    fmt::print(stderr, "usage: dump_page text|openmetrics < PAGE\n");
    return 2;
}
