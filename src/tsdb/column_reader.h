// SPDX-License-Identifier: Apache-2.0
// Columns of open chunks for queries: from what is kept decoded of them, or else decoded now.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "telemetry/selection.h"
#include "tsdb/chunk_view.h"
#include "tsdb/kept_columns.h"

namespace inferscope::tsdb {

/// Rows of a column that were read.
struct ReadColumn {
    /// A bit for each row of the chunk, lowest first; empty if all rows have a sample. Valid until
    /// the reader reads again.
    std::span<const std::uint64_t> present;
    ColumnFacts facts;
};

/// Confined to one thread; what it uses outlives the use.
class ColumnReader {
public:
    /// Goes on with another chunk.
    void use(const ChunkView& chunk, const KeptColumns& kept);
    /// Fills `out` with the rows from `begin` on: where absent, any number. A column that the chunk
    /// doesn't have has no samples. Fails as ColumnDecoder::decode().
    Result<ReadColumn> read(std::size_t column, std::size_t begin, std::span<double> out);

private:
    static ReadColumn copy(const NarrowColumn& kept, std::size_t begin, std::span<double> out);
    ColumnDecoder& decoder();

    const ChunkView* chunk_ = nullptr;
    const KeptColumns* kept_ = nullptr;
    std::unique_ptr<ColumnDecoder> decoder_;
    bool is_decoder_ready_ = false;  // for this chunk
    std::vector<double> values_;     // of a whole column
    std::array<std::uint64_t, kMaxChunkRows / 64> present_{};
};

}  // namespace inferscope::tsdb
