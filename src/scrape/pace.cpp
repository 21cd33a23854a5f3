// SPDX-License-Identifier: Apache-2.0
#include "scrape/pace.h"

#include <algorithm>

namespace inferscope::scrape {
namespace {

constexpr Timestamp kTolerance = 2;  // ms

}  // namespace

SteadyTime Pace::first_tick(SteadyTime now, const TickOrigin& origin) const {
    const Timestamp length = interval_.count();
    const Timestamp slot = std::clamp<Timestamp>(length / 20, 1, kSlot.count());
    const auto spread = static_cast<Timestamp>(identity_ % static_cast<std::uint64_t>(length));
    const Timestamp phase = spread - spread % slot;
    const Timestamp into = ((origin.wall - phase) % length + length) % length;
    return next_tick(origin.steady - Millis(into + length), now - Nanos(1));
}

Timestamp Pace::sample_time(Timestamp wall) {
    const auto length = interval().count();
    const auto tolerance = std::min<Timestamp>(length / 100, kTolerance);
    if (aligned_ != 0 && wall >= aligned_) aligned_ += (wall - aligned_) / length * length;
    const bool on_tick = aligned_ != 0 && wall >= aligned_ && wall - aligned_ <= tolerance;
    if (!on_tick) aligned_ = wall;
    return aligned_;
}

void Pace::on_answer(Nanos duration, bool no_answer) {
    const Nanos slow = std::min<Nanos>(kSlowAnswer, interval_ / 2);
    if (no_answer || duration > slow) {
        fast_answers_ = 0;
        if (interval() < slowest()) slowdown_ *= 2;
        return;
    }
    if (slowdown_ == 1 || ++fast_answers_ < kFastAnswersToRecover) return;
    fast_answers_ = 0;
    slowdown_ /= 2;
}

SteadyTime Pace::next_tick(SteadyTime last, SteadyTime now) const {
    const Nanos length = interval();
    SteadyTime next = last + length;
    if (next <= now) next += (now - next) / length * length + length;
    return next;
}

}  // namespace inferscope::scrape
