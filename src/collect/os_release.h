// SPDX-License-Identifier: Apache-2.0
// /etc/os-release: which distribution this is. Source: os-release(5).
#pragma once

#include <string>
#include <string_view>

namespace inferscope::collect {

struct OsRelease {
    std::string name = "Linux";  ///< NAME; the default is os-release(5)'s
    std::string version;         ///< VERSION, else VERSION_ID; empty on rolling distributions
};

/// Quotes and escapes are resolved; unknown and damaged lines are skipped.
OsRelease parse_os_release(std::string_view text);

}  // namespace inferscope::collect
