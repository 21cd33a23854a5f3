// SPDX-License-Identifier: Apache-2.0
#include "mapping/slots.h"

#include <algorithm>

#include "base/numbers.h"

namespace inferscope::mapping {
namespace {

/// So finely a ratio's window slides.
constexpr int kPointsOfWindow = 30;

}  // namespace

void ScaledSlot::fill(std::span<double> values) const {
    const double value = values[input];
    const bool blank = std::find(blanks.begin(), blanks.end(), value) != blanks.end();
    values[output] = blank || is_stale_marker(value) ? kStaleMarker : value * scale;
}

void SumSlot::fill(std::span<double> values) const {
    double sum = 0;
    bool any = false;
    for (const auto input : inputs) {
        if (is_stale_marker(values[input])) continue;
        sum += values[input];
        any = true;
    }
    values[output] = any ? sum * scale : kStaleMarker;
}

double CounterSum::follow(std::span<const double> values) {
    for (auto& [column, last] : inputs_) {
        const double value = values[column];
        if (!(value >= 0)) continue;  // stale, NaN, or no counter
        total_ += value >= last ? value - last : value;
        last = value;
    }
    return total_;
}

void RatioSlot::fill(Timestamp now, std::span<double> values) {
    const Point point{now, hits.follow(values), queries.follow(values)};
    if (points_.empty()) {
        points_ = {{now, 0, 0}, point};
    } else if (now < points_.back().time) {
        points_ = {
            point};  // the clock was set back: what was measured before has no place in a window
    }
    while (points_.size() > 1 && points_[1].time <= now - window_.count())
        points_.erase(points_.begin());
    const auto& start = points_.front();
    if (point.queries > start.queries) {
        ratio_ = (point.hits - start.hits) / (point.queries - start.queries);
        known_ = true;
    }
    if (now - points_.back().time >= window_.count() / kPointsOfWindow) points_.push_back(point);
    values[output] = known_ ? ratio_ : kStaleMarker;
}

}  // namespace inferscope::mapping
