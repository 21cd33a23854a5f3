// SPDX-License-Identifier: Apache-2.0
// Which rules hold for one target (its runtime and version), found by a series' name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mapping/names.h"
#include "mapping/rules.h"

namespace inferscope::mapping {

/// A rule that holds for this target.
struct ActiveRule {
    const Rule* rule = nullptr;
    std::size_t rank = 0;    ///< lower wins
    bool contested = false;  ///< another rule gives the same unified family
};

/// That a family is part of a derived value, a ratio or a signal.
struct Term {
    enum class Kind : std::uint8_t {
        derived,
        hits,
        queries,
        running,
        waiting,
        kv_usage,
        progress,
        sleeping,
    };
    Kind kind = Kind::derived;
    std::size_t index = 0;  ///< of the derived value or ratio; place in the signal's list
    const Selector* selector = nullptr;
};

/// All that concerns one engine family.
struct Plan {
    std::vector<ActiveRule> rules;
    std::vector<Term> terms;
    std::vector<const Alias*> aliases;
};

/// A plan that concerns a series, and which component of the family the series is.
struct FoundPlan {
    const Plan* plan = nullptr;
    std::string_view suffix;  ///< "_bucket", "_sum", "_count"; empty: the family's value itself
};

/// Immutable. Points into `runtime`, which must outlive it.
class Plans {
public:
    Plans(const Runtime& runtime, std::string_view version);

    /// Replaces `found` by the plans for series of this name. A sample `x_total` belongs to the
    /// family `x`, `x_sum` to the histogram `x`; but `iteration_tokens_total` is a histogram, TGI's
    /// counters have no `_total`, and a rule may be about one sample of a histogram (`x_sum`). So
    /// the names decide, not the TYPE lines (which some pages lack).
    void find(std::string_view sample, std::vector<FoundPlan>& found) const;

    /// True for names that are given as aliases or sums where the page lacks them.
    [[nodiscard]] bool is_alias(std::string_view name) const { return aliases_.contains(name); }

private:
    void activate_rules(std::string_view version);
    void add_terms(Term::Kind kind, std::size_t index, const std::vector<Selector>& selectors);
    void add_signal(Term::Kind kind, const std::vector<Selector>& selectors);

    const Runtime& runtime_;
    NameMap<Plan> plans_;
    NameSet aliases_;
};

}  // namespace inferscope::mapping
