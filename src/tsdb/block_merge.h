// SPDX-License-Identifier: Apache-2.0
// Makes one block of several, or of what is left of one. Chunks are copied as they are, unless
// several fit together into one, or lose samples.
#pragma once

#include <span>

#include "base/result.h"
#include "tsdb/block.h"
#include "tsdb/block_layout.h"
#include "tsdb/block_writer.h"

namespace inferscope::tsdb {

/// A block that goes into another one.
struct MergeSource {
    BlockPtr block;
    BlockCache::Shared tables;  ///< its own
    BlockCut cut;
};

/// Adds what is left of the sources, given in order of priority, to `out`, which is fresh. Groups
/// of several blocks that have the same series in the same columns become one if the blocks don't
/// overlap in time. Returns those that have harmed chunks, which are left out. Fails as
/// BlockWriter does, and with io_error or invalid_argument if a source can't be read. In memory
/// are: the layouts, the index of `out`, a few chunks, one column.
Result<BlockList> merge(std::span<const MergeSource> sources, BlockWriter& out);

}  // namespace inferscope::tsdb
