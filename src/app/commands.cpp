// SPDX-License-Identifier: Apache-2.0
#include "app/commands.h"

#include <fmt/format.h>

#include <cstdio>

namespace inferscope::app {

int fail(std::string_view text, int status) {
    fmt::print(stderr, "inferscope: {}\n", text);
    return status;
}

}  // namespace inferscope::app
