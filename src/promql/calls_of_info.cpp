// SPDX-License-Identifier: Apache-2.0
// info(): series get the labels of the info series (`target_info`, ...) that have the same job and
// instance. Which info series is meant is judged at each step: the one with the newest sample.
// Source: Prometheus 3.14, promql/info.go.
#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "promql/evaluator.h"

namespace inferscope::promql {
namespace {

constexpr std::string_view kDefaultInfo = "target_info";
constexpr std::array<std::string_view, 2> kIdentifying{"instance", "job"};

/// What the second argument wants, and what follows when there is none.
struct Wanted {
    std::vector<Matcher> names;   // of the info metric
    std::vector<Matcher> labels;  // of its labels

    [[nodiscard]] bool takes_name(std::string_view name) const {
        return std::ranges::all_of(names, [&](const Matcher& one) { return one.matches(name); });
    }
    [[nodiscard]] bool takes_label(std::string_view name) const {
        return labels.empty() || std::ranges::find(labels, name, &Matcher::name) != labels.end();
    }
    /// Whether a series may stay without any info.
    [[nodiscard]] bool takes_nothing() const {
        return std::ranges::all_of(labels, &Matcher::matches_empty);
    }
};

Result<Wanted> wanted_by(const Call& call) {
    Wanted wanted;
    if (call.arguments.size() > 1) {
        const auto& selector = std::get<VectorSelector>(without_parens(*call.arguments[1]).node);
        for (const auto& matcher : selector.matchers)
            (matcher.name() == kMetricName ? wanted.names : wanted.labels).push_back(matcher);
    }
    if (wanted.names.empty()) {
        wanted.names.push_back(Matcher::equal(std::string(kMetricName), std::string(kDefaultInfo)));
    } else if (std::ranges::all_of(wanted.names, &Matcher::is_negative)) {
        auto any = Matcher::make(std::string(kMetricName), MatchOp::regex, ".+_info");
        if (!any) return any.error();
        wanted.names.insert(wanted.names.begin(), *std::move(any));
    }
    return wanted;
}

/// Where the samples of the info series are looked for: as those of the first selector.
struct Modifiers {
    AtModifier at{};
    Duration offset{};
};

bool find_modifiers(const Expr& expr, Modifiers& found) {
    if (const auto* const vector = expr.as<VectorSelector>()) {
        found.at = vector->at;
        found.offset.value = vector->offset.value;
        return true;
    }
    if (const auto* const range = expr.as<RangeSelector>()) {
        found.at = range->vector.at;
        found.offset.value = range->vector.offset.value;
        return true;
    }
    for (const auto* const child : children(expr)) {
        if (!find_modifiers(*child, found)) continue;
        const auto* const subquery = expr.as<Subquery>();
        if (subquery != nullptr && !found.at.is_set()) {
            found.offset.value += subquery->offset.value;
            found.at = subquery->at;
        }
        return true;
    }
    return false;
}

/// What is the same in a series and its info series of that name.
std::string signature(std::string_view info_name, const SeriesLabels& labels) {
    std::string key;
    append_label_key(key, {kMetricName, info_name});
    for (const auto name : kIdentifying) {
        const auto value = labels.get(name);
        if (!value.empty()) append_label_key(key, {name, value});
    }
    return key;
}

/// Info series by signature; their values are the times of samples, in seconds.
class Infos {
public:
    explicit Infos(const VectorValue& vector) : vector_(vector) {
        for (std::size_t row = 0; row < vector.size(); ++row) {
            const auto name = vector.labels[row].get(kMetricName);
            names_.insert(name);
            rows_[signature(name, vector.labels[row])].push_back(row);
        }
    }

    /// For each name the info series that a series has at some step.
    [[nodiscard]] std::vector<std::vector<std::size_t>> candidates(
        const SeriesLabels& labels) const {
        std::vector<std::vector<std::size_t>> all;
        for (const auto name : names_) {
            const auto found = rows_.find(signature(name, labels));
            if (found != rows_.end()) all.push_back(found->second);
        }
        return all;
    }
    /// Fails if two have samples of one time, needed or not.
    [[nodiscard]] Outcome<void> refuse_duplicates(std::size_t step) const {
        for (const auto& [key, rows] : rows_) {
            if (auto chosen = newest(rows, step); !chosen) return chosen.error();
        }
        return {};
    }
    /// Nothing if none has a sample.
    [[nodiscard]] Outcome<std::optional<std::size_t>> newest(const std::vector<std::size_t>& rows,
                                                             std::size_t step) const {
        std::optional<std::size_t> best;
        for (const auto row : rows) {
            const double time = vector_.values.row(row)[step];
            if (is_absent(time)) continue;
            const double known = best ? vector_.values.row(*best)[step] : 0;
            if (best && known == time) return duplicate(*best, row, time);
            if (!best || known < time) best = row;
        }
        return best;
    }
    [[nodiscard]] const SeriesLabels& labels(std::size_t row) const { return vector_.labels[row]; }

private:
    [[nodiscard]] QueryError duplicate(std::size_t known, std::size_t other, double time) const {
        const auto millis = std::llround(time * 1000);
        return execution_error(
            fmt::format("found duplicate series for info metric: existing {} @ {}, new {} @ {}",
                        to_message_text(vector_.labels[known].build()), millis,
                        to_message_text(vector_.labels[other].build()), millis));
    }

    const VectorValue& vector_;
    std::set<std::string_view> names_;
    absl::flat_hash_map<std::string, std::vector<std::size_t>> rows_;
};

/// A series' labels and those of its info series.
Outcome<Labels> join_labels(const SeriesLabels& base, const std::vector<std::size_t>& chosen,
                            const Infos& infos, const Wanted& wanted) {
    LabelsBuilder added;
    std::string conflict;
    for (const auto row : chosen) {
        infos.labels(row).for_each([&](const Label& label) {
            if (label.name == kMetricName || !wanted.takes_label(label.name)) return;
            const auto known = added.get(label.name);
            if (!known.empty() && known != label.value && conflict.empty()) conflict = label.name;
            if (base.get(label.name).empty()) added.set(label.name, label.value);
        });
    }
    if (!conflict.empty()) return execution_error(fmt::format("conflicting label: {}", conflict));
    LabelsBuilder all(base.build());
    for (const auto& [name, value] : added.entries()) all.set(name, value);
    return all.build();
}

/// Series with their infos, step by step.
class Joining {
public:
    Joining(const VectorValue& base, const Infos& infos, const Wanted& wanted, std::size_t steps,
            QueryState& query)
        : base_(base), infos_(infos), wanted_(wanted), steps_(steps), query_(query) {}

    Outcome<VectorValue> evaluate() {
        for (std::size_t step = 0; step < steps_; ++step) {
            if (auto unique = infos_.refuse_duplicates(step); !unique) return unique.error();
        }
        for (std::size_t row = 0; row < base_.size(); ++row) {
            if (auto joined = join(row); !joined) return joined.error();
        }
        auto result = vector_of(std::move(labels_), columns_, steps_, query_);
        if (!result) return result;
        if (auto merged = merge_same_labels(*result); !merged) return merged.error();
        return result;
    }

private:
    Outcome<void> join(std::size_t row) {
        if (auto may_go_on = query_.check(); !may_go_on) return may_go_on;
        const auto& labels = base_.labels[row];
        if (wanted_.takes_name(labels.get(kMetricName))) {
            labels_.push_back(labels);
            const auto column = base_.values.row(row);
            columns_.emplace_back(column.begin(), column.end());
            return {};
        }
        const auto candidates = infos_.candidates(labels);
        std::map<std::vector<std::size_t>, std::size_t> made;
        for (std::size_t step = 0; step < steps_; ++step) {
            const double value = base_.values.row(row)[step];
            if (is_absent(value)) continue;
            std::vector<std::size_t> chosen;
            for (const auto& rows : candidates) {
                const auto newest = infos_.newest(rows, step);
                if (!newest) return newest.error();
                if (*newest) chosen.push_back(**newest);
            }
            if (chosen.empty() && !wanted_.takes_nothing()) continue;
            const auto [place, is_new] = made.try_emplace(chosen, columns_.size());
            if (is_new) {
                if (auto added = add_row(labels, chosen); !added) return added;
            }
            columns_[place->second][step] = value;
        }
        return {};
    }
    Outcome<void> add_row(const SeriesLabels& base, const std::vector<std::size_t>& chosen) {
        auto joined = join_labels(base, chosen, infos_, wanted_);
        if (!joined) return joined.error();
        auto kept = query_.labels.keep(*std::move(joined));
        kept.set_drops_name(base.drops_name());
        labels_.push_back(kept);
        columns_.emplace_back(steps_, kAbsent);
        return {};
    }

    const VectorValue& base_;
    const Infos& infos_;
    const Wanted& wanted_;
    std::size_t steps_;
    QueryState& query_;
    std::vector<SeriesLabels> labels_;
    std::vector<std::vector<double>> columns_;
};

/// Matchers for the info series of these; none if no series has an identifying label.
Result<std::vector<Matcher>> matchers_for(const VectorValue& base, const Wanted& wanted) {
    std::vector<Matcher> matchers;
    for (const auto name : kIdentifying) {
        std::set<std::string_view> values;
        for (const auto& labels : base.labels) {
            if (!wanted.takes_name(labels.get(kMetricName)) && !labels.get(name).empty())
                values.insert(labels.get(name));
        }
        std::string expression;
        for (const auto value : values) {
            if (!expression.empty()) expression += '|';
            expression += RE2::QuoteMeta(value);
        }
        if (values.empty()) continue;
        auto matcher = Matcher::make(std::string(name), MatchOp::regex, std::move(expression));
        if (!matcher) return matcher.error();
        matchers.push_back(*std::move(matcher));
    }
    if (matchers.empty()) return matchers;
    matchers.insert(matchers.end(), wanted.labels.begin(), wanted.labels.end());
    matchers.insert(matchers.end(), wanted.names.begin(), wanted.names.end());
    return matchers;
}

}  // namespace

Outcome<Value> Evaluator::call_info(const Call& call, ByteRange /*place*/, const Steps& steps) {
    auto base = vector(*call.arguments[0], steps);
    if (!base) return base.error();
    const auto wanted = wanted_by(call);
    if (!wanted) return execution_error(wanted.error().text);
    const auto matchers = matchers_for(*base, *wanted);
    if (!matchers) return execution_error(matchers.error().text);
    Modifiers modifiers;
    static_cast<void>(find_modifiers(*call.arguments[0], modifiers));
    const auto times = plan_.range_times(modifiers.at, modifiers.offset, steps);
    const WindowSpec spec{times.first, times.interval, query_.lookback(), false, steps.count};
    Selection selection;
    if (!matchers->empty()) {
        const auto last = times.first + static_cast<Timestamp>(steps.count - 1) * times.interval;
        auto read = read_selection({&*matchers, {times.first - query_.lookback() + 1, last}});
        if (!read) return read.error();
        selection = *std::move(read);
    }
    const SeriesColumns columns(std::move(selection), false);
    const auto infos = look_back(columns, spec, steps, true);
    if (!infos) return infos.error();
    auto joined = Joining(*base, Infos(*infos), *wanted, steps.count, query_).evaluate();
    if (!joined) return joined.error();
    return Value(*std::move(joined));
}

}  // namespace inferscope::promql
