// SPDX-License-Identifier: Apache-2.0
// Which blocks should be one: few large blocks answer faster than many small ones. The rules are
// those of Prometheus (tsdb/compact.go, LeveledCompactor.plan): blocks that overlap in time first,
// then those that lie in one aligned range which no further block is expected in.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/time.h"
#include "tsdb/block_format.h"

namespace inferscope::tsdb {

/// Numbers in `blocks` (in any order) of those to merge next, by time: two or more, or none if
/// nothing is to be done. Ranges are `shortest`, three times as long, and so on up to `longest`. A
/// range is left alone until a block starts behind it.
std::vector<std::size_t> plan_merge(std::span<const BlockMeta> blocks, Millis shortest,
                                    Millis longest);

/// The longest range for a retention (0: endless).
Millis longest_range(Millis shortest, Millis retention);

}  // namespace inferscope::tsdb
