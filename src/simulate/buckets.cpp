// SPDX-License-Identifier: Apache-2.0
#include "simulate/buckets.h"

#include <algorithm>

#include "base/check.h"

namespace inferscope::simulate {

void Buckets::observe(double value, std::uint64_t times) {
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    counts_[static_cast<std::size_t>(bucket)] += times;
    count_ += times;
    sum_ += value * static_cast<double>(times);
}

void Buckets::add(const Buckets& other) {
    CHECK(other.counts_.size() == counts_.size(),
          "histograms that are added have the same buckets");
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_ += other.sum_;
}

}  // namespace inferscope::simulate
