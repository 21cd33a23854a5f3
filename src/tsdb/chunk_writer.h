// SPDX-License-Identifier: Apache-2.0
// Seals rows of a group into a chunk, column after column.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "tsdb/chunk_format.h"
#include "tsdb/column_numbers.h"
#include "tsdb/column_relations.h"
#include "tsdb/column_residuals.h"

namespace inferscope::tsdb {

/// begin(), add_column() for each column, finish(); then again: memory is kept. Confined to one
/// thread.
class ChunkWriter {
public:
    /// `times`: 1 to kMaxChunkRows, strictly rising.
    void begin(std::span<const Timestamp> times);
    /// The next column, of at most kMaxChunkColumns: a value for each row, of any bits. `present`:
    /// a bit for each row, lowest first, clear where the series has no sample (its value is then
    /// not looked at); empty means all. Columns that move alike compress best when they stand near
    /// each other, a histogram's buckets in the order of `le`.
    void add_column(std::span<const double> values, std::span<const std::uint64_t> present = {});
    /// Appends the chunk.
    void finish(std::string& out);

    [[nodiscard]] std::uint32_t columns() const { return columns_; }

private:
    void encode_numbers(ColumnHeader& header);
    void relate_to_neighbour(ColumnRelations::Found& found, ResidualPlan& plan);
    void append_times(std::string& out);

    std::vector<Timestamp> times_;
    std::uint32_t columns_ = 0;
    ColumnNumbers numbers_;
    std::vector<std::uint64_t> differences_, residuals_, tried_;
    ColumnRelations relations_;
    FirstNumbers firsts_;
    std::string headers_, payloads_;
};

}  // namespace inferscope::tsdb
