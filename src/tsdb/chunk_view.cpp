// SPDX-License-Identifier: Apache-2.0
#include "tsdb/chunk_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "base/check.h"
#include "base/crc32c.h"
#include "tsdb/bit_packing.h"
#include "tsdb/column_gaps.h"

namespace inferscope::tsdb {
namespace {

Error bad_chunk(std::string_view what) {
    return {Errc::invalid_argument, fmt::format("chunk: {}", what)};
}

std::uint32_t word_before_end(std::string_view bytes, std::size_t distance) {
    return ByteReader(bytes.substr(bytes.size() - distance)).word<std::uint32_t>();
}

/// Reads exactly `bytes`.
bool read_all(ColumnForm form, std::string_view bytes, std::span<std::uint64_t> out) {
    const auto residuals =
        form == ColumnForm::level ? ResidualForm::dense : static_cast<ResidualForm>(form);
    return read_residuals(residuals, bytes, out) == bytes.size();
}

INFERSCOPE_VECTOR_CLONES
void add_or_subtract(std::uint64_t* sum, const std::uint64_t* terms, std::size_t count,
                     bool subtract) {
    const std::uint64_t flip = subtract ? ~std::uint64_t{0} : 0;
    for (std::size_t i = 0; i < count; ++i) sum[i] += (terms[i] ^ flip) - flip;
}

}  // namespace

Result<ChunkView> ChunkView::open(std::string_view bytes) {
    if (!bytes.starts_with(kChunkMagic)) return bad_chunk("it doesn't begin as one of version 1");
    if (bytes.size() < kChunkMagic.size() + kChunkTrailer ||
        word_before_end(bytes, 8) != bytes.size())
        return bad_chunk(fmt::format("{} bytes are not all of it", bytes.size()));
    const auto checksum = crc32c(bytes.substr(0, bytes.size() - 4));
    if (word_before_end(bytes, 4) != checksum)
        return bad_chunk(fmt::format("its checksum is not {:08x}", checksum));
    return open_unchecked(bytes);
}

Result<ChunkView> ChunkView::open_unchecked(std::string_view bytes) {
    if (bytes.size() < kChunkMagic.size() + kChunkTrailer) return bad_chunk("too short");
    ChunkView view;
    view.bytes_ = bytes;
    ByteReader reader(bytes.substr(0, bytes.size() - kChunkTrailer));
    reader.take(kChunkMagic.size());
    const auto rows = reader.varint(), columns = reader.varint();
    if (!reader.ok() || rows == 0 || rows > kMaxChunkRows)
        return bad_chunk(fmt::format("{} rows; there can be 1 to {}", rows, kMaxChunkRows));
    if (columns > kMaxChunkColumns)
        return bad_chunk(fmt::format("{} columns; there can be {}", columns, kMaxChunkColumns));
    if (!view.read_times(reader, rows)) return bad_chunk("its times can't be read");
    const auto headers = reader.take(reader.varint());
    if (!reader.ok() || !view.read_headers(headers, columns, reader.rest()))
        return bad_chunk("its columns' headers contradict each other or its size");
    return view;
}

bool ChunkView::read_times(ByteReader& bytes, std::size_t rows) {
    const auto first = unzigzag(bytes.varint());
    const auto form = bytes.byte();
    const auto payload = bytes.take(bytes.varint());
    if (!bytes.ok() || form > static_cast<unsigned>(ResidualForm::dense)) return false;
    std::vector<std::uint64_t> numbers(rows);
    if (read_running_sum(static_cast<ResidualForm>(form), payload, first, numbers) !=
        payload.size())
        return false;
    times_.assign(numbers.begin(), numbers.end());
    return std::ranges::is_sorted(times_, std::less_equal<>());
}

bool ChunkView::read_headers(std::string_view headers, std::size_t count,
                             std::string_view payloads) {
    if (count > headers.size()) return false;  // each has a byte, before memory is taken for it
    ByteReader reader(headers);
    FirstNumbers firsts;
    columns_.reserve(count);
    firsts.expect(count);
    auto at = static_cast<std::size_t>(payloads.data() - bytes_.data());
    const auto end = at + payloads.size();
    for (std::uint32_t i = 0; i < count; ++i) {
        Column column{.header = read_header(reader, i, firsts),
                      .begin = static_cast<std::uint32_t>(at)};
        const auto& header = column.header;
        if (!reader.ok() || std::uint64_t{header.payload_size} + header.gaps_size > end - at)
            return false;
        at += header.payload_size + header.gaps_size;
        std::uint32_t steps = 1;
        for (std::size_t r = 0; r < columns_in(header.relation); ++r) {
            Column& related = columns_[header.related[r]];
            related.has_relatives = true;
            steps += related.steps;
            if (related.header.scale != header.scale) return false;
        }
        if (steps > kMaxDecodeSteps) return false;
        column.steps = static_cast<std::uint8_t>(steps);
        firsts.remember(header);
        columns_.push_back(column);
    }
    return at == end && reader.rest().empty();
}

std::optional<double> ChunkView::constant(std::size_t index) const {
    const auto& header = columns_[index].header;
    if (header.form != ColumnForm::zero || header.relation != Relation::none ||
        header.gaps_size > 0 || header.scale.kind == NumberScale::Kind::bits)
        return std::nullopt;
    double value = 0;
    numbers_to_values(header.scale, {&header.first, 1}, {&value, 1});
    return value;
}

std::string_view ColumnDecoder::payload(std::size_t column) const {
    const auto& at = chunk_->column(column);
    return chunk_->bytes().substr(at.begin, at.header.payload_size);
}

/// The column itself, or the one that it moves as.
std::size_t ColumnDecoder::mover(std::size_t column) const {
    while (true) {
        const auto& header = chunk_->column(column).header;
        if (header.form != ColumnForm::zero || header.relation != Relation::same) return column;
        column = header.related[0];
    }
}

ColumnDecoder::Kept* ColumnDecoder::find_kept(std::size_t column) {
    const auto at = std::ranges::find(kept_, column, &Kept::column);
    if (at == kept_.end()) return nullptr;
    at->used = ++uses_;
    return &*at;
}

/// To keep its differences in: in the place of what was not used for longest.
ColumnDecoder::Kept& ColumnDecoder::place_for(std::size_t column) {
    const auto at = std::ranges::min_element(kept_, {}, &Kept::used);
    at->column = column;
    at->used = ++uses_;
    return *at;
}

/// The residuals of a column's differences; of one without relation, the differences.
bool ColumnDecoder::read_payload(std::size_t column, std::span<std::uint64_t> differences) {
    const auto form = chunk_->column(column).header.form;
    if (form != ColumnForm::level) return read_all(form, payload(column), differences);
    const auto numbers = std::span(scratch_).first(chunk_->rows());
    if (!read_all(form, payload(column), numbers)) return false;
    subtract_rows_before(numbers, differences);
    return true;
}

/// Adds the column's differences to `sum_`. Ends, since related columns stand before, and has at
/// most kMaxDecodeSteps calls.
bool ColumnDecoder::add_differences(std::size_t column, bool subtract) {
    const auto count = chunk_->rows() - 1;
    column = mover(column);
    if (const auto* kept = find_kept(column)) {
        add_or_subtract(sum_.data(), kept->differences.data(), count, subtract);
        return true;
    }
    const auto& header = chunk_->column(column).header;
    if (header.form != ColumnForm::zero) {
        if (!read_payload(column, std::span(scratch_).first(count))) return false;
        add_or_subtract(sum_.data(), scratch_.data(), count, subtract);
    }
    switch (header.relation) {
        case Relation::none:
            return true;
        case Relation::same:
            return add_differences(header.related[0], subtract);
        case Relation::sum:
            return add_differences(header.related[0], subtract) &&
                   add_differences(header.related[1], subtract);
        case Relation::difference:
            return add_differences(header.related[0], subtract) &&
                   add_differences(header.related[1], !subtract);
    }
    return false;
}

/// Into `sum_`, of a column that isn't constant.
bool ColumnDecoder::read_differences(std::size_t column) {
    const auto differences = std::span(sum_).first(chunk_->rows() - 1);
    column = mover(column);
    const auto& header = chunk_->column(column).header;
    if (const auto* kept = find_kept(column)) {
        std::copy_n(kept->differences.begin(), differences.size(), differences.begin());
        return true;
    }
    if (header.relation == Relation::none) {
        if (!read_payload(column, differences)) return false;
    } else {
        std::ranges::fill(differences, 0);
        if (!add_differences(column, false)) return false;
    }
    if (chunk_->column(column).has_relatives)
        std::ranges::copy(differences, place_for(column).differences.begin());
    return true;
}

/// Into `sum_`, of a column without relation.
bool ColumnDecoder::read_running_sum_of(std::size_t column) {
    const auto& at = chunk_->column(column);
    const auto numbers = std::span(sum_).first(chunk_->rows());
    const auto read = read_running_sum(static_cast<ResidualForm>(at.header.form), payload(column),
                                       at.header.first, numbers);
    if (read != at.header.payload_size) return false;
    if (at.has_relatives) subtract_rows_before(numbers, place_for(column).differences);
    return true;
}

/// Into `sum_`.
bool ColumnDecoder::read_numbers(std::size_t column) {
    const auto& header = chunk_->column(column).header;
    const auto numbers = std::span(sum_).first(chunk_->rows());
    if (header.form == ColumnForm::level) return read_all(header.form, payload(column), numbers);
    if (header.form == ColumnForm::zero && header.relation == Relation::none) {
        std::ranges::fill(numbers, header.first);
        return true;
    }
    if (header.relation == Relation::none && find_kept(column) == nullptr)
        return read_running_sum_of(column);
    if (!read_differences(column)) return false;
    std::uint64_t number = header.first;
    for (auto& each : numbers.first(numbers.size() - 1)) number += std::exchange(each, number);
    numbers.back() = number;
    return true;
}

Result<Presence> ColumnDecoder::decode(std::size_t column, std::span<double> values,
                                       std::span<std::uint64_t> present) {
    const auto rows = chunk_->rows();
    CHECK(column < chunk_->columns() && values.size() == rows && present.size() * 64 >= rows,
          "a column of the chunk, and room for its rows");
    const auto& at = chunk_->column(column);
    if (!read_numbers(column)) return bad_chunk(fmt::format("column {} can't be read", column));
    numbers_to_values(at.header.scale, std::span(sum_).first(rows), values);
    if (at.header.gaps_size == 0) return Presence::all;
    std::ranges::fill(present, ~std::uint64_t{0});
    bool any_absent = false;
    const auto gaps =
        chunk_->bytes().substr(at.begin + at.header.payload_size, at.header.gaps_size);
    if (!read_gaps(gaps, values, present, any_absent, std::span(scratch_).first(rows)))
        return bad_chunk(fmt::format("column {}'s gaps can't be read", column));
    return any_absent ? Presence::some : Presence::all;
}

}  // namespace inferscope::tsdb
