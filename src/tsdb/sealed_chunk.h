// SPDX-License-Identifier: Apache-2.0
// Sealed chunks in memory, and how open rows become one: a full tile's rows become a short chunk,
// and about 128 rows in short chunks become a long one, since long runs take a third less.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "telemetry/sample.h"
#include "tsdb/chunk_view.h"
#include "tsdb/chunk_writer.h"
#include "tsdb/tile.h"

namespace inferscope::tsdb {

/// Immutable and shared: whoever copies it may read it without a lock.
struct SealedChunk {
    std::shared_ptr<const char[]> data;
    std::uint32_t size = 0;
    std::uint32_t rows = 0;
    Timestamp first = 0;  ///< of its rows
    Timestamp last = 0;

    [[nodiscard]] std::string_view bytes() const { return {data.get(), size}; }
    /// We wrote it, so it opens.
    [[nodiscard]] ChunkView view() const;
};

/// What parts of the head have in memory.
struct MemoryUse {
    std::size_t bytes = 0;
    std::size_t chunks = 0;  ///< sealed, and open tiles
    Timestamp oldest = std::numeric_limits<Timestamp>::max();

    void add(std::span<const SealedChunk> sealed) {
        for (const auto& chunk : sealed) {
            bytes += chunk.size + sizeof chunk;
            oldest = std::min(oldest, chunk.first);
        }
        chunks += sealed.size();
    }
};

/// Chunks that follow each other and are to be one: the first short ones behind the last long one,
/// if there are enough, else none. What follows them is to be sealed with them if they are the
/// last.
std::span<const SealedChunk> to_merge(std::span<const SealedChunk> chunks);

/// Makes chunks. Keeps its memory. Confined to one thread.
class Sealer {
public:
    /// One chunk of the rows of `before` and then the first `rows` of the tile.
    SealedChunk seal(std::span<const SealedChunk> before, const Tile& tile, std::size_t rows);
    /// One chunk of several.
    SealedChunk merge(std::span<const SealedChunk> chunks);
    /// The same for the one column of a series by itself; `samples`: in order, not empty.
    SealedChunk seal(std::span<const SealedChunk> before, std::span<const Sample> samples);

private:
    void begin(std::span<const SealedChunk> before);
    SealedChunk seal_columns(const Tile& tile);
    void decode_before(std::size_t column);
    void finish_column();
    SealedChunk finish();

    ChunkWriter writer_;
    std::vector<ChunkView> views_;
    std::vector<std::unique_ptr<ColumnDecoder>> decoders_;
    std::vector<Timestamp> times_;
    std::vector<double> values_;          // of one column
    std::vector<std::uint64_t> present_;  // likewise, a bit for each row
    std::size_t rows_before_ = 0;
    std::string bytes_;
};

/// Decodes a column; `present` has a byte for each row. What the chunk doesn't have is absent.
void decode_column(ColumnDecoder& decoder, const ChunkView& view, std::size_t column,
                   std::span<double> values, std::span<std::uint8_t> present);

}  // namespace inferscope::tsdb
