// SPDX-License-Identifier: Apache-2.0
// /proc/stat: where the CPUs' time went since boot. Source: proc_stat(5).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace inferscope::collect {

enum class CpuMode { user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice };
inline constexpr std::size_t kCpuModes = 10;

/// In ticks of 1/100 s (USER_HZ). Guest time is contained in user, guest_nice in nice.
struct CpuTimes {
    std::array<std::uint64_t, kCpuModes> ticks{};

    [[nodiscard]] std::uint64_t at(CpuMode mode) const {
        return ticks[static_cast<std::size_t>(mode)];
    }
    /// Share of the time since `before` in which the CPUs were neither idle nor waiting for I/O, 0
    /// to 1; 0 if no time has passed. A mode that ran backwards (the kernel's iowait does) counts
    /// as 0.
    [[nodiscard]] double busy_ratio_since(const CpuTimes& before) const;
};

struct Stat {
    struct Cpu {
        std::string_view number;  ///< view into the text
        CpuTimes times;
    };
    CpuTimes total;
    std::vector<Cpu> cpus;  ///< those online
    std::uint64_t interrupts = 0;
    std::uint64_t context_switches = 0;
    std::uint64_t boot_time = 0;  ///< s since the epoch
    std::uint64_t forks = 0;
    std::uint64_t running = 0;
    std::uint64_t blocked = 0;
};

/// Fails with invalid_argument if the line of all CPUs is missing or damaged. Unknown lines are
/// skipped.
Result<Stat> parse_stat(std::string_view text);

}  // namespace inferscope::collect
