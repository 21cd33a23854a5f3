// SPDX-License-Identifier: Apache-2.0
// Whether stored samples are what they were, so that an answer made of them can be given again.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>

#include "base/time.h"

namespace inferscope {

/// A writer notes the times of samples once they can be read; a reader takes a mark before it
/// reads. What was noted since a mark is known by its oldest time, for the last 1,024 marks.
/// Thread: any.
class ChangeLog {
public:
    using Mark = std::uint64_t;

    static constexpr Timestamp kEverything = std::numeric_limits<Timestamp>::min();

    ChangeLog() {
        for (auto& oldest : oldest_) oldest = kNothing;
    }

    /// Samples at `oldest` and later came or went.
    void note(Timestamp oldest) {
        auto& known = oldest_[marked_.load() % kMarks];
        Timestamp before = known.load(std::memory_order_relaxed);
        while (oldest < before && !known.compare_exchange_weak(before, oldest)) {
        }
    }

    [[nodiscard]] Mark mark() {
        const std::scoped_lock turn(marking_);
        const Mark next = marked_.load() + 1;
        oldest_[next % kMarks] = kNothing;
        marked_ = next;
        return next;
    }

    /// Whether a sample at or before `until` may have come or gone since.
    [[nodiscard]] bool has_changed(Mark since, Timestamp until) const {
        bool is_changed = false;
        for (Mark at = since, last = marked_; at <= last && !is_changed; ++at)
            is_changed = oldest_[at % kMarks] <= until;
        // Beyond that many marks the places are taken again.
        return is_changed || marked_ - since >= kMarks;
    }

private:
    static constexpr std::size_t kMarks = 1024;
    static constexpr Timestamp kNothing = std::numeric_limits<Timestamp>::max();

    std::array<std::atomic<Timestamp>, kMarks> oldest_;
    std::atomic<Mark> marked_{0};
    std::mutex marking_;
};

}  // namespace inferscope
