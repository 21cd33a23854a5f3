// SPDX-License-Identifier: Apache-2.0
#include "collect/gpu_snapshot.h"

#include <cmath>

namespace inferscope::collect {

void GpuValues::fill_from(const GpuValues& other) {
    for (std::size_t i = 0; i < values_.size(); ++i) {
        if (std::isnan(values_[i])) values_[i] = other.values_[i];
    }
}

}  // namespace inferscope::collect
