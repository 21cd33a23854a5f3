// SPDX-License-Identifier: Apache-2.0
// Which series of a family a rule is about, written as PromQL writes it:
// `family{mode="decode",priority=""}`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "telemetry/labels.h"

namespace inferscope::mapping {

/// A family's name and equality matchers on labels. `l=""` means that the series has no label `l`,
/// `l!=""` that it has one.
struct Selector {
    struct Matcher {
        std::string label;
        std::string value;
        bool equal = true;  ///< false: `!=`
    };

    std::string family;  ///< as the mapping spells it; empty in a selector of labels only
    std::vector<Matcher> matchers;

    /// `name`, `name{...}` or `{...}`. Fails with invalid_argument and what was expected.
    static Result<Selector> parse(std::string_view text);
    /// Looks at the labels only.
    [[nodiscard]] bool matches(const Labels& labels) const;
};

}  // namespace inferscope::mapping
