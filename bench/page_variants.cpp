// SPDX-License-Identifier: Apache-2.0
#include "bench/page_variants.h"

#include <fstream>
#include <random>
#include <sstream>

#include "base/check.h"
#include "base/numbers.h"

namespace inferscope::bench {
namespace {

/// As prometheus_client writes floats: whole numbers with ".0".
std::string random_value(std::mt19937_64& random) {
    const auto digits = static_cast<double>(random() % 1'000'000);
    std::string text = format_number(random() % 2 == 0 ? digits : digits / 1000);
    if (text.find('.') == std::string::npos) text += ".0";
    return text;
}

}  // namespace

std::string read_text(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    CHECK(!text.str().empty(), "the page can be read");
    return text.str();
}

std::vector<std::string> variants_of(const std::string& page) {
    std::mt19937_64 random(1);
    std::vector<std::string> pages(kVariants);
    std::stringstream lines(page);
    std::string line;
    while (std::getline(lines, line)) {
        const bool changes = !line.starts_with('#') && random() % 5 < 2;
        for (auto& variant : pages) {
            variant += changes ? line.substr(0, line.rfind(' ') + 1) + random_value(random) : line;
            variant += '\n';
        }
    }
    return pages;
}

}  // namespace inferscope::bench
