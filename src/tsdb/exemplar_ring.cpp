// SPDX-License-Identifier: Apache-2.0
#include "tsdb/exemplar_ring.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <tuple>
#include <utility>

namespace inferscope::tsdb {

bool ExemplarRing::add(StoredExemplar exemplar) {
    if (most_ == 0) return false;
    const auto known = newest_.find(exemplar.series);
    if (known != newest_.end() && exemplar.time <= ring_[known->second].time) return false;
    if (ring_.size() < most_) {
        newest_[exemplar.series] = ring_.size();
        ring_.push_back(std::move(exemplar));
        return true;
    }
    drop_newest_mark(next_);
    newest_[exemplar.series] = next_;
    ring_[next_] = std::move(exemplar);
    next_ = (next_ + 1) % most_;
    return true;
}

void ExemplarRing::drop_newest_mark(std::size_t place) {
    const auto mark = newest_.find(ring_[place].series);
    if (mark != newest_.end() && mark->second == place) newest_.erase(mark);
}

std::vector<StoredExemplar> ExemplarRing::select(std::span<const Matcher> matchers, Timestamp from,
                                                 Timestamp to) const {
    std::vector<StoredExemplar> found;
    std::ranges::copy_if(ring_, std::back_inserter(found), [&](const StoredExemplar& exemplar) {
        if (exemplar.time < from || exemplar.time > to) return false;
        return std::ranges::all_of(matchers, [&](const Matcher& matcher) {
            return matcher.matches(exemplar.series.get(matcher.name()));
        });
    });
    std::ranges::sort(found, [](const StoredExemplar& a, const StoredExemplar& b) {
        return std::tie(a.series, a.time) < std::tie(b.series, b.time);
    });
    return found;
}

void ExemplarRing::forget_before(Timestamp time) {
    std::ranges::rotate(ring_, ring_.begin() + static_cast<std::ptrdiff_t>(next_));
    next_ = 0;
    std::erase_if(ring_, [&](const StoredExemplar& exemplar) { return exemplar.time < time; });
    newest_.clear();
    for (std::size_t place = 0; place < ring_.size(); ++place) {
        newest_[ring_[place].series] = place;  // of one series, times rise
    }
}

}  // namespace inferscope::tsdb
