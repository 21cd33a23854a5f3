// SPDX-License-Identifier: Apache-2.0
// A histogram that can be read: counts by bucket, as the simulated engines publish them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace inferscope::simulate {

/// Confined to one thread.
class Buckets {
public:
    Buckets() = default;
    /// `bounds`: upper bounds (inclusive), rising, +Inf left out; what they point to outlives this.
    explicit Buckets(std::span<const double> bounds)
        : bounds_(bounds), counts_(bounds.size() + 1) {}

    void observe(double value, std::uint64_t times = 1);
    /// Adds what `other`, which has the same bounds, has counted.
    void add(const Buckets& other);

    [[nodiscard]] std::span<const double> bounds() const { return bounds_; }
    /// By bucket, not cumulative; the last one is +Inf.
    [[nodiscard]] std::span<const std::uint64_t> counts() const { return counts_; }
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] double sum() const { return sum_; }

private:
    std::span<const double> bounds_;
    std::vector<std::uint64_t> counts_ = {0};
    std::uint64_t count_ = 0;
    double sum_ = 0;
};

}  // namespace inferscope::simulate
