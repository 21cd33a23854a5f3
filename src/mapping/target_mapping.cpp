// SPDX-License-Identifier: Apache-2.0
// How a column finds its rules: by hash of its family (once per new column), in up to three
// spellings, see find_plans(). What is published is decided over all columns of one call, best rule
// first.
#include "mapping/target_mapping.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/numbers.h"
#include "mapping/plans.h"
#include "mapping/slots.h"
#include "telemetry/bound.h"

namespace inferscope::mapping {
namespace {

constexpr std::string_view kModelName = "model_name";
constexpr std::uint32_t kNoColumn = UINT32_MAX;

bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool has_components(MetricType type) {
    return type == MetricType::histogram || type == MetricType::gauge_histogram ||
           type == MetricType::summary;
}

/// A unified series that a column could become.
struct Candidate {
    std::size_t rank = 0;
    std::size_t column = 0;
    ActiveRule active;
    std::string_view suffix;
    Labels labels;
};

/// Rank wins, then the place on the page.
bool operator<(const Candidate& a, const Candidate& b) {
    return std::pair(a.rank, a.column) < std::pair(b.rank, b.column);
}

}  // namespace

struct TargetMapping::State {
    // Fixed with the target.
    const Runtime& runtime;
    Labels base;
    Plans plans;

    // What the page has shown so far.
    NameSet native;                                 ///< names of aliases that the page has itself
    std::vector<std::pair<bool, bool>> ratio_seen;  ///< hits, queries
    absl::flat_hash_set<Labels> taken;              ///< contested label sets that are published
    NameMap<const Alias*> alias_givers;  ///< the first family that can give an alias does
    NameMap<FamilyPtr> alias_families;

    // Between name_columns() and derive_columns().
    struct PlannedColumn {
        std::size_t offset;
        const Rule* rule;
        Labels labels;
    };
    struct PlannedTerm {
        std::size_t offset;
        Term term;
    };
    std::size_t named = 0;
    std::vector<PlannedColumn> planned_columns;
    std::vector<PlannedTerm> planned_terms;

    // What is filled in every row.
    std::vector<ScaledSlot> scaled;
    std::vector<SumSlot> sums;
    std::vector<RatioSlot> ratios;
    std::vector<std::uint32_t> blanked;  ///< columns whose own blanks become stale
    /// Published label set -> index of the `derived` entry, index in `sums`.
    absl::flat_hash_map<Labels, std::pair<std::size_t, std::size_t>> sum_of;
    absl::flat_hash_map<Labels, std::size_t>
        ratio_of;  ///< published label set -> index in `ratios`
    SignalColumns signal_columns;
    std::array<std::size_t, 5> best_signal{SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};

    State(const Runtime& of_runtime, std::string_view version, Labels with_base);

    void look_at(const Column& column, std::size_t offset, std::span<const FoundPlan> found);
    void gather(const Column& column, std::size_t index, std::span<const FoundPlan> found,
                std::vector<Candidate>& out) const;
    void publish(Candidate& candidate, Column& column);
    void add_aliases(Column& column, std::span<const FoundPlan> found);
    [[nodiscard]] bool given_by_ratio(const Published* published) const;

    [[nodiscard]] Labels published_labels(const Labels& from, std::string_view name,
                                          const Treatment& treatment,
                                          const std::vector<std::string>* keep_only) const;
    FamilyPtr alias_family(std::string_view name, const FamilyPtr& of);

    void add_scaled(std::uint32_t first, std::uint32_t next, std::vector<Column>& out);
    void add_to_sum(std::size_t derived, std::uint32_t input, const Column& column,
                    std::uint32_t next, std::vector<Column>& out);
    void add_to_ratio(const Term& term, std::uint32_t input, const Column& column,
                      std::uint32_t next, std::vector<Column>& out);
    void add_signal(const Term& term, std::uint32_t input);
};

TargetMapping::State::State(const Runtime& of_runtime, std::string_view version, Labels with_base)
    : runtime(of_runtime),
      base(std::move(with_base)),
      plans(of_runtime, version),
      ratio_seen(of_runtime.ratios.size()) {}

/// Remembers what the column shows of the page, before anything is decided.
void TargetMapping::State::look_at(const Column& column, std::size_t offset,
                                   std::span<const FoundPlan> found) {
    const auto sample = column.labels.metric_name();
    const auto family =
        without_total(sample.substr(0, sample.size() - sample_suffix(sample).size()));
    for (const auto name : {sample, family}) {
        if (plans.is_alias(name)) native.emplace(name);
    }
    for (const auto& [plan, suffix] : found) {
        if (!suffix.empty()) continue;
        for (const auto& term : plan->terms) {
            if (!term.selector->matches(column.labels)) continue;
            if (term.kind == Term::Kind::hits) ratio_seen[term.index].first = true;
            if (term.kind == Term::Kind::queries) ratio_seen[term.index].second = true;
            planned_terms.push_back({offset, term});
        }
    }
}

/// A ratio of counters wins over an engine's own gauge.
bool TargetMapping::State::given_by_ratio(const Published* published) const {
    for (std::size_t i = 0; i < ratio_seen.size(); ++i) {
        if (runtime.ratios[i].to == published && ratio_seen[i].first && ratio_seen[i].second)
            return true;
    }
    return false;
}

void TargetMapping::State::gather(const Column& column, std::size_t index,
                                  std::span<const FoundPlan> found,
                                  std::vector<Candidate>& out) const {
    for (const auto& [plan, suffix] : found) {
        for (const auto& active : plan->rules) {
            const auto& rule = *active.rule;
            const bool is_component = !suffix.empty();
            const bool may_be_value =
                !has_components(rule.to->family->type) || column.labels.has("quantile");
            if (is_component ? !has_components(rule.to->family->type) : !may_be_value) continue;
            if (!rule.treatment.select.matches(column.labels) || given_by_ratio(rule.to)) continue;
            out.push_back(
                {active.rank, index, active, suffix,
                 published_labels(column.labels, rule.to->family->name + std::string(suffix),
                                  rule.treatment, nullptr)});
        }
    }
}

void TargetMapping::State::publish(Candidate& candidate, Column& column) {
    const auto& rule = *candidate.active.rule;
    const auto& treatment = rule.treatment;
    if (!treatment.same_across.empty()) {
        LabelsBuilder builder(candidate.labels);
        for (const auto& label : treatment.same_across) builder.remove(label);
        builder.set(kMetricName, fmt::format("one of {}", rule.to->family->name +
                                                              std::string(candidate.suffix)));
        if (!taken.insert(builder.build()).second) return;
    }
    if (candidate.active.contested && !taken.insert(candidate.labels).second) return;
    const bool counts_events = candidate.suffix == "_bucket" || candidate.suffix == "_count";
    const bool same_value =
        (treatment.scale == 1 || counts_events) && treatment.drop_values.empty();
    if (same_value) {
        column.second_names.push_back(
            {std::move(candidate.labels), rule.to->family, ShownOn::metrics});
    } else {
        planned_columns.push_back({named + candidate.column, &rule, std::move(candidate.labels)});
    }
}

/// Names under which others look for an engine's series: given where the page doesn't have them
/// itself.
void TargetMapping::State::add_aliases(Column& column, std::span<const FoundPlan> found) {
    const auto sample = column.labels.metric_name();
    for (const auto& [plan, suffix] : found) {
        for (const auto* alias : plan->aliases) {
            const auto ending =
                suffix.empty() && sample.ends_with("_total") && !alias->family.ends_with("_total")
                    ? std::string_view("_total")
                    : suffix;
            const auto add = [&](std::string_view name) {
                if (native.contains(name) || sample == std::string(name) + std::string(ending))
                    return;
                if (alias_givers.try_emplace(std::string(name), alias).first->second != alias)
                    return;
                LabelsBuilder builder(column.labels);
                builder.set(kMetricName, std::string(name) + std::string(ending));
                const auto family_name = std::string(name) + (ending == "_total" ? "_total" : "");
                column.second_names.push_back(
                    {builder.build(), alias_family(family_name, column.family), ShownOn::raw});
            };
            add(alias->family);
            for (const auto& name : alias->names) add(name);
        }
    }
}

FamilyPtr TargetMapping::State::alias_family(std::string_view name, const FamilyPtr& of) {
    auto& family = alias_families[name];
    if (!family) {
        family = std::make_shared<const Family>(Family{
            std::string(name), of ? of->type : MetricType::unknown,
            fmt::format("Another name of {}.", of ? of->name : "this family"), of ? of->unit : ""});
    }
    return family;
}

/// The engine's labels, less `treatment.drop_labels` (or only `keep_only`, job and instance),
/// renamed, `le` and `quantile` in normal form, then the base labels over them.
Labels TargetMapping::State::published_labels(const Labels& from, std::string_view name,
                                              const Treatment& treatment,
                                              const std::vector<std::string>* keep_only) const {
    std::vector<Label> labels;
    std::string le;
    std::string quantile;
    for (auto label : from) {
        if (label.name == kMetricName || contains(treatment.drop_labels, label.name)) continue;
        for (const auto& [old_name, new_name] : runtime.rename_labels) {
            if (label.name == old_name && !from.has(new_name)) label.name = new_name;
        }
        const bool is_target_label = label.name == "job" || label.name == "instance";
        if (keep_only != nullptr && !is_target_label && !contains(*keep_only, label.name)) continue;
        if (label.name == "le") {
            const auto number = parse_number(label.value);
            le = number ? normal_bound(*number * treatment.scale) : std::string(label.value);
            label.value = le;
        } else if (label.name == "quantile") {
            label.value = quantile = normal_bound(label.value);
        }
        labels.push_back(label);
    }
    if (runtime.kind == Kind::engine) {
        const auto sent = [&](std::string_view label_name) {
            return std::any_of(labels.begin(), labels.end(),
                               [&](const Label& label) { return label.name == label_name; });
        };
        const bool has_model = sent(kModelName);
        labels.push_back({"runtime", runtime.name});
        for (const auto& label : base) {
            const bool keep_sent = (label.name == kModelName && has_model) || label.name == "job" ||
                                   label.name == "instance";
            if (!keep_sent) labels.push_back(label);
        }
    }
    labels.push_back({kMetricName, name});
    return Labels::from(labels);
}

TargetMapping::TargetMapping(std::shared_ptr<const Mapping> mapping, Identity identity, Labels base)
    : mapping_(std::move(mapping)), identity_(std::move(identity)) {
    const auto* runtime = mapping_->rules().find_runtime(identity_.runtime);
    if (runtime == nullptr || runtime->kind == Kind::router) return;
    state_ = std::make_unique<State>(*runtime, identity_.version, std::move(base));
}

TargetMapping::~TargetMapping() = default;

const SignalColumns& TargetMapping::signal_columns() const {
    static const SignalColumns kNone;
    return state_ ? state_->signal_columns : kNone;
}

void TargetMapping::name_columns(std::span<Column> columns) {
    if (!state_) return;
    auto& state = *state_;
    std::vector<std::vector<FoundPlan>> found(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
        state.plans.find(columns[i].labels.metric_name(), found[i]);
        state.look_at(columns[i], state.named + i, found[i]);
    }
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto before = candidates.size();
        state.gather(columns[i], i, found[i], candidates);
        const bool is_renamed = candidates.size() > before;
        if (state.runtime.kind == Kind::exporter && !is_renamed)
            columns[i].shown_on = ShownOn::metrics;
    }
    std::sort(candidates.begin(), candidates.end());
    for (auto& candidate : candidates) state.publish(candidate, columns[candidate.column]);
    for (std::size_t i = 0; i < columns.size(); ++i) state.add_aliases(columns[i], found[i]);
    state.named += columns.size();
}

std::vector<Column> TargetMapping::derive_columns(std::uint32_t first,
                                                  std::span<const Column> columns) {
    std::vector<Column> out;
    if (!state_) return out;
    auto& state = *state_;
    CHECK(columns.size() == state.named,
          "derive_columns gets the columns that were named since its last call");
    const auto next = first + static_cast<std::uint32_t>(columns.size());
    state.add_scaled(first, next, out);
    std::sort(state.planned_terms.begin(), state.planned_terms.end(),
              [](const auto& a, const auto& b) {
                  return std::pair(a.term.index, a.offset) < std::pair(b.term.index, b.offset);
              });
    for (const auto& [offset, term] : state.planned_terms) {
        const auto input = first + static_cast<std::uint32_t>(offset);
        switch (term.kind) {
            case Term::Kind::derived:
                state.add_to_sum(term.index, input, columns[offset], next, out);
                break;
            case Term::Kind::hits:
            case Term::Kind::queries:
                state.add_to_ratio(term, input, columns[offset], next, out);
                break;
            default:
                state.add_signal(term, input);
        }
    }
    if (!state.runtime.drop_values.empty()) {
        for (std::uint32_t i = 0; i < columns.size(); ++i) state.blanked.push_back(first + i);
    }
    state.planned_columns.clear();
    state.planned_terms.clear();
    state.named = 0;
    return out;
}

void TargetMapping::State::add_scaled(std::uint32_t first, std::uint32_t next,
                                      std::vector<Column>& out) {
    for (auto& [offset, rule, labels] : planned_columns) {
        const auto& treatment = rule->treatment;
        const auto& blanks =
            treatment.drop_values.empty() ? runtime.drop_values : treatment.drop_values;
        scaled.push_back({.input = first + static_cast<std::uint32_t>(offset),
                          .output = next + static_cast<std::uint32_t>(out.size()),
                          .scale = treatment.scale,
                          .blanks = blanks});
        out.push_back({std::move(labels), rule->to->family, ShownOn::metrics, {}});
    }
}

void TargetMapping::State::add_to_sum(std::size_t derived, std::uint32_t input,
                                      const Column& column, std::uint32_t next,
                                      std::vector<Column>& out) {
    const auto& rule = runtime.derived[derived];
    if (native.contains(rule.as)) return;
    Labels labels;
    FamilyPtr family;
    if (rule.to != nullptr) {
        const Treatment treatment{.select = {},
                                  .drop_labels = rule.without,
                                  .same_across = {},
                                  .drop_values = {},
                                  .scale = 1};
        labels = published_labels(column.labels, rule.to->family->name, treatment, nullptr);
        family = rule.to->family;
    } else {
        LabelsBuilder builder(column.labels);
        for (const auto& label : rule.without) builder.remove(label);
        builder.set(kMetricName, rule.as);
        labels = builder.build();
        family = alias_family(rule.as, column.family);
    }
    const auto [known, is_new] = sum_of.try_emplace(labels, derived, sums.size());
    if (known->second.first != derived) return;  // an earlier entry gives this label set
    if (is_new) {
        sums.push_back({.inputs = {},
                        .output = next + static_cast<std::uint32_t>(out.size()),
                        .scale = rule.scale});
        const auto shown_on = rule.to != nullptr ? ShownOn::metrics : ShownOn::raw;
        out.push_back({std::move(labels), std::move(family), shown_on, {}});
    }
    sums[known->second.second].inputs.push_back(input);
}

void TargetMapping::State::add_to_ratio(const Term& term, std::uint32_t input, const Column& column,
                                        std::uint32_t next, std::vector<Column>& out) {
    const auto& rule = runtime.ratios[term.index];
    auto labels = published_labels(column.labels, rule.to->family->name, {}, &rule.by);
    const auto [known, is_new] = ratio_of.try_emplace(labels, ratios.size());
    if (is_new) {
        ratios.emplace_back(rule.window);
        ratios.back().output = kNoColumn;
    }
    auto& ratio = ratios[known->second];
    (term.kind == Term::Kind::hits ? ratio.hits : ratio.queries).add(input);
    const bool complete = !ratio.hits.empty() && !ratio.queries.empty();
    if (!complete || ratio.output != kNoColumn) return;
    ratio.output = next + static_cast<std::uint32_t>(out.size());
    out.push_back({std::move(labels), rule.to->family, ShownOn::metrics, {}});
}

/// Of the spellings of one signal only the best that the page has counts; all progress counters do.
void TargetMapping::State::add_signal(const Term& term, std::uint32_t input) {
    const auto [columns, best] = [&]() -> std::pair<std::vector<std::uint32_t>*, std::size_t> {
        switch (term.kind) {
            case Term::Kind::running:
                return {&signal_columns.running, 0};
            case Term::Kind::waiting:
                return {&signal_columns.waiting, 1};
            case Term::Kind::kv_usage:
                return {&signal_columns.kv_usage, 2};
            case Term::Kind::sleeping:
                return {&signal_columns.sleeping, 3};
            default:
                return {&signal_columns.progress, 4};
        }
    }();
    if (term.kind != Term::Kind::progress) {
        if (term.index > best_signal[best]) return;
        if (term.index < best_signal[best]) columns->clear();
        best_signal[best] = term.index;
    }
    columns->push_back(input);
}

void TargetMapping::derive_values(Timestamp now, std::span<double> values) {
    if (!state_) return;
    auto& state = *state_;
    for (const auto& slot : state.scaled) slot.fill(values);
    for (const auto& slot : state.sums) slot.fill(values);
    for (auto& slot : state.ratios) {
        if (slot.output != kNoColumn) slot.fill(now, values);
    }
    const auto& blanks = state.runtime.drop_values;
    for (const auto column : state.blanked) {
        if (std::find(blanks.begin(), blanks.end(), values[column]) != blanks.end())
            values[column] = kStaleMarker;
    }
}

std::vector<MissingFamily> TargetMapping::missing(std::span<const std::string_view> seen,
                                                  bool had_requests) const {
    std::vector<MissingFamily> found;
    if (!state_) return found;
    const auto& runtime = state_->runtime;
    NameSet page;
    for (const auto sample : seen) {
        const auto name = runtime.canonical(sample);
        page.emplace(without_total(name));
        page.emplace(name.substr(0, name.size() - sample_suffix(name).size()));
    }
    const auto version = Version::parse(identity_.version);
    for (const auto& expected : runtime.expected) {
        if ((expected.after_request && !had_requests) ||
            !expected.versions.contains(identity_.version))
            continue;
        const auto since = Version::parse(expected.since);
        const bool is_older = version && since && *version < *since;
        const auto& wanted = is_older ? expected.before : expected.family;
        const auto& other = is_older ? expected.family : expected.before;
        if (wanted.empty() || page.contains(wanted)) continue;
        if (!version && !other.empty() && page.contains(other)) continue;
        if (!version && since && other.empty()) continue;  // perhaps too old to have it
        const auto rule =
            std::find_if(runtime.rules.begin(), runtime.rules.end(),
                         [&](const Rule& candidate) { return candidate.family == wanted; });
        found.push_back({.engine_family = wanted,
                         .unified = rule != runtime.rules.end() ? rule->to->name : "",
                         .renamed_in = other.empty() ? "" : expected.since,
                         .known_as = other});
    }
    return found;
}

}  // namespace inferscope::mapping
