// SPDX-License-Identifier: Apache-2.0
// When a target is asked next: ticks spread over targets, sample times aligned to them, and less
// often for a target that answers slowly, so that measuring never adds to its trouble.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace inferscope::scrape {

/// One instant on both clocks. All ticks count from one origin, so that those of one slot coincide.
struct TickOrigin {
    SteadyTime steady;
    Timestamp wall = 0;
};

/// Pure: the caller passes every time in. Thread: confined to one scrape.
class Pace {
public:
    /// However slow a target is, it is asked at least this often (unless its own interval is
    /// longer).
    static constexpr Millis kSlowestInterval{20'000};
    /// An answer that takes longer than this, or than half of the interval, is slow.
    static constexpr Millis kSlowAnswer{1'000};
    /// Fast answers in a row after which the pace doubles again.
    static constexpr int kFastAnswersToRecover = 3;

    /// Ticks of all targets lie on multiples of this (or of a twentieth of a shorter interval):
    /// what wakes up together shares one wake-up and warm caches, and costs half.
    static constexpr Millis kSlot{50};

    /// `identity` spreads targets over the interval: the same target always has the same phase.
    Pace(Millis interval, std::uint64_t identity) : interval_(interval), identity_(identity) {}

    void set_interval(Millis interval) { interval_ = interval; }

    /// The target's first tick at or after `now`, less than an interval away.
    [[nodiscard]] SteadyTime first_tick(SteadyTime now, const TickOrigin& origin) const;

    /// The time that a scrape started at `wall` gives its samples: its tick, if it started within 2
    /// ms (or 1 % of the interval) after it. Source: Prometheus, scrape.go,
    /// ScrapeTimestampTolerance.
    Timestamp sample_time(Timestamp wall);

    /// A scrape ended. `no_answer`: the deadline passed.
    void on_answer(Nanos duration, bool no_answer);
    /// The pause between ticks in force; more than the configured one while the target is slow.
    [[nodiscard]] Millis interval() const {
        return interval_ * slowdown_ < slowest() ? interval_ * slowdown_ : slowest();
    }
    [[nodiscard]] bool is_slowed() const { return slowdown_ > 1; }

    /// The tick after `last` that hasn't passed at `now`; ticks that were missed are left out.
    [[nodiscard]] SteadyTime next_tick(SteadyTime last, SteadyTime now) const;

private:
    [[nodiscard]] Millis slowest() const {
        return interval_ > kSlowestInterval ? interval_ : kSlowestInterval;
    }

    Millis interval_;
    std::uint64_t identity_;
    int slowdown_ = 1;  ///< 1, 2, 4 ...
    int fast_answers_ = 0;
    Timestamp aligned_ = 0;
};

}  // namespace inferscope::scrape
