// SPDX-License-Identifier: Apache-2.0
// First line: an expression; the rest: a value. What Pattern answers without RE2 must be what RE2
// answers, and what it says of its values and its prefix must be true.
#include <re2/re2.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/text.h"
#include "telemetry/matcher.h"

namespace inferscope {
namespace {

constexpr std::size_t kMaxPattern = 200;  // longer ones only cost time
constexpr std::size_t kMaxValuesTried = 50;

bool re2_matches(std::string_view text, std::string_view value, RegexDialect dialect) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(dialect == RegexDialect::prometheus3);
    const RE2 regex({text.data(), text.size()}, options);
    CHECK(regex.ok(), "what Pattern takes, RE2 takes");
    return RE2::FullMatch({value.data(), value.size()}, regex);
}

void check(std::string_view text, std::string_view value, RegexDialect dialect) {
    const auto pattern = Pattern::compile(text, dialect);
    if (!pattern) {
        CHECK(is_valid_utf8(pattern.error().text), "a message can be shown");
        return;
    }
    const auto values = pattern->values();
    CHECK(std::ranges::is_sorted(values), "values are sorted");
    for (const auto& known : values.first(std::min(values.size(), kMaxValuesTried))) {
        CHECK(pattern->matches(known), "a value matches");
        CHECK(re2_matches(text, known, dialect), "RE2 knows the values, too");
    }
    if (!is_valid_utf8(value)) return;  // RE2 matches none of these, we and Go do
    const bool matches = pattern->matches(value);
    CHECK(matches == re2_matches(text, value, dialect), "RE2 says the same");
    CHECK(!matches || value.starts_with(pattern->prefix()), "a match starts with the prefix");
    CHECK(!matches || values.empty() || std::ranges::binary_search(values, value),
          "a match is one of the values");
}

void check_quoting(std::string_view text, std::string_view value) {
    const auto matcher = Matcher::not_equal(std::string(text), std::string(value));
    CHECK(is_valid_utf8(matcher.to_text()), "a matcher can be shown");
    CHECK(matcher.to_text().find('\n') == std::string::npos, "a matcher is one line");
}

}  // namespace
}  // namespace inferscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto line = input.find('\n');
    const auto text = input.substr(0, std::min(line, inferscope::kMaxPattern));
    const auto value = line == std::string_view::npos ? "" : input.substr(line + 1);
    inferscope::check(text, value, inferscope::RegexDialect::prometheus3);
    inferscope::check(text, value, inferscope::RegexDialect::prometheus2);
    inferscope::check_quoting(text, value);
    return 0;
}
