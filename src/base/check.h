// SPDX-License-Identifier: Apache-2.0
// CHECK(condition, "what must hold"): our own bugs, always on, stops the process with "BUG: ...".
#pragma once

#include <string_view>

namespace inferscope {

[[noreturn]] void stop_with_bug(std::string_view file, int line, std::string_view what);

}  // namespace inferscope

#define CHECK(condition, what)                                                   \
    do {                                                                         \
        if (!(condition)) ::inferscope::stop_with_bug(__FILE__, __LINE__, what); \
    } while (false)
