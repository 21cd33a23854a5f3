// SPDX-License-Identifier: Apache-2.0
// A query in both dialects, with all features and without. Whatever is understood can be printed,
// answered as JSON and, but for what Prometheus itself prints wrongly, read back as the same.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/text.h"
#include "promql/ast_json.h"
#include "promql/durations.h"
#include "promql/parser.h"
#include "promql/printer.h"
#include "promql/selector.h"

namespace inferscope::promql {
namespace {

constexpr std::size_t kMostBytes = 4096;  // longer ones only cost time

std::string in_lower_case(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    });
    return lower;
}

/// `offset - -1m + 1m` adds durations, but `offset 1m + 1m` an offset vector and a minute.
bool has_offset_arithmetic(const Expr& expr) {
    const auto is_arithmetic = [](const auto& node) {
        if constexpr (requires { node.vector.offset; }) return node.vector.offset.expr != nullptr;
        if constexpr (requires { node.offset; }) return node.offset.expr != nullptr;
        return false;
    };
    if (std::visit(is_arithmetic, expr.node)) return true;
    return std::ranges::any_of(children(expr),
                               [](const Expr* child) { return has_offset_arithmetic(*child); });
}

/// Prometheus prints some trees as another one's text: infinity as the base of a power, an
/// interval below a millisecond as none, an empty selector (of `info`) as nothing, quoted labels
/// that are keywords without their quotes.
bool is_printed_rightly(std::string_view text) {
    constexpr std::array<std::string_view, 6> kSigns{"inf", "nan", "without", "[0s", ":0s", "-0s"};
    const auto lower = in_lower_case(text);
    return std::ranges::none_of(kSigns, [&](auto sign) { return lower.contains(sign); });
}

void check(std::string_view query, Language language, bool is_plain) {
    const auto expr = parse_query(query, language);
    if (!expr) {
        CHECK(is_valid_utf8(expr.error().text), "a message can be shown");
        return;
    }
    const auto dialect = language.dialect();
    const auto text = to_text(**expr, dialect);
    CHECK(is_valid_utf8(to_json(**expr)), "JSON is UTF-8");
    CHECK((*expr)->range.end <= query.size(), "a node stands in the text");
    (void)resolve_durations(**expr, Millis(15'000), Millis(3'600'000));
    if (!is_plain || !is_printed_rightly(text) || has_offset_arithmetic(**expr)) return;
    const auto again = parse_query(text, language);
    CHECK(again.has_value(), "what is printed is understood");
    CHECK(to_text(**again, dialect) == text, "and printed as before");
    const auto pretty = parse_query(to_pretty_text(**expr, dialect), language);
    CHECK(pretty.has_value() && to_text(**pretty, dialect) == text, "so is the pretty form");
}

}  // namespace
}  // namespace inferscope::promql

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace inferscope::promql;
    const std::string_view query(reinterpret_cast<const char*>(data), std::min(size, kMostBytes));
    Language all;
    for (const auto feature : {Feature::experimental_functions, Feature::extended_range_selectors,
                               Feature::fill_modifiers})
        all.enable(feature);
    check(query, all, false);
    check(query, Language(), true);
    check(query, Language(Dialect::prometheus2), true);
    (void)parse_selector(query);
    return 0;
}
