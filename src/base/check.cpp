// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace inferscope {

void stop_with_bug(std::string_view file, int line, std::string_view what) {
    fmt::print(stderr, "BUG: {}:{}: {}\n", file, line, what);
    std::abort();
}

}  // namespace inferscope
