// SPDX-License-Identifier: Apache-2.0
#include "remote/refusals.h"

#include <fmt/format.h>

namespace inferscope::remote {

std::uint64_t Refusals::total() const {
    std::uint64_t total = 0;
    for (const auto& kind : kinds_) total += kind.count;
    return total;
}

std::string Refusals::text() const {
    std::string text;
    for (const auto& [count, first] : kinds_) {
        if (count > 0) text += fmt::format("{} ({} in this request)\n", first, count);
    }
    return text;
}

}  // namespace inferscope::remote
