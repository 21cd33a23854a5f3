// SPDX-License-Identifier: Apache-2.0
#include "tsdb/sealed_chunk.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace inferscope::tsdb {
namespace {

/// A chunk of at most so many rows is short.
constexpr std::size_t kShort = 16;
/// So many rows in short chunks, or so many short chunks, become one.
constexpr std::size_t kMergedRows = 112;
constexpr std::size_t kMergedChunks = 14;

void set_bit(std::vector<std::uint64_t>& bits, std::size_t at) {
    bits[at / 64] |= std::uint64_t{1} << at % 64;
}

bool bit(std::span<const std::uint64_t> bits, std::size_t at) {
    return (bits[at / 64] >> at % 64 & 1) != 0;
}

}  // namespace

ChunkView SealedChunk::view() const {
    auto view = ChunkView::open_unchecked(bytes());
    CHECK(view.has_value(), "a chunk that was sealed in memory opens");
    return *std::move(view);
}

std::span<const SealedChunk> to_merge(std::span<const SealedChunk> chunks) {
    const auto is_long = [](const SealedChunk& chunk) { return chunk.rows > kShort; };
    const auto last_long = std::find_if(chunks.rbegin(), chunks.rend(), is_long);
    const auto all = chunks.last(static_cast<std::size_t>(last_long - chunks.rbegin()));
    std::size_t count = 0;
    std::size_t rows = 0;
    while (count < all.size() && rows < kMergedRows) rows += all[count++].rows;
    return rows >= kMergedRows || count >= kMergedChunks ? all.first(count) : all.first(0);
}

SealedChunk Sealer::seal(std::span<const SealedChunk> before, const Tile& tile, std::size_t rows) {
    begin(before);
    const auto times = tile.times().first(rows);
    times_.insert(times_.end(), times.begin(), times.end());
    return seal_columns(tile);
}

SealedChunk Sealer::merge(std::span<const SealedChunk> chunks) {
    begin(chunks);
    return seal_columns(Tile());
}

/// The rows behind those of the chunks are the tile's.
SealedChunk Sealer::seal_columns(const Tile& tile) {
    writer_.begin(times_);
    std::size_t columns = tile.columns();
    for (const auto& view : views_) columns = std::max(columns, view.columns());
    for (std::size_t column = 0; column < columns; ++column) {
        decode_before(column);
        if (column < tile.columns()) {
            tile.copy(column, std::span(values_).subspan(rows_before_));
            const auto present = tile.present(column);
            for (std::size_t row = rows_before_; row < times_.size(); ++row) {
                if ((present >> (row - rows_before_) & 1) != 0) set_bit(present_, row);
            }
        }
        finish_column();
    }
    return finish();
}

SealedChunk Sealer::seal(std::span<const SealedChunk> before, std::span<const Sample> samples) {
    begin(before);
    for (const auto& sample : samples) times_.push_back(sample.time);
    writer_.begin(times_);
    decode_before(0);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        values_[rows_before_ + i] = samples[i].value;
        set_bit(present_, rows_before_ + i);
    }
    finish_column();
    return finish();
}

void Sealer::begin(std::span<const SealedChunk> before) {
    decoders_.clear();
    views_.clear();
    times_.clear();
    for (const auto& chunk : before) {
        views_.push_back(chunk.view());
        times_.insert(times_.end(), views_.back().times().begin(), views_.back().times().end());
    }
    for (const auto& view : views_) decoders_.push_back(std::make_unique<ColumnDecoder>(view));
    rows_before_ = times_.size();
}

/// Makes room for a column, and puts what the chunks have of it at its start.
void Sealer::decode_before(std::size_t column) {
    values_.assign(times_.size(), 0);
    present_.assign((times_.size() + 63) / 64, 0);
    if (views_.empty()) return;
    std::array<std::uint8_t, kMaxChunkRows> present;
    std::size_t at = 0;
    for (std::size_t i = 0; i < views_.size(); ++i) {
        const std::size_t rows = views_[i].rows();
        decode_column(*decoders_[i], views_[i], column, std::span(values_).subspan(at, rows),
                      std::span(present).first(rows));
        for (std::size_t row = 0; row < rows; ++row) {
            if (present[row] != 0) set_bit(present_, at + row);
        }
        at += rows;
    }
}

void Sealer::finish_column() {
    const std::size_t rows = times_.size();
    bool all = true;
    for (std::size_t row = 0; row < rows && all; ++row) all = bit(present_, row);
    writer_.add_column(values_, all ? std::span<const std::uint64_t>() : present_);
}

SealedChunk Sealer::finish() {
    bytes_.clear();
    writer_.finish(bytes_);
    decoders_.clear();  // 96 KiB each
    views_.clear();
    auto data = std::make_shared_for_overwrite<char[]>(bytes_.size());
    std::ranges::copy(bytes_, data.get());
    return {std::move(data), static_cast<std::uint32_t>(bytes_.size()),
            static_cast<std::uint32_t>(times_.size()), times_.front(), times_.back()};
}

void decode_column(ColumnDecoder& decoder, const ChunkView& view, std::size_t column,
                   std::span<double> values, std::span<std::uint8_t> present) {
    if (column >= view.columns()) {
        std::ranges::fill(present, std::uint8_t{0});
        return;
    }
    std::array<std::uint64_t, kMaxChunkRows / 64> bits;
    const auto words = std::span(bits).first((values.size() + 63) / 64);
    const auto found = decoder.decode(column, values, words);
    CHECK(found.has_value(), "a chunk that was sealed in memory is read");
    if (*found == Presence::all) {
        std::ranges::fill(present, std::uint8_t{1});
        return;
    }
    for (std::size_t row = 0; row < present.size(); ++row) present[row] = bit(words, row) ? 1 : 0;
}

}  // namespace inferscope::tsdb
