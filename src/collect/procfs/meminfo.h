// SPDX-License-Identifier: Apache-2.0
// /proc/meminfo: how memory is used now. Source: proc_meminfo(5).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace inferscope::collect {

struct Meminfo {
    struct Field {
        std::string_view key;  ///< "MemTotal", "Active(anon)": view into the text
        std::uint64_t value = 0;
        bool in_bytes =
            false;  ///< the kernel's kB, multiplied; false: a number of pages (HugePages_Total)
    };
    std::vector<Field> fields;

    [[nodiscard]] std::optional<std::uint64_t> get(std::string_view key) const;
    /// MemAvailable; where the kernel (before 3.14) lacks it, free + buffers + page cache.
    [[nodiscard]] std::optional<std::uint64_t> available() const;
};

/// Fails with invalid_argument if MemTotal is missing. Damaged lines are skipped.
Result<Meminfo> parse_meminfo(std::string_view text);

}  // namespace inferscope::collect
