// SPDX-License-Identifier: Apache-2.0
#include "tsdb/chunk_writer.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

#include "base/check.h"
#include "base/crc32c.h"
#include "tsdb/bit_packing.h"
#include "tsdb/column_gaps.h"

namespace inferscope::tsdb {
namespace {

/// How many of the columns that moved last are tried as something to foretell from.
constexpr std::size_t kNeighbours = 3;

INFERSCOPE_VECTOR_CLONES
bool all_same(const double* values, std::size_t count) {
    std::uint64_t different = 0;
    const auto first = std::bit_cast<std::uint64_t>(values[0]);
    for (std::size_t i = 1; i < count; ++i)
        different |= std::bit_cast<std::uint64_t>(values[i]) ^ first;
    return different == 0;
}

bool all_zero(std::span<const std::uint64_t> numbers) {
    return std::ranges::all_of(numbers, [](std::uint64_t number) { return number == 0; });
}

bool any_falls(std::span<const std::uint64_t> differences) {
    return std::ranges::any_of(differences, [](std::uint64_t d) { return d >> 63 != 0; });
}

}  // namespace

void ChunkWriter::begin(std::span<const Timestamp> times) {
    CHECK(!times.empty() && times.size() <= kMaxChunkRows, "a chunk has 1 to kMaxChunkRows rows");
    CHECK(std::ranges::is_sorted(times, std::less_equal<>()), "times rise strictly");
    times_.assign(times.begin(), times.end());
    columns_ = 0;
    relations_.clear();
    firsts_ = {};
    headers_.clear();
    payloads_.clear();
}

void ChunkWriter::add_column(std::span<const double> values,
                             std::span<const std::uint64_t> present) {
    CHECK(values.size() == times_.size(), "a column has a value for each row");
    CHECK(present.empty() || present.size() == (values.size() + 63) / 64, "a bit for each row");
    CHECK(columns_ < kMaxChunkColumns, "a chunk has at most kMaxChunkColumns columns");
    const bool constant = present.empty() && all_same(values.data(), values.size());
    // Of a constant column one row is enough, unless it needs corrections in each.
    numbers_.assign(constant ? values.first(1) : values, present);
    if (!numbers_.corrections.empty()) numbers_.assign(values, present);
    ColumnHeader header;
    header.scale = numbers_.scale;
    header.first = numbers_.numbers[0];
    const auto begin = payloads_.size();
    differences_.resize(numbers_.numbers.size() - 1);
    subtract_rows_before(numbers_.numbers, differences_);
    if (!all_zero(differences_)) encode_numbers(header);
    const auto end = payloads_.size();
    append_gaps(payloads_, numbers_, values, present);
    header.payload_size = static_cast<std::uint32_t>(end - begin);
    header.gaps_size = static_cast<std::uint32_t>(payloads_.size() - end);
    append_header(headers_, header, columns_, firsts_);
    firsts_.remember(header);
    ++columns_;
}

void ChunkWriter::encode_numbers(ColumnHeader& header) {
    residuals_ = differences_;
    ResidualPlan plan;
    ColumnRelations::Found found;
    if (const auto exact = relations_.find(header.scale, differences_)) {
        found = *exact;
    } else {
        relate_to_neighbour(found, plan);
        if (found.relation == Relation::none && any_falls(differences_)) {
            const auto level = plan_dense_residuals(numbers_.numbers);
            if (level.bits < plan.bits) {
                append_residuals(payloads_, numbers_.numbers, level);
                header.form = ColumnForm::level;
                header.first = 0;
                relations_.remember(columns_, 1, header.scale, differences_);
                return;
            }
        }
        append_residuals(payloads_, residuals_, plan);
    }
    header.form = static_cast<ColumnForm>(plan.form);
    header.relation = found.relation;
    for (std::size_t i = 0; i < columns_in(found.relation); ++i)
        header.related[i] = found.columns[i]->column;
    if (found.relation != Relation::same || plan.form != ResidualForm::zero)
        relations_.remember(columns_, found.steps(), header.scale, differences_);
}

/// Leaves in `residuals_` what remains when the best of some neighbours has been used, or none.
void ChunkWriter::relate_to_neighbour(ColumnRelations::Found& found, ResidualPlan& plan) {
    auto best = estimate_residual_bits(residuals_);
    for (std::size_t i = 0; i < kNeighbours; ++i) {
        const auto* near = relations_.newest(i);
        if (near == nullptr) break;
        if (near->scale != numbers_.scale || near->steps >= kMaxDecodeSteps) continue;
        tried_.resize(differences_.size());
        for (std::size_t row = 0; row < tried_.size(); ++row)
            tried_[row] = differences_[row] - near->differences[row];
        const auto bits = estimate_residual_bits(tried_) + 8;  // the header's byte
        if (bits >= best) continue;
        best = bits;
        found = {Relation::same, {near, nullptr}};
        std::swap(residuals_, tried_);
    }
    plan = plan_residuals(residuals_);
}

void ChunkWriter::append_times(std::string& out) {
    append_varint(out, zigzag(static_cast<std::uint64_t>(times_.front())));
    std::vector<std::uint64_t> numbers(times_.begin(), times_.end());
    differences_.resize(numbers.size() - 1);
    subtract_rows_before(numbers, differences_);
    const auto plan = plan_residuals(differences_);
    std::string bytes;
    append_residuals(bytes, differences_, plan);
    out += static_cast<char>(plan.form);
    append_varint(out, bytes.size());
    out += bytes;
}

void ChunkWriter::finish(std::string& out) {
    const auto begin = out.size();
    out += kChunkMagic;
    append_varint(out, times_.size());
    append_varint(out, columns_);
    append_times(out);
    append_varint(out, headers_.size());
    out += headers_;
    out += payloads_;
    append_word(out, static_cast<std::uint32_t>(out.size() - begin + kChunkTrailer));
    append_word(out, crc32c(std::string_view(out).substr(begin)));
}

}  // namespace inferscope::tsdb
