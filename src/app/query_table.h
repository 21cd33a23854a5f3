// SPDX-License-Identifier: Apache-2.0
// A query's answer, as Prometheus's API gives it, as text for a terminal.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace inferscope::app {

/// `text` with everything a terminal might obey (control characters, also those above 127, changes
/// of direction, what isn't UTF-8) as \xNN or \u{NNNN}.
std::string for_terminal(std::string_view text);

/// `data` of an answer: a line for each series and its value; of ranges a line for each series, and
/// one for each sample below it. Fails if it isn't in Prometheus's shape.
Result<std::string> query_table(const nlohmann::ordered_json& data);

}  // namespace inferscope::app
