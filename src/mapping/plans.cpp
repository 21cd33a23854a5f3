// SPDX-License-Identifier: Apache-2.0
#include "mapping/plans.h"

namespace inferscope::mapping {

Plans::Plans(const Runtime& runtime, std::string_view version) : runtime_(runtime) {
    activate_rules(version);
    for (std::size_t i = 0; i < runtime.derived.size(); ++i) {
        add_terms(Term::Kind::derived, i, runtime.derived[i].from);
        if (!runtime.derived[i].as.empty()) aliases_.insert(runtime.derived[i].as);
    }
    for (std::size_t i = 0; i < runtime.ratios.size(); ++i) {
        add_terms(Term::Kind::hits, i, runtime.ratios[i].hits);
        add_terms(Term::Kind::queries, i, runtime.ratios[i].queries);
    }
    for (const auto& alias : runtime.aliases) {
        plans_[alias.family].aliases.push_back(&alias);
        aliases_.insert(alias.names.begin(), alias.names.end());
        aliases_.insert(alias.family);
    }
    add_signal(Term::Kind::running, runtime.signals.running);
    add_signal(Term::Kind::waiting, runtime.signals.waiting);
    add_signal(Term::Kind::kv_usage, runtime.signals.kv_usage);
    add_signal(Term::Kind::progress, runtime.signals.progress);
    add_signal(Term::Kind::sleeping, runtime.signals.sleeping);
}

/// Of the schema's rules for one family, the first matching range's replaces that of `*`; when the
/// version is unknown all ranges match, and `*` (the newest engine) wins. Rules of `inferscope`
/// come on top.
void Plans::activate_rules(std::string_view version) {
    const auto& rules = runtime_.rules;
    NameMap<std::size_t> of_schema;
    for (std::size_t rank = 0; rank < rules.size(); ++rank) {
        const auto& rule = rules[rank];
        if (!rule.from_schema || !rule.versions.contains(version)) continue;
        const auto [known, is_new] = of_schema.try_emplace(rule.family, rank);
        const bool replaces = !version.empty() && rules[known->second].versions.is_any();
        if (!is_new && replaces) known->second = rank;
    }
    std::vector<std::size_t> active;
    absl::flat_hash_map<const Published*, int> givers;
    for (std::size_t rank = 0; rank < rules.size(); ++rank) {
        const auto& rule = rules[rank];
        const auto chosen = of_schema.find(rule.family);
        const bool holds = rule.from_schema ? chosen != of_schema.end() && chosen->second == rank
                                            : rule.versions.contains(version);
        if (!holds) continue;
        active.push_back(rank);
        ++givers[rule.to];
    }
    for (const auto rank : active) {
        const auto& rule = rules[rank];
        plans_[rule.family].rules.push_back({&rule, rank, givers[rule.to] > 1});
    }
}

void Plans::add_terms(Term::Kind kind, std::size_t index, const std::vector<Selector>& selectors) {
    for (const auto& selector : selectors) {
        plans_[selector.family].terms.push_back({kind, index, &selector});
    }
}

void Plans::add_signal(Term::Kind kind, const std::vector<Selector>& selectors) {
    for (std::size_t i = 0; i < selectors.size(); ++i) {
        plans_[selectors[i].family].terms.push_back({kind, i, &selectors[i]});
    }
}

void Plans::find(std::string_view sample, std::vector<FoundPlan>& found) const {
    found.clear();
    const auto look_up = [&](std::string_view name, std::string_view suffix) {
        const auto plan = plans_.find(runtime_.canonical(name));
        if (plan != plans_.end()) found.push_back({&plan->second, suffix});
    };
    look_up(sample, "");
    if (const auto base = without_total(sample); base != sample) look_up(base, "");
    const auto suffix = sample_suffix(sample);
    if (!suffix.empty() && suffix != "_created") {
        look_up(sample.substr(0, sample.size() - suffix.size()), suffix);
    }
}

}  // namespace inferscope::mapping
