// SPDX-License-Identifier: Apache-2.0
// Tiles and chunks of the head as columns.
#pragma once

#include <span>
#include <vector>

#include "base/time.h"
#include "telemetry/selection.h"
#include "tsdb/chunk_cache.h"
#include "tsdb/epoch.h"

namespace inferscope::tsdb {

/// The rows that a snapshot has between `from` and `to`, inclusive, without late samples. Chunks
/// are opened by way of the cache.
ColumnRows decode(const RowsSnapshot& snapshot, Timestamp from, Timestamp to,
                  OpenSealedChunks& opened);
/// Appends the samples of chunks of one column.
void decode(std::span<const SealedChunk> chunks, std::vector<Sample>& samples);

}  // namespace inferscope::tsdb
