// SPDX-License-Identifier: Apache-2.0
// Series are put into match groups by the labels that must be equal, once for the whole query. A
// group with one series on the one side (and, one-to-one, on the other) can't be ambiguous at any
// step: it is combined by column. The other groups are gone through step by step, as Prometheus
// does, since which of their series meet changes from step to step (a restart under another label).
#include "promql/vector_matching.h"

#include <fmt/format.h>

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "promql/binary_functions.h"

namespace inferscope::promql {
namespace {

using Cardinality = VectorMatching::Cardinality;

LabelSelection matching_labels(const VectorMatching& matching) {
    return matching.is_on ? LabelSelection(matching.labels, true)
                          : LabelSelection::without_name_and(matching.labels);
}

/// The series of both sides that agree in the labels that are matched.
struct MatchGroup {
    std::vector<std::size_t> left;
    std::vector<std::size_t> right;
};

struct MatchGroups {
    std::vector<MatchGroup> groups;
    std::vector<std::size_t> left_group;   // of each row
    std::vector<std::size_t> right_group;  // likewise
};

MatchGroups find_match_groups(const VectorMatching& matching, const VectorValue& left,
                              const VectorValue& right) {
    const auto labels = matching_labels(matching);
    MatchGroups found;
    absl::flat_hash_map<std::string, std::size_t> places;
    std::string key;
    const auto place_of = [&](const SeriesLabels& series) {
        key.clear();
        labels.append_key(series, key);
        const auto [place, is_new] = places.try_emplace(key, found.groups.size());
        if (is_new) found.groups.emplace_back();
        return place->second;
    };
    for (std::size_t row = 0; row < left.size(); ++row) {
        found.left_group.push_back(place_of(left.labels[row]));
        found.groups[found.left_group.back()].left.push_back(row);
    }
    for (std::size_t row = 0; row < right.size(); ++row) {
        found.right_group.push_back(place_of(right.labels[row]));
        found.groups[found.right_group.back()].right.push_back(row);
    }
    return found;
}

/// Of each group, at which steps some of its series on one side has a sample.
class Presence {
public:
    Presence(const VectorValue& side, std::size_t groups, std::size_t steps)
        : side_(side), steps_(steps), present_(groups) {}

    const std::vector<bool>& of(std::size_t group, std::span<const std::size_t> rows) {
        auto& present = present_[group];
        if (!present.empty()) return present;
        present.assign(steps_, false);
        for (const auto row : rows) {
            const auto column = side_.values.row(row);
            for (std::size_t step = 0; step < steps_; ++step) {
                if (is_present(column[step])) present[step] = true;
            }
        }
        return present;
    }

private:
    const VectorValue& side_;
    std::size_t steps_;
    std::vector<std::vector<bool>> present_;
};

/// Makes absent what stands at the other steps.
void keep_where(std::span<double> column, const std::vector<bool>& present, bool is_there) {
    for (std::size_t step = 0; step < column.size(); ++step) {
        if (present[step] != is_there) column[step] = kAbsent;
    }
}

Outcome<VectorValue> unite(VectorValue left, VectorValue right, const MatchGroups& found,
                           std::size_t steps, QueryState& query) {
    // From the right side stays what the left one lacks.
    Presence presence(left, found.groups.size(), steps);
    for (std::size_t row = 0; row < right.size(); ++row) {
        const auto group = found.right_group[row];
        keep_where(right.values.row(row), presence.of(group, found.groups[group].left), false);
    }
    auto values = query.make_matrix(left.size() + right.size(), steps);
    if (!values) return values.error();
    VectorValue result{.labels = left.labels, .values = *std::move(values)};
    for (std::size_t row = 0; row < left.size(); ++row)
        std::ranges::copy(left.values.row(row), result.values.row(row).begin());
    for (std::size_t row = 0; row < right.size(); ++row) {
        result.labels.push_back(right.labels[row]);
        std::ranges::copy(right.values.row(row), result.values.row(left.size() + row).begin());
    }
    result.is_ordered = left.is_ordered;
    if (auto merged = merge_same_labels(result); !merged) return merged.error();
    return result;
}

/// Two vectors as they are being matched. "Many" is the side that may have several series in a
/// group: of one-to-one it is the left one.
class Matching {
public:
    Matching(const Binary& node, VectorValue left, VectorValue right, std::size_t steps,
             QueryState& query)
        : node_(node),
          matching_(*node.matching),
          query_(query),
          is_swapped_(matching_.cardinality == Cardinality::one_to_many),
          left_(std::move(left)),
          right_(std::move(right)),
          steps_(steps),
          found_(find_match_groups(matching_, left_, right_)) {}

    Outcome<VectorValue> evaluate() {
        plan_columns();
        if (auto done = combine_steps(); !done) return done.error();
        return combine_columns();
    }

private:
    /// A series of each side, and the row that they make.
    struct Pair {
        std::size_t many = 0;
        std::size_t one = 0;
        std::size_t group = 0;
        std::size_t row = 0;
    };
    static constexpr std::size_t kFilled = static_cast<std::size_t>(-1);

    [[nodiscard]] const VectorValue& many() const { return is_swapped_ ? right_ : left_; }
    [[nodiscard]] const VectorValue& one() const { return is_swapped_ ? left_ : right_; }
    [[nodiscard]] const std::vector<std::size_t>& many_of(std::size_t group) const {
        return is_swapped_ ? found_.groups[group].right : found_.groups[group].left;
    }
    [[nodiscard]] const std::vector<std::size_t>& one_of(std::size_t group) const {
        return is_swapped_ ? found_.groups[group].left : found_.groups[group].right;
    }
    [[nodiscard]] bool is_one_to_one() const {
        return matching_.cardinality == Cardinality::one_to_one;
    }
    [[nodiscard]] bool fills() const { return matching_.fill_left || matching_.fill_right; }
    [[nodiscard]] bool is_simple(std::size_t group) const {
        if (fills() || one_of(group).size() > 1) return false;
        return !is_one_to_one() || many_of(group).size() < 2;
    }
    [[nodiscard]] bool drops_name() const {
        return changes_meaning(node_.op, query_.dialect()) ||
               (node_.returns_bool && !query_.delays_name_removal());
    }
    [[nodiscard]] Comparison comparison() const {
        return node_.returns_bool ? Comparison::gives_bool : Comparison::filters;
    }

    void plan_columns();
    [[nodiscard]] Labels result_labels(const SeriesLabels& many, const SeriesLabels& one) const;
    std::size_t row_for(const SeriesLabels& many, const SeriesLabels& one);
    [[nodiscard]] Outcome<VectorValue> combine_columns();
    void combine_column(const Pair& pair, std::span<double> out) const;

    [[nodiscard]] Outcome<void> combine_steps();
    [[nodiscard]] Outcome<void> refuse_duplicates(std::size_t group, std::size_t step) const;
    [[nodiscard]] Outcome<void> combine_step(std::size_t group, std::size_t step);
    [[nodiscard]] Outcome<void> combine_pair(std::size_t many, std::size_t one, std::size_t step);
    [[nodiscard]] SeriesLabels labels_of(const VectorValue& side, std::size_t row,
                                         const SeriesLabels& other);
    std::size_t row_of(std::size_t many, std::size_t one);

    const Binary& node_;
    const VectorMatching& matching_;
    QueryState& query_;
    bool is_swapped_;
    VectorValue left_;
    VectorValue right_;
    std::size_t steps_;
    MatchGroups found_;

    std::vector<Pair> pairs_;  // to be combined by column
    std::vector<std::size_t> groups_by_step_;
    std::vector<SeriesLabels> labels_;                    // of the result's rows
    absl::flat_hash_map<std::string, std::size_t> rows_;  // by labels
    absl::flat_hash_map<std::pair<std::size_t, std::size_t>, std::size_t> row_of_pair_;
    std::vector<std::vector<double>> by_step_;  // rows that were made step by step
    std::vector<std::size_t> matched_;          // rows made by a group at a step
};

Labels Matching::result_labels(const SeriesLabels& many, const SeriesLabels& one) const {
    LabelsBuilder builder;
    many.for_each([&](const Label& label) {
        if (label.name == kMetricName && drops_name()) return;
        if (is_one_to_one()) {
            const auto& names = matching_.labels;
            const bool is_named = std::ranges::find(names, label.name) != names.end();
            if (is_named != matching_.is_on) return;
        }
        builder.set(label.name, label.value);
    });
    for (const auto& name : matching_.include) builder.set(name, one.get(name));
    return builder.build();
}

std::size_t Matching::row_for(const SeriesLabels& many, const SeriesLabels& one) {
    auto labels = result_labels(many, one);
    const auto [place, is_new] = rows_.try_emplace(std::string(labels.bytes()), labels_.size());
    if (!is_new) return place->second;
    auto kept = query_.labels.keep(std::move(labels));
    kept.set_drops_name(node_.returns_bool);
    labels_.push_back(kept);
    return place->second;
}

/// Finds what can be combined by column: groups whose rows nobody else makes.
void Matching::plan_columns() {
    std::vector<bool> goes_by_step(found_.groups.size(), false);
    std::vector<std::size_t> maker;  // of each row: the group
    for (std::size_t group = 0; group < found_.groups.size(); ++group) {
        goes_by_step[group] = !is_simple(group);
        if (goes_by_step[group] || one_of(group).empty()) continue;
        for (const auto row : many_of(group)) {
            Pair pair{row, one_of(group)[0], group, 0};
            pair.row = row_for(many().labels[row], one().labels[pair.one]);
            if (pair.row < maker.size()) {
                goes_by_step[group] = true;
                goes_by_step[maker[pair.row]] = true;
            } else {
                maker.push_back(group);
            }
            pairs_.push_back(pair);
        }
    }
    std::erase_if(pairs_, [&](const Pair& pair) { return goes_by_step[pair.group]; });
    for (std::size_t group = 0; group < found_.groups.size(); ++group) {
        if (goes_by_step[group]) groups_by_step_.push_back(group);
    }
}

void Matching::combine_column(const Pair& pair, std::span<double> out) const {
    const auto left = left_.values.row(is_swapped_ ? pair.one : pair.many);
    const auto right = right_.values.row(is_swapped_ ? pair.many : pair.one);
    binary_columns(node_.op, comparison(), left, right, out);
}

Outcome<VectorValue> Matching::combine_columns() {
    auto values = query_.make_matrix(labels_.size(), steps_);
    if (!values) return values.error();
    by_step_.resize(labels_.size());
    std::vector<bool> has_column(labels_.size(), false);
    for (const auto& pair : pairs_) has_column[pair.row] = true;
    for (std::size_t row = 0; row < labels_.size(); ++row) {
        if (!has_column[row]) std::ranges::fill(values->row(row), kAbsent);
    }
    auto done = query_.for_each_block(
        pairs_.size(), pairs_.size() * steps_, [&](std::size_t begin, std::size_t end) {
            for (auto at = begin; at < end; ++at)
                combine_column(pairs_[at], values->row(pairs_[at].row));
        });
    if (!done) return done.error();
    for (std::size_t row = 0; row < labels_.size(); ++row) {
        if (by_step_[row].empty()) continue;
        if (!add_column(values->row(row), by_step_[row])) return same_labels_error();
    }
    VectorValue result;
    result.labels = std::move(labels_);
    result.values = *std::move(values);
    result.is_ordered = many().is_ordered;
    result.differ_without_name = drops_name();
    return result;
}

std::vector<bool> steps_with_samples(const VectorValue& vector, std::size_t steps) {
    std::vector<bool> has_some(steps, false);
    for (std::size_t row = 0; row < vector.size(); ++row) {
        const auto column = vector.values.row(row);
        for (std::size_t step = 0; step < steps; ++step) {
            if (is_present(column[step])) has_some[step] = true;
        }
    }
    return has_some;
}

Outcome<void> Matching::combine_steps() {
    if (groups_by_step_.empty()) return {};
    const auto has_left = steps_with_samples(left_, steps_);
    const auto has_right = steps_with_samples(right_, steps_);
    for (std::size_t step = 0; step < steps_; ++step) {
        if (auto may_go_on = query_.check(); !may_go_on) return may_go_on;
        if (!(has_left[step] && has_right[step]) && !fills()) continue;
        for (const auto group : groups_by_step_) {
            if (auto unique = refuse_duplicates(group, step); !unique) return unique;
        }
        for (const auto group : groups_by_step_) {
            if (auto done = combine_step(group, step); !done) return done;
        }
    }
    return {};
}

Outcome<void> Matching::refuse_duplicates(std::size_t group, std::size_t step) const {
    std::optional<std::size_t> first;
    for (const auto row : one_of(group)) {
        if (is_absent(one().values.row(row)[step])) continue;
        if (!first) {
            first = row;
            continue;
        }
        const auto labels = one().labels[row].build();
        auto here = to_message_text(labels);
        auto there = to_message_text(one().labels[*first].build());
        if (!query_.is_prometheus2() && there < here) std::swap(here, there);
        return execution_error(fmt::format(
            "found duplicate series for the match group {} on the {} hand-side of the operation: "
            "[{}, {}];many-to-many matching not allowed: matching labels must be unique on one "
            "side",
            to_message_text(matching_labels(matching_).select(one().labels[row])),
            is_swapped_ ? "left" : "right", here, there));
    }
    return {};
}

Outcome<void> Matching::combine_step(std::size_t group, std::size_t step) {
    matched_.clear();
    const auto is_there = [step](const VectorValue& side) {
        return [&side, step](std::size_t row) { return is_present(side.values.row(row)[step]); };
    };
    const auto single = std::ranges::find_if(one_of(group), is_there(one()));
    const bool has_one = single != one_of(group).end();
    for (const auto row : many_of(group)) {
        if (!is_there(many())(row) || (!has_one && !matching_.fill_right)) continue;
        if (auto done = combine_pair(row, has_one ? *single : kFilled, step); !done) return done;
    }
    if (!has_one || !matching_.fill_left || !matched_.empty()) return {};
    return combine_pair(kFilled, *single, step);
}

SeriesLabels Matching::labels_of(const VectorValue& side, std::size_t row,
                                 const SeriesLabels& other) {
    if (row != kFilled) return side.labels[row];
    return query_.labels.keep(matching_labels(matching_).select(other));
}

std::size_t Matching::row_of(std::size_t many_row, std::size_t one_row) {
    const auto [place, is_new] = row_of_pair_.try_emplace({many_row, one_row}, 0);
    if (is_new) {
        const auto& known = many_row == kFilled ? one().labels[one_row] : many().labels[many_row];
        place->second =
            row_for(labels_of(many(), many_row, known), labels_of(one(), one_row, known));
    }
    return place->second;
}

Outcome<void> Matching::combine_pair(std::size_t many_row, std::size_t one_row, std::size_t step) {
    const double of_many =
        many_row == kFilled ? *matching_.fill_left : many().values.row(many_row)[step];
    const double of_one =
        one_row == kFilled ? *matching_.fill_right : one().values.row(one_row)[step];
    double value = kAbsent;
    binary_columns(node_.op, comparison(), std::span(is_swapped_ ? &of_one : &of_many, 1),
                   std::span(is_swapped_ ? &of_many : &of_one, 1), std::span(&value, 1));
    // 2.42 looks for ambiguity among what a comparison leaves; 3 among all.
    if (is_absent(value) && query_.is_prometheus2()) return {};
    const auto row = row_of(many_row, one_row);
    if (is_one_to_one() && !matched_.empty()) {
        return execution_error(
            "multiple matches for labels: many-to-one matching must be explicit "
            "(group_left/group_right)");
    }
    if (std::ranges::find(matched_, row) != matched_.end()) {
        return execution_error(
            "multiple matches for labels: grouping labels must ensure unique matches");
    }
    matched_.push_back(row);
    if (is_absent(value)) return {};
    by_step_.resize(labels_.size());
    auto& column = by_step_[row];
    if (column.empty()) column.assign(steps_, kAbsent);
    if (is_present(column[step])) return same_labels_error();
    column[step] = value;
    return {};
}

}  // namespace

bool changes_meaning(BinaryOp op, Dialect dialect) {
    // 2.42 has forgotten atan2 (shouldDropMetricName).
    return op <= BinaryOp::pow || (op == BinaryOp::atan2 && dialect == Dialect::prometheus3);
}

Outcome<VectorValue> combine_sets(const Binary& node, VectorValue left, VectorValue right,
                                  std::size_t steps, QueryState& query) {
    const auto found = find_match_groups(*node.matching, left, right);
    if (node.op == BinaryOp::set_or)
        return unite(std::move(left), std::move(right), found, steps, query);
    Presence presence(right, found.groups.size(), steps);
    for (std::size_t row = 0; row < left.size(); ++row) {
        const auto group = found.left_group[row];
        keep_where(left.values.row(row), presence.of(group, found.groups[group].right),
                   node.op == BinaryOp::set_and);
    }
    return left;
}

Outcome<VectorValue> match_vectors(const Binary& node, VectorValue left, VectorValue right,
                                   std::size_t steps, QueryState& query) {
    return Matching(node, std::move(left), std::move(right), steps, query).evaluate();
}

}  // namespace inferscope::promql
