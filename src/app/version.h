// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace inferscope::app {

/// CMake's project version.
inline constexpr std::string_view kVersion = INFERSCOPE_VERSION;

}  // namespace inferscope::app
