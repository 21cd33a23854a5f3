// SPDX-License-Identifier: Apache-2.0
#include "tsdb/chunk_format.h"

#include <limits>

#include "tsdb/bit_packing.h"

namespace inferscope::tsdb {
namespace {

constexpr unsigned kHasGaps = 64, kHasFirst = 128;

bool has_parameter(NumberScale::Kind kind) {
    return kind == NumberScale::Kind::ratio || kind == NumberScale::Kind::fixed;
}

bool is_valid(const NumberScale& scale) {
    if (scale.kind == NumberScale::Kind::ratio)
        return scale.parameter > 1 && scale.parameter <= kMaxDivisor;
    return scale.parameter <= 2 * std::uint64_t{kMaxShift};
}

std::uint32_t read_size(ByteReader& bytes) {
    const auto size = bytes.varint();
    if (size > std::numeric_limits<std::uint32_t>::max()) bytes.fail();
    return static_cast<std::uint32_t>(size);
}

}  // namespace

std::uint64_t FirstNumbers::foretell(const ColumnHeader& header) const {
    switch (header.relation) {
        case Relation::same:
            return all_[header.related[0]];
        case Relation::sum:
            return all_[header.related[0]] + all_[header.related[1]];
        case Relation::difference:
            return all_[header.related[0]] - all_[header.related[1]];
        case Relation::none:
            break;
    }
    const auto& newest = newest_[static_cast<std::size_t>(header.scale.kind)];
    return newest.scale == header.scale ? newest.first : 0;
}

void FirstNumbers::remember(const ColumnHeader& header) {
    all_.push_back(header.first);
    if (header.form == ColumnForm::level) return;
    newest_[static_cast<std::size_t>(header.scale.kind)] = {header.scale, header.first};
}

void append_header(std::string& out, const ColumnHeader& header, std::uint32_t column,
                   const FirstNumbers& before) {
    const auto first =
        header.form == ColumnForm::level ? 0 : header.first - before.foretell(header);
    const auto kind = static_cast<unsigned>(header.scale.kind);
    out += static_cast<char>(kind | static_cast<unsigned>(header.form) << 2 |
                             static_cast<unsigned>(header.relation) << 4 |
                             (header.gaps_size > 0 ? kHasGaps : 0) | (first != 0 ? kHasFirst : 0));
    if (has_parameter(header.scale.kind)) append_varint(out, header.scale.parameter);
    for (std::size_t i = 0; i < columns_in(header.relation); ++i)
        append_varint(out, column - header.related[i] - 1);
    if (first != 0) append_varint(out, zigzag(first));
    if (header.form != ColumnForm::zero) append_varint(out, header.payload_size);
    if (header.gaps_size > 0) append_varint(out, header.gaps_size);
}

ColumnHeader read_header(ByteReader& bytes, std::uint32_t column, const FirstNumbers& before) {
    ColumnHeader header;
    const unsigned control = bytes.byte();
    header.scale.kind = static_cast<NumberScale::Kind>(control & 3);
    header.form = static_cast<ColumnForm>(control >> 2 & 3);
    header.relation = static_cast<Relation>(control >> 4 & 3);
    if (has_parameter(header.scale.kind)) {
        const auto parameter = bytes.varint();
        header.scale.parameter = static_cast<std::uint32_t>(parameter);
        if (header.scale.parameter != parameter || !is_valid(header.scale)) bytes.fail();
    }
    for (std::size_t i = 0; i < columns_in(header.relation); ++i) {
        const auto distance = bytes.varint();
        if (distance >= column) bytes.fail();
        if (!bytes.ok()) return header;
        header.related[i] = column - 1 - static_cast<std::uint32_t>(distance);
    }
    const bool is_level = header.form == ColumnForm::level;
    if (is_level && ((control & kHasFirst) != 0 || header.relation != Relation::none)) bytes.fail();
    if (!is_level) header.first = before.foretell(header);
    if ((control & kHasFirst) != 0) header.first += unzigzag(bytes.varint());
    if (header.form != ColumnForm::zero) header.payload_size = read_size(bytes);
    if ((control & kHasGaps) != 0) header.gaps_size = read_size(bytes);
    return header;
}

}  // namespace inferscope::tsdb
