// SPDX-License-Identifier: Apache-2.0
// How a format writes a family: TYPE's word and name, and the names that its samples may have.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "telemetry/metadata.h"

namespace inferscope::exposition {

/// What a family's samples may be called, behind its base name.
struct FamilyShape {
    std::string_view type;
    std::string_view name_suffix;  ///< on the family's name in `Family`, not in TYPE's name
    std::array<std::string_view, 4> suffixes;
    std::size_t suffix_count;
    std::string_view bound_label;  ///< the label that tells one metric's samples from each other

    [[nodiscard]] std::span<const std::string_view> sample_suffixes() const {
        return std::span(suffixes).first(suffix_count);
    }
    /// Its samples have one name: the family's own.
    [[nodiscard]] bool is_plain() const { return suffix_count == 1 && suffixes[0].empty(); }
};

/// Of samples that have the family's own name. `type`: TYPE's word; it outlives the shape.
FamilyShape plain_shape(std::string_view type);
/// In the text format 0.0.4.
FamilyShape text_shape(MetricType type);
/// In OpenMetrics, where counters lose their `_total` in TYPE, and those without it are `unknown`.
FamilyShape openmetrics_shape(const Family& family);

}  // namespace inferscope::exposition
