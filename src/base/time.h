// SPDX-License-Identifier: Apache-2.0
// Time's types. Samples carry wall-clock milliseconds; latencies are measured on the steady clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace inferscope {

using Nanos = std::chrono::nanoseconds;
using Millis = std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

/// Milliseconds since the Unix epoch, UTC: the time of a sample.
using Timestamp = std::int64_t;

constexpr double to_seconds(Nanos duration) {
    return static_cast<double>(duration.count()) / 1e9;  // divided, so that 0.242 stays 0.242
}

/// Where the time comes from. Logic takes `now` as an argument; only a `run()` asks a clock.
class Clock {
public:
    virtual ~Clock() = default;
    /// Wall clock; it may jump, forwards and backwards.
    [[nodiscard]] virtual Timestamp wall() const = 0;
    /// Never goes back.
    [[nodiscard]] virtual SteadyTime steady() const = 0;
};

class SystemClock final : public Clock {
public:
    [[nodiscard]] Timestamp wall() const override;
    [[nodiscard]] SteadyTime steady() const override;
};

}  // namespace inferscope
