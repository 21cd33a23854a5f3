// SPDX-License-Identifier: Apache-2.0
// Lists of targets as files and HTTP answers carry them: [{"targets": ["host:port"], "labels":
// {"name": "value"}}].
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/yaml.h"
#include "discovery/config.h"

namespace inferscope::discovery {

/// Bound on such a list, in a file or an answer.
inline constexpr std::size_t kMaxTargetGroupsBytes = 16u << 20;

/// Strict as Prometheus: unknown keys, label values that are no texts and bad label names are
/// errors. null = none.
Result<std::vector<TargetGroup>, ParseError> parse_target_groups_json(std::string_view text,
                                                                      std::string_view file);
Result<std::vector<TargetGroup>, ParseError> parse_target_groups_yaml(std::string_view text,
                                                                      std::string_view file);

/// One group of a YAML document; `what` names it in messages.
TargetGroup read_target_group(const YAML::Node& node, std::string_view what,
                              yaml::Diagnostics& diagnostics);

}  // namespace inferscope::discovery
