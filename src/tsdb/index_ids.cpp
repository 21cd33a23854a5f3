// SPDX-License-Identifier: Apache-2.0
#include "tsdb/index_ids.h"

#include <utility>

namespace inferscope::tsdb {

void IdsEncoder::add(SeriesId id) {
    ++count_;
    if (length_ > 0 && id == first_ + length_) {
        ++length_;
        return;
    }
    end_run();
    first_ = id;
    length_ = 1;
}

void IdsEncoder::end_run() {
    if (length_ == 0) return;
    const std::uint64_t gap = first_ - end_;
    append_varint(bytes_, gap << 1 | (length_ > 1 ? 1 : 0));
    if (length_ > 1) append_varint(bytes_, length_ - 2);
    end_ = first_ + length_;
}

std::string IdsEncoder::take() {
    end_run();
    return std::move(bytes_);
}

std::optional<IdRun> IdsCursor::next() {
    if (reader_.at_end()) return std::nullopt;
    const std::uint64_t gap = reader_.varint();
    const std::uint64_t first = end_ + (gap >> 1);
    const std::uint64_t length = (gap & 1) != 0 ? std::uint64_t{reader_.varint32()} + 2 : 1;
    if (gap >> 1 > limit_ || first + length > limit_) reader_.fail();
    if (!reader_.ok()) return std::nullopt;
    end_ = static_cast<SeriesId>(first + length);
    return IdRun{static_cast<SeriesId>(first), static_cast<std::uint32_t>(length)};
}

}  // namespace inferscope::tsdb
