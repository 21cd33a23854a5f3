// SPDX-License-Identifier: Apache-2.0
// Evaluates what dashboards and rules ask: each expression over series made from its own selectors,
// as an instant and as a range query. What series it would meet elsewhere isn't known, but whether
// it is understood can be said without them.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "promql/engine.h"
#include "promql/parser.h"
#include "promql/stored_for_test.h"

namespace inferscope::promql {

namespace dashboard_queries {

inline constexpr Timestamp kEnd = 7'200'000;
inline constexpr Timestamp kInterval = 30'000;

inline void collect_selectors(const Expr& expr, std::vector<const VectorSelector*>& found) {
    if (const auto* vector = expr.as<VectorSelector>()) found.push_back(vector);
    if (const auto* range = expr.as<RangeSelector>()) found.push_back(&range->vector);
    for (const auto* child : children(expr)) collect_selectors(*child, found);
}

/// A value that all of the name's matchers accept, as far as one is found.
inline std::string value_for(std::string_view name, std::span<const Matcher> matchers) {
    std::vector<std::string> candidates{""};
    for (const auto& matcher : matchers) {
        if (matcher.name() != name || matcher.is_negative()) continue;
        const auto values = matcher.values();
        candidates.insert(candidates.end(), values.begin(), values.end());
        candidates.emplace_back(std::string(matcher.prefix()) + "a");
    }
    for (const auto* other : {"a", "1", "a_b", "a-1", "0:0"}) candidates.emplace_back(other);
    for (const auto& candidate : candidates) {
        const bool fits = std::ranges::all_of(matchers, [&](const Matcher& matcher) {
            return matcher.name() != name || matcher.matches(candidate);
        });
        if (fits) return candidate;
    }
    return "";
}

/// What the selector selects: one series, of buckets one for each bound.
inline std::vector<Labels> series_for(const VectorSelector& selector) {
    LabelsBuilder builder;
    builder.set(kMetricName, "any");
    std::set<std::string> names;
    for (const auto& matcher : selector.matchers) names.insert(matcher.name());
    for (const auto& name : names) {
        const auto value = value_for(name, selector.matchers);
        if (!value.empty()) builder.set(name, value);
    }
    const auto labels = builder.build();
    if (!labels.metric_name().ends_with("_bucket") || labels.has("le")) return {labels};
    std::vector<Labels> buckets;
    for (const auto* bound : {"0.1", "1", "+Inf"}) {
        builder.set("le", bound);
        buckets.push_back(builder.build());
    }
    return buckets;
}

/// Counts up, is reset once, and is no whole number.
inline double value_at(Timestamp time, std::size_t series) {
    const auto samples = static_cast<double>((time % 5'000'000) / kInterval);
    return samples * 1.5 + static_cast<double>(series) + 0.25;
}

inline StoredForTest stored_for(const Expr& expr) {
    std::vector<const VectorSelector*> selectors;
    collect_selectors(expr, selectors);
    std::set<Labels> all;
    for (const auto* selector : selectors) {
        for (auto& labels : series_for(*selector)) all.insert(std::move(labels));
    }
    StoredForTest stored;
    std::size_t number = 0;
    for (const auto& labels : all) {
        ++number;
        for (Timestamp time = 0; time <= kEnd; time += kInterval)
            stored.add(labels, time, value_at(time, number));
    }
    return stored;
}

}  // namespace dashboard_queries

struct DashboardOutcome {
    std::string error;        ///< why it can't be evaluated; empty if it can
    bool has_answer = false;  ///< of either query, anything at all
};

/// Parses and evaluates `query` in that language.
inline DashboardOutcome evaluate_dashboard_query(const std::string& query, Language language) {
    using namespace dashboard_queries;
    const auto expr = parse_query(query, language);
    if (!expr) {
        const auto& error = expr.error();
        return {fmt::format("{}:{}: {}", error.line, error.column, error.text), false};
    }
    const auto stored = stored_for(**expr);
    EngineOptions options;
    options.language = language;
    const Engine engine(stored, options);
    const auto instant = engine.instant(query, kEnd);
    if (!instant) return {"instant: " + instant.error().text, false};
    bool has_answer = instant->type != ValueType::instant_vector || !instant->series.empty();
    const auto type = type_of(**expr);
    if (type != ValueType::instant_vector && type != ValueType::scalar) return {"", has_answer};
    const auto range = engine.range(query, {kEnd / 2, kEnd, Millis{60'000}});
    if (!range) return {"range: " + range.error().text, false};
    has_answer = has_answer || !range->series.empty();
    return {"", has_answer};
}

/// The expressions of a file: one a line, `#` starts a line that isn't one.
inline std::vector<std::string> dashboard_queries_in(std::string_view text) {
    std::vector<std::string> queries;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        if (!line.empty() && !line.starts_with('#')) queries.emplace_back(line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return queries;
}

}  // namespace inferscope::promql
