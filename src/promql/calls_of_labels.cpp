// SPDX-License-Identifier: Apache-2.0
// Functions that look at labels, or at the order of series.
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <compare>
#include <numeric>
#include <utility>

#include "promql/evaluator.h"

namespace inferscope::promql {
namespace {

const std::string& text_of(const Expr& expr) {
    return std::get<StringLiteral>(without_parens(expr).node).value;
}

bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}

/// A replacement as Go's regexp.Expand reads it: `$1`, `${name}`, `$$`.
class Template {
public:
    Template(std::string_view text, const RE2& regex) {
        const auto& names = regex.NamedCapturingGroups();
        while (!text.empty()) {
            const auto dollar = text.find('$');
            add_literal(text.substr(0, dollar));
            if (dollar == std::string_view::npos) break;
            text.remove_prefix(dollar + 1);
            if (text.starts_with('$')) {
                add_literal("$");
                text.remove_prefix(1);
                continue;
            }
            const auto name = take_name(text);
            if (name.empty()) {
                add_literal("$");  // not the start of anything
                continue;
            }
            add_group(name, names);
        }
    }

    [[nodiscard]] std::string expand(std::span<const re2::StringPiece> groups) const {
        std::string out;
        for (const auto& part : parts_) {
            out += part.literal;
            if (part.group >= 0 && static_cast<std::size_t>(part.group) < groups.size())
                out += std::string_view(groups[static_cast<std::size_t>(part.group)]);
        }
        return out;
    }

private:
    struct Part {
        std::string literal;
        int group = -1;
    };

    void add_literal(std::string_view text) { parts_.push_back({std::string(text), -1}); }
    /// Takes it from the text; empty, and nothing taken, if there is none.
    static std::string_view take_name(std::string_view& text) {
        const bool has_brace = text.starts_with('{');
        const auto start = has_brace ? 1U : 0U;
        auto end = static_cast<std::size_t>(start);
        while (end < text.size() && is_name_byte(text[end])) ++end;
        if (has_brace && (end == text.size() || text[end] != '}')) return {};
        const auto name = text.substr(start, end - start);
        if (!name.empty()) text.remove_prefix(has_brace ? end + 1 : end);
        return name;
    }
    void add_group(std::string_view name, const std::map<std::string, int>& names) {
        int number = -1;
        const auto* const end = name.data() + name.size();
        const auto [rest, error] = std::from_chars(name.data(), end, number);
        if (error != std::errc() || rest != end) {
            const auto named = names.find(std::string(name));
            number = named == names.end() ? -1 : named->second;
        }
        parts_.push_back({"", number});
    }

    std::vector<Part> parts_;
};

/// The series with another value in one label.
SeriesLabels with_label(const SeriesLabels& labels, std::string_view name, std::string_view value,
                        QueryState& query) {
    LabelsBuilder builder;
    labels.for_each([&](const Label& label) { builder.set(label.name, label.value); });
    builder.set(name, value);
    auto changed = query.labels.keep(builder.build());
    changed.set_drops_name(labels.drops_name() && name != kMetricName);
    return changed;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes a run of digits, or of other characters.
std::string_view take_chunk(std::string_view& text) {
    std::size_t end = 0;
    while (end < text.size() && is_digit(text[end]) == is_digit(text[0])) ++end;
    const auto chunk = text.substr(0, end);
    text.remove_prefix(end);
    return chunk;
}

/// Digits as numbers of any length, all else as texts.
std::strong_ordering compare_chunks(std::string_view a, std::string_view b) {
    if (is_digit(a[0]) && is_digit(b[0])) {
        a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
        b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
        if (a.size() != b.size()) return a.size() <=> b.size();
    }
    return a <=> b;
}

/// "a2" before "a10". Source: facette/natsort, which Prometheus uses; but here it is an order of
/// all texts, which sorting relies on: "01" and "1", of which natsort says that each precedes the
/// other, stand as texts do, and an empty one precedes all.
bool is_naturally_less(std::string_view a, std::string_view b) {
    auto rest_of_a = a;
    auto rest_of_b = b;
    while (!rest_of_a.empty() && !rest_of_b.empty()) {
        const auto order = compare_chunks(take_chunk(rest_of_a), take_chunk(rest_of_b));
        if (order != 0) return order < 0;
    }
    if (rest_of_a.empty() != rest_of_b.empty()) return rest_of_a.empty();
    return a < b;
}

std::vector<std::size_t> places_in(const VectorValue& vector) {
    std::vector<std::size_t> places(vector.size());
    std::iota(places.begin(), places.end(), std::size_t{0});
    return places;
}

std::string regex_of(const std::string& text, const QueryState& query) {
    return fmt::format("^(?{}:{})$", query.is_prometheus2() ? "" : "s", text);
}

}  // namespace

Outcome<Value> Evaluator::call_label_replace(const Call& call, ByteRange /*place*/,
                                             const Steps& steps) {
    const auto& target = text_of(*call.arguments[1]);
    const auto& source = text_of(*call.arguments[3]);
    const auto& expression = text_of(*call.arguments[4]);
    RE2::Options options;
    options.set_log_errors(false);
    const RE2 regex(regex_of(expression, query_), options);
    if (!regex.ok()) {
        return execution_error(
            fmt::format("invalid regular expression in label_replace(): {}", expression));
    }
    if (!query_.is_label_name(target)) {
        return execution_error(
            fmt::format("invalid destination label name in label_replace(): {}", target));
    }
    auto vector = this->vector(*call.arguments[0], steps);
    if (!vector) return vector.error();
    const Template replacement(text_of(*call.arguments[2]), regex);
    std::vector<re2::StringPiece> groups(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) +
                                         1);
    for (auto& labels : vector->labels) {
        const auto value = labels.get(source);
        if (!regex.Match(value, 0, value.size(), RE2::UNANCHORED, groups.data(),
                         static_cast<int>(groups.size())))
            continue;
        labels = with_label(labels, target, replacement.expand(groups), query_);
    }
    vector->differ_without_name = false;
    if (auto merged = merge_same_labels(*vector); !merged) return merged.error();
    return Value(*std::move(vector));
}

Outcome<Value> Evaluator::call_label_join(const Call& call, ByteRange /*place*/,
                                          const Steps& steps) {
    const auto& target = text_of(*call.arguments[1]);
    const auto& separator = text_of(*call.arguments[2]);
    for (std::size_t i = 3; i < call.arguments.size(); ++i) {
        const auto& source = text_of(*call.arguments[i]);
        if (query_.is_label_name(source)) continue;
        return execution_error(
            fmt::format("invalid source label name in label_join(): {}", source));
    }
    if (!query_.is_label_name(target)) {
        return execution_error(
            fmt::format("invalid destination label name in label_join(): {}", target));
    }
    auto vector = this->vector(*call.arguments[0], steps);
    if (!vector) return vector.error();
    for (auto& labels : vector->labels) {
        std::string joined;
        for (std::size_t i = 3; i < call.arguments.size(); ++i) {
            if (i > 3) joined += separator;
            joined += labels.get(text_of(*call.arguments[i]));
        }
        labels = with_label(labels, target, joined, query_);
    }
    vector->differ_without_name = false;
    if (auto merged = merge_same_labels(*vector); !merged) return merged.error();
    return Value(*std::move(vector));
}

Outcome<Value> Evaluator::call_sort(const Call& call, ByteRange place, const Steps& steps) {
    auto vector = this->vector(*call.arguments[0], steps);
    if (!vector) return vector.error();
    if (steps.count > 1) {
        query_.annotations.warn_of_sort_in_range_query(place);
        return Value(*std::move(vector));
    }
    auto order = places_in(*vector);
    const bool is_descending = call.function->name == "sort_desc";
    const auto value_at = [&](std::size_t row) { return vector->values.row(row)[0]; };
    std::erase_if(order, [&](std::size_t row) { return is_absent(value_at(row)); });
    std::ranges::sort(order, [&](std::size_t left, std::size_t right) {
        const double a = value_at(left);
        const double b = value_at(right);
        if (std::isnan(a) != std::isnan(b)) return std::isnan(b);
        if (a < b || b < a) return is_descending == (b < a);
        return left < right;
    });
    return take_rows(*vector, order, query_);
}

Outcome<Value> Evaluator::call_sort_by_label(const Call& call, ByteRange place,
                                             const Steps& steps) {
    auto vector = this->vector(*call.arguments[0], steps);
    if (!vector) return vector.error();
    if (steps.count > 1) {
        query_.annotations.warn_of_sort_in_range_query(place);
        return Value(*std::move(vector));
    }
    auto order = places_in(*vector);
    std::vector<Labels> all;
    for (const auto& labels : vector->labels) all.push_back(labels.build());
    const auto precedes = [&](std::size_t left, std::size_t right) {
        for (std::size_t i = 1; i < call.arguments.size(); ++i) {
            const auto& name = text_of(*call.arguments[i]);
            const auto a = vector->labels[left].get(name);
            const auto b = vector->labels[right].get(name);
            if (a != b) return is_naturally_less(a, b);
        }
        return all[left] < all[right];
    };
    const bool is_descending = call.function->name == "sort_by_label_desc";
    std::ranges::sort(order, [&](std::size_t left, std::size_t right) {
        return is_descending ? precedes(right, left) : precedes(left, right);
    });
    return take_rows(*vector, order, query_);
}

}  // namespace inferscope::promql
