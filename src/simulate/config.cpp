// SPDX-License-Identifier: Apache-2.0
#include "simulate/config.h"

#include <fmt/format.h>

namespace inferscope::simulate {

Result<void> SimulateSettings::check() const {
    if (const auto checked = engine.check(); !checked) return checked.error();
    if (const auto checked = faults.check(engine.kind); !checked) return checked.error();
    if (speed >= 0.01 && speed <= 1000) return {};
    return Error{Errc::invalid_argument,
                 fmt::format("simulate: speed is {}, allowed are 0.01 to 1000", speed)};
}

}  // namespace inferscope::simulate
