// SPDX-License-Identifier: Apache-2.0
// Tables of queries, for tests.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "promql/parser.h"
#include "promql/printer.h"

namespace inferscope::promql {

inline Language with_all_features() {
    Language language;
    for (const auto feature : {Feature::experimental_functions, Feature::extended_range_selectors,
                               Feature::fill_modifiers})
        language.enable(feature);
    return language;
}

struct QueryCase {
    std::string_view query;
    std::string_view expected;
};

/// What it is printed as, or what is wrong: "1:5: unexpected ...".
inline std::string outcome(std::string_view query, Language language) {
    const auto expr = parse_query(query, language);
    if (expr) return to_text(**expr, language.dialect());
    const auto& error = expr.error();
    return (error.line == 0 ? "unknown position"
                            : std::to_string(error.line) + ":" + std::to_string(error.column)) +
           ": " + error.text;
}

inline void expect_printed(const std::vector<QueryCase>& cases,
                           Language language = with_all_features()) {
    for (const auto& [query, expected] : cases)
        EXPECT_EQ(outcome(query, language), expected) << query;
}

inline void expect_unchanged(const std::vector<std::string_view>& queries,
                             Language language = with_all_features()) {
    for (const auto query : queries) EXPECT_EQ(outcome(query, language), query);
}

inline void expect_refused(const std::vector<QueryCase>& cases,
                           Language language = with_all_features()) {
    for (const auto& [query, expected] : cases) {
        EXPECT_EQ(outcome(query, language), expected) << query;
        EXPECT_FALSE(parse_query(query, language)) << query;
    }
}

}  // namespace inferscope::promql
