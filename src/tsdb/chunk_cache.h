// SPDX-License-Identifier: Apache-2.0
// Chunks that queries have read, opened, since reading, checking and opening one costs ten times as
// much as decoding a column of it; with those columns of them that are asked for again and again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/lru_cache.h"
#include "tsdb/chunk_view.h"
#include "tsdb/kept_columns.h"
#include "tsdb/sealed_chunk.h"

namespace inferscope::tsdb {

/// A chunk of a block. The view points into the bytes, so it stays where it was made.
struct StoredChunk {
    std::string bytes;
    ChunkView view;
    KeptColumns columns;

    [[nodiscard]] std::size_t heap_bytes() const {
        return bytes.capacity() + view.heap_bytes() + columns.heap_bytes();
    }
};

/// By block and the chunk's place in its file.
using StoredChunks = LruCache<std::pair<std::uint32_t, std::uint64_t>, StoredChunk>;

/// A chunk of the head.
struct OpenSealedChunk {
    SealedChunk chunk;
    ChunkView view;
    KeptColumns columns;

    [[nodiscard]] std::size_t heap_bytes() const {
        return chunk.size + view.heap_bytes() + columns.heap_bytes();
    }
};

/// By the address of its bytes, which is taken as long as the chunk is here.
using OpenSealedChunks = LruCache<const char*, OpenSealedChunk>;

}  // namespace inferscope::tsdb
