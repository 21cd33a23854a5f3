// SPDX-License-Identifier: Apache-2.0
#include "tsdb/index_labels.h"

#include <algorithm>
#include <utility>

namespace inferscope::tsdb {

using index_format::kLabelsPerRun;
using index_format::LabelRun;

void LabelsEncoder::add(std::string_view value, std::uint32_t ids, std::string_view postings) {
    if (count_++ % kLabelsPerRun == 0) {
        const LabelRun run{static_cast<std::uint32_t>(records_.size()),
                           static_cast<std::uint32_t>(postings_.size())};
        table_ += index_format::as_bytes(run);
        before_.clear();
    }
    const auto shared =
        static_cast<std::size_t>(std::ranges::mismatch(before_, value).in1 - before_.begin());
    append_varint(records_, shared);
    append_varint(records_, value.size() - shared);
    records_ += value.substr(shared);
    append_varint(records_, ids);
    append_varint(records_, postings.size());
    postings_ += postings;
    before_ = value;
}

std::string LabelsEncoder::take(std::string& postings) {
    postings = std::move(postings_);
    return table_ + records_;
}

LabelTable::LabelTable(std::string_view section, std::uint32_t labels)
    : section_(section), labels_(labels) {
    const std::size_t table = index_format::runs(labels, kLabelsPerRun) * sizeof(LabelRun);
    ok_ = table <= section.size();
    if (ok_) {
        records_ = section.substr(table);
    } else {
        labels_ = 0;
    }
}

LabelCursor::LabelCursor(const LabelTable& table, std::uint32_t run)
    : table_(&table), next_(run * kLabelsPerRun) {
    const auto place = table.run(run);
    const auto start = std::min<std::size_t>(place.record, table.records().size());
    reader_ = index_format::ByteReader(table.records().substr(start));
    ids_.offset = place.postings;
}

LabelCursor LabelCursor::at(const LabelTable& table, LabelNumber label) {
    LabelCursor cursor(table, label / kLabelsPerRun);
    while (cursor.next() && cursor.number() < label) {
    }
    return cursor;
}

bool LabelCursor::next() {
    if (next_ >= table_->size()) return false;
    if (next_ % kLabelsPerRun == 0) value_.clear();
    const std::uint64_t shared = reader_.varint();
    const auto rest = reader_.bytes(reader_.varint());
    ids_.offset += ids_.bytes;
    ids_.count = reader_.varint32();
    ids_.bytes = reader_.varint();
    if (shared > value_.size()) reader_.fail();
    if (!reader_.ok()) {
        value_.clear();
        ids_ = {};
        return false;
    }
    value_.resize(shared);
    value_ += rest;
    ++next_;
    return true;
}

}  // namespace inferscope::tsdb
