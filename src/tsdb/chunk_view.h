// SPDX-License-Identifier: Apache-2.0
// Reads a chunk where it lies. Opening checks everything but the payloads' insides; each column is
// decoded on its own, with those that it is foretold from.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "tsdb/chunk_format.h"
#include "tsdb/column_residuals.h"

namespace inferscope::tsdb {

/// Immutable; any thread. Holds 48 bytes for each column besides the chunk's bytes, which outlive
/// it.
class ChunkView {
public:
    /// Fails with invalid_argument and what is wrong: magic, size, checksum, or what a right
    /// checksum stands under.
    static Result<ChunkView> open(std::string_view bytes);
    /// As open(), without comparing the checksum: for bytes that were checked already, and for
    /// fuzzing. Whatever the bytes are, nothing behind them is read.
    static Result<ChunkView> open_unchecked(std::string_view bytes);

    [[nodiscard]] std::size_t rows() const { return times_.size(); }
    [[nodiscard]] std::size_t columns() const { return columns_.size(); }
    /// One for each row, strictly rising; valid as long as the view.
    [[nodiscard]] std::span<const Timestamp> times() const { return times_; }

    struct Column {
        ColumnHeader header;
        std::uint32_t begin = 0;     ///< of the payload, in the chunk
        std::uint8_t steps = 1;      ///< see kMaxDecodeSteps
        bool has_relatives = false;  ///< others are foretold from it
    };
    /// For statistics and for the decoder.
    [[nodiscard]] const Column& column(std::size_t index) const { return columns_[index]; }
    /// The value of all rows, if the column's header says that there is but one.
    [[nodiscard]] std::optional<double> constant(std::size_t index) const;
    [[nodiscard]] std::string_view bytes() const { return bytes_; }
    [[nodiscard]] std::size_t heap_bytes() const {
        return times_.capacity() * sizeof(Timestamp) + columns_.capacity() * sizeof(Column);
    }

private:
    bool read_times(ByteReader& bytes, std::size_t rows);
    bool read_headers(std::string_view headers, std::size_t count, std::string_view payloads);

    std::string_view bytes_;
    std::vector<Timestamp> times_;
    std::vector<Column> columns_;
};

/// Which rows of a column have a sample.
enum class Presence : std::uint8_t {
    all,   ///< the bits were not written
    some,  ///< as the bits say; perhaps none
};

/// Decodes columns of one view, best in rising order: a histogram's buckets build on each other,
/// so some columns' differences are kept. 96 KiB, so keep it out of small stacks. Confined to one
/// thread; the views outlive it.
class ColumnDecoder {
public:
    explicit ColumnDecoder(const ChunkView& chunk) : chunk_(&chunk) {}
    /// Goes on with another view.
    void use(const ChunkView& chunk) {
        chunk_ = &chunk;
        for (auto& kept : kept_) kept.column = kNone;
    }

    /// Fills `values` (as many as rows; where absent, any number) and, unless all rows are present,
    /// `present` (a bit for each row, lowest first; (rows + 63) / 64 words). Fails with
    /// invalid_argument if the payload isn't what its header says.
    Result<Presence> decode(std::size_t column, std::span<double> values,
                            std::span<std::uint64_t> present);
    /// Of the column decoded last: what its values, but for its gaps, were made of.
    [[nodiscard]] std::span<const std::uint64_t> numbers() const {
        return std::span(sum_).first(chunk_->rows());
    }

private:
    static constexpr std::size_t kNone = kMaxChunkColumns;
    using Numbers = std::array<std::uint64_t, kMaxChunkRows>;
    struct Kept {
        std::size_t column = kNone;
        std::uint64_t used = 0;  ///< when last, in uses
        Numbers differences;
    };

    bool add_differences(std::size_t column, bool subtract);
    bool read_differences(std::size_t column);
    bool read_payload(std::size_t column, std::span<std::uint64_t> differences);
    bool read_numbers(std::size_t column);
    [[nodiscard]] std::size_t mover(std::size_t column) const;
    [[nodiscard]] std::string_view payload(std::size_t column) const;
    Kept* find_kept(std::size_t column);
    Kept& place_for(std::size_t column);
    bool read_running_sum_of(std::size_t column);

    const ChunkView* chunk_;  // never null
    std::array<Kept, 4> kept_;
    std::uint64_t uses_ = 0;
    Numbers sum_;
    Numbers scratch_;
};

}  // namespace inferscope::tsdb
