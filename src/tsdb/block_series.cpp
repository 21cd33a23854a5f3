// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_series.h"

#include <algorithm>

namespace inferscope::tsdb {

BlockSeries::BlockSeries(const BlockIndex& index, std::span<const Matcher> matchers) {
    const auto ids = index.select(matchers);
    all_.reserve(ids.size());
    places_.reserve(ids.size());
    index.for_each_series(ids,
                          [&](SeriesId, const Labels& labels, std::span<const ColumnPlace> places) {
                              places_.insert(places_.end(), places.begin(), places.end());
                              all_.push_back({labels, places_.size()});
                          });
    is_sorted_ = std::ranges::is_sorted(all_, {}, &One::labels);
}

std::size_t BlockSeries::heap_bytes() const {
    auto bytes = all_.capacity() * sizeof(One) + places_.capacity() * sizeof(ColumnPlace);
    for (const auto& one : all_) bytes += one.labels.bytes().size();
    return bytes;
}

}  // namespace inferscope::tsdb
