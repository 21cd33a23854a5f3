// SPDX-License-Identifier: Apache-2.0
#include "tsdb/index_series.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace inferscope::tsdb {

using index_format::kSeriesPerRun;
using index_format::unzigzag;
using index_format::zigzag;

namespace {

constexpr std::size_t kMaskBits = 64;

}  // namespace

void SeriesEncoder::add(std::span<const LabelNumber> labels, std::span<const ColumnPlace> places) {
    const bool starts_run = count_++ % kSeriesPerRun == 0;
    if (starts_run) {
        const auto start = static_cast<std::uint32_t>(records_.size());
        table_ += index_format::as_bytes(start);
        place_before_ = {};
    }
    const bool has_mask = labels.size() == before_.size() && labels.size() <= kMaskBits;
    if (!starts_run && !has_mask) append_varint(records_, 0);
    if (starts_run || !has_mask) {
        write_complete(labels);
    } else {
        write_changes(labels);
    }
    write_places(places);
    before_.assign(labels.begin(), labels.end());
}

void SeriesEncoder::write_complete(std::span<const LabelNumber> labels) {
    append_varint(records_, labels.size());
    LabelNumber before = 0;
    for (const auto label : labels) append_varint(records_, label - std::exchange(before, label));
}

/// Neighbours differ, so the mask is never zero.
void SeriesEncoder::write_changes(std::span<const LabelNumber> labels) {
    std::uint64_t mask = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (labels[i] != before_[i]) mask |= std::uint64_t{1} << i;
    }
    append_varint(records_, mask);
    for (; mask != 0; mask &= mask - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(mask));
        append_varint(records_, zigzag(labels[i], before_[i]));
    }
}

void SeriesEncoder::write_places(std::span<const ColumnPlace> places) {
    const bool same_group = !places.empty() && places.front().group == place_before_.group;
    append_varint(records_, places.size() << 1 | (same_group ? 1 : 0));
    bool group_known = same_group;
    for (const auto& place : places) {
        if (!group_known) append_varint(records_, zigzag(place.group, place_before_.group));
        append_varint(records_, zigzag(place.column, place_before_.column));
        place_before_ = place;
        group_known = false;
    }
}

std::string SeriesEncoder::take() { return table_ + records_; }

SeriesTable::SeriesTable(std::string_view section, std::uint32_t series)
    : section_(section), series_(series) {
    const std::size_t table = index_format::runs(series, kSeriesPerRun) * sizeof(std::uint32_t);
    ok_ = table <= section.size();
    if (ok_) {
        records_ = section.substr(table);
    } else {
        series_ = 0;
    }
}

SeriesCursor::SeriesCursor(const SeriesTable& table) : table_(&table), reader_(table.records()) {}

void SeriesCursor::start_run(std::uint32_t run) {
    const auto start = std::min<std::size_t>(table_->run(run), table_->records().size());
    reader_ = index_format::ByteReader(table_->records().substr(start));
    next_ = run * kSeriesPerRun;
}

bool SeriesCursor::seek(SeriesId id) {
    if (id >= table_->size()) return false;
    if (id < next_ || id / kSeriesPerRun != next_ / kSeriesPerRun) start_run(id / kSeriesPerRun);
    while (next_ <= id) {
        if (!next()) return false;
    }
    return true;
}

bool SeriesCursor::next() {
    if (next_ >= table_->size()) return false;
    const bool starts_run = next_ % kSeriesPerRun == 0;
    if (starts_run) place_before_ = {};
    const std::uint64_t mask = starts_run ? 0 : reader_.varint();
    if (mask == 0) {
        read_complete();
    } else {
        read_changes(mask);
    }
    read_places();
    if (!reader_.ok()) {
        labels_.clear();
        places_.clear();
        return false;
    }
    ++next_;
    return true;
}

void SeriesCursor::read_complete() {
    const std::uint64_t count = reader_.varint();
    if (count > reader_.left()) reader_.fail();  // one byte for each at least
    labels_.clear();
    std::uint64_t label = 0;
    for (std::uint64_t i = 0; i < count && reader_.ok(); ++i) {
        label += reader_.varint32();
        if (label > UINT32_MAX) reader_.fail();
        labels_.push_back(static_cast<LabelNumber>(label));
    }
}

void SeriesCursor::read_changes(std::uint64_t mask) {
    for (; mask != 0 && reader_.ok(); mask &= mask - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(mask));
        const std::uint64_t label =
            i < labels_.size() ? unzigzag(reader_.varint(), labels_[i]) : UINT64_MAX;
        if (label > UINT32_MAX) {
            reader_.fail();
            return;
        }
        labels_[i] = static_cast<LabelNumber>(label);
    }
}

void SeriesCursor::read_places() {
    const std::uint64_t head = reader_.varint();
    const std::uint64_t count = head >> 1;
    bool group_known = (head & 1) != 0;
    if (count > reader_.left()) reader_.fail();  // one byte for each at least
    places_.clear();
    for (std::uint64_t i = 0; i < count && reader_.ok(); ++i) {
        if (!group_known) place_before_.group = unzigzag(reader_.varint(), place_before_.group);
        place_before_.column = unzigzag(reader_.varint(), place_before_.column);
        places_.push_back(place_before_);
        group_known = false;
    }
}

}  // namespace inferscope::tsdb
