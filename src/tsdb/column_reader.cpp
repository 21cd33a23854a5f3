// SPDX-License-Identifier: Apache-2.0
#include "tsdb/column_reader.h"

#include <algorithm>

namespace inferscope::tsdb {

void ColumnReader::use(const ChunkView& chunk, const KeptColumns& kept) {
    chunk_ = &chunk;
    kept_ = &kept;
    is_decoder_ready_ = false;
}

Result<ReadColumn> ColumnReader::read(std::size_t column, std::size_t begin,
                                      std::span<double> out) {
    if (out.empty()) return ReadColumn{};
    if (column >= chunk_->columns()) {
        present_.fill(0);
        return ReadColumn{.present = present_, .facts = {}};
    }
    if (const auto* const kept = kept_->find(column)) return copy(*kept, begin, out);
    if (const auto value = chunk_->constant(column)) {
        std::ranges::fill(out, *value);
        return ReadColumn{.present = {}, .facts = {.is_plain = true, .never_falls = true}};
    }
    const auto rows = chunk_->rows();
    const auto is_whole = out.size() == rows;
    values_.resize(rows);
    const auto values = is_whole ? out : std::span(values_);
    const auto present = std::span(present_).first((rows + 63) / 64);
    const auto presence = decoder().decode(column, values, present);
    if (!presence) return presence.error();
    const auto absent_or_not = *presence == Presence::all ? present.first(0) : present;
    const auto& header = chunk_->column(column).header;
    if (kept_->was_wanted(column)) {
        return copy(kept_->keep(column, {header, decoder_->numbers(), values, absent_or_not}),
                    begin, out);
    }
    if (!is_whole) std::ranges::copy(values.subspan(begin, out.size()), out.begin());
    const bool is_plain = header.gaps_size == 0 && header.scale.kind != NumberScale::Kind::bits;
    return ReadColumn{.present = absent_or_not,
                      .facts = {.is_plain = is_plain, .never_falls = false}};
}

ReadColumn ColumnReader::copy(const NarrowColumn& kept, std::size_t begin, std::span<double> out) {
    kept.copy(begin, out);
    return {.present = kept.present(), .facts = kept.facts()};
}

ColumnDecoder& ColumnReader::decoder() {
    if (!decoder_) {
        decoder_ = std::make_unique<ColumnDecoder>(*chunk_);
    } else if (!is_decoder_ready_) {
        decoder_->use(*chunk_);
    }
    is_decoder_ready_ = true;
    return *decoder_;
}

}  // namespace inferscope::tsdb
