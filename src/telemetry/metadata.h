// SPDX-License-Identifier: Apache-2.0
// What is known of a metric family besides its samples: TYPE, HELP, UNIT.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace inferscope {

enum class MetricType {
    unknown,
    counter,
    gauge,
    histogram,
    gauge_histogram,
    summary,
    info,
    state_set
};

/// As TYPE lines of the text format write it ("untyped" for unknown; what 0.0.4 lacks becomes its
/// nearest: gauge histogram -> histogram, info and state set -> gauge).
std::string_view to_text_type(MetricType type);
/// As OpenMetrics and Prometheus's metadata API write it ("unknown", "gaugehistogram", "stateset").
std::string_view to_openmetrics_type(MetricType type);
/// Reads both spellings; unknown words are `unknown`.
MetricType metric_type_from(std::string_view word);

struct Family {
    /// As the classic text format's TYPE line names it: with `_total` for counters whose samples
    /// have it, without `_bucket`, `_sum`, `_count`.
    std::string name;
    MetricType type = MetricType::unknown;
    std::string help;  ///< unescaped
    std::string unit;
};
using FamilyPtr = std::shared_ptr<const Family>;

}  // namespace inferscope
