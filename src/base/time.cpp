// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

namespace inferscope {

Timestamp SystemClock::wall() const {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<Millis>(now).count();
}

SteadyTime SystemClock::steady() const { return std::chrono::steady_clock::now(); }

}  // namespace inferscope
