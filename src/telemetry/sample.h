// SPDX-License-Identifier: Apache-2.0
// One value of one series, and what becomes of it when it is appended.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace inferscope {

struct Sample {
    Timestamp time = 0;
    double value = 0;
};

/// Both by time, no time twice; of equal times that of `samples` stays.
void merge_by_time(std::vector<Sample>& samples, std::span<const Sample> more);
/// Samples by time: keeps those between `from` and `to`, inclusive.
void keep_between(std::vector<Sample>& samples, Timestamp from, Timestamp to);

/// Any bits: stale markers and other NaNs are told apart.
inline bool same_bits(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

enum class Verdict : std::uint8_t {
    taken,
    known,          ///< the series has it already; nothing to do
    out_of_order,   ///< older than its series' last sample by more than the window
    duplicate,      ///< the series has another value at this time
    out_of_bounds,  ///< older than what was forgotten, or no time that anybody means
    over_limit      ///< its series isn't stored, since a bound on series was reached
};
inline constexpr std::size_t kVerdicts = 6;

/// Prometheus's words for the refusals (storage/interface.go).
constexpr std::string_view to_string(Verdict verdict) {
    constexpr std::array<std::string_view, kVerdicts> kWords{
        "taken",         "known",         "out of order sample", "duplicate sample for timestamp",
        "out of bounds", "limit exceeded"};
    return kWords[static_cast<std::size_t>(verdict)];
}

/// How many samples had each fate.
struct VerdictCounts {
    std::array<std::uint64_t, kVerdicts> counts{};

    std::uint64_t& operator[](Verdict verdict) { return counts[static_cast<std::size_t>(verdict)]; }
    std::uint64_t operator[](Verdict verdict) const {
        return counts[static_cast<std::size_t>(verdict)];
    }
    VerdictCounts& operator+=(const VerdictCounts& other) {
        for (std::size_t i = 0; i < kVerdicts; ++i) counts[i] += other.counts[i];
        return *this;
    }
};

}  // namespace inferscope
