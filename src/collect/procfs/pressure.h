// SPDX-License-Identifier: Apache-2.0
// /proc/pressure/{cpu,memory,io}: time lost to waiting for a resource. Source: kernel,
// Documentation/accounting/psi.rst.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace inferscope::collect {

/// Microseconds since boot.
struct Pressure {
    std::uint64_t some = 0;  ///< at least one task waited
    std::optional<std::uint64_t>
        full;  ///< all tasks waited; kernels before 5.13 lack it for the CPU
};

/// Fails with invalid_argument if the line "some" or its total is missing.
Result<Pressure> parse_pressure(std::string_view text);

}  // namespace inferscope::collect
