// SPDX-License-Identifier: Apache-2.0
// One value of a column: a number, or nothing at that step.
#pragma once

#include <bit>

#include "base/numbers.h"  // kStaleMarkerBits

namespace inferscope::promql {

/// No sample at this step. Live values never have these bits, since stale markers are dropped where
/// samples are read. It is a signalling NaN: look at it before any arithmetic, which would make
/// another NaN of it.
inline constexpr double kAbsent = std::bit_cast<double>(kStaleMarkerBits);

constexpr bool is_absent(double value) { return is_stale_marker(value); }
constexpr bool is_present(double value) { return !is_absent(value); }

}  // namespace inferscope::promql
