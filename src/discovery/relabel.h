// SPDX-License-Identifier: Apache-2.0
// Relabelling as Prometheus 2.42 does it: rules that rewrite, keep or drop a label set.
// Source: Prometheus documentation, "relabel_config"; the order of cases follows its model/relabel.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "telemetry/labels.h"

namespace re2 {
class RE2;
}

namespace inferscope::discovery {

enum class RelabelAction {
    replace,
    keep,
    drop,
    keepequal,
    dropequal,
    hashmod,
    labelmap,
    labeldrop,
    labelkeep,
    lowercase,
    uppercase,
};

std::string_view to_string(RelabelAction action);
/// Any case; nothing for an unknown word.
std::optional<RelabelAction> relabel_action_from(std::string_view word);
/// All words, for messages.
std::vector<std::string_view> relabel_actions();

/// One entry of relabel_configs as it is written. What is absent has Prometheus's default.
struct RelabelFields {
    std::optional<std::vector<std::string>> source_labels = {};
    std::string separator = ";";
    std::string regex = "(.*)";  ///< matches the whole text, as if between ^(?: and )$
    std::uint64_t modulus = 0;
    std::string target_label = {};
    std::string replacement = "$1";
    RelabelAction action = RelabelAction::replace;

    bool operator==(const RelabelFields&) const = default;
};

/// A checked rule with its compiled expression. Immutable; copies share the expression. Thread:
/// any.
class RelabelRule {
public:
    /// Fails as Prometheus does: bad expression, a target that can't be a label name, hashmod
    /// without modulus, fields that the action has no use for.
    static Result<RelabelRule> make(RelabelFields fields);

    [[nodiscard]] const RelabelFields& fields() const { return fields_; }
    /// False: the label set is dropped (what `labels` then holds is of no meaning).
    [[nodiscard]] bool apply(LabelsBuilder& labels) const;

    bool operator==(const RelabelRule& other) const { return fields_ == other.fields_; }

private:
    RelabelRule() = default;

    RelabelFields fields_;
    std::shared_ptr<const re2::RE2> regex_;
};

/// Applies the rules in order, each to what the one before left. False as soon as one drops the
/// label set.
[[nodiscard]] bool apply(std::span<const RelabelRule> rules, LabelsBuilder& labels);

}  // namespace inferscope::discovery
