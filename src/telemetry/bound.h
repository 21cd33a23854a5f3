// SPDX-License-Identifier: Apache-2.0
// `le` and `quantile` label values in the form that Prometheus 3 stores.
#pragma once

#include <string>
#include <string_view>

namespace inferscope {

/// "1" -> "1.0", "1000000" -> "1e+06", "0.005" and "+Inf" as they are: every spelling of one number
/// becomes the same text. A text that isn't a number is returned as it is. Source: Prometheus 3,
/// model/textparse/promparse.go, normalizeFloatsInLabelValues (Go's 'g' format, shortest, ".0"
/// added).
std::string normal_bound(std::string_view text);
std::string normal_bound(double value);

}  // namespace inferscope
