// SPDX-License-Identifier: Apache-2.0
// Small files that are written whole.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace inferscope {

/// Puts `text` in the place of `path`, atomically: after a crash there is the old file or the new
/// one. Mode 0600, folders are made. Fails with io_error and the reason.
Result<void> replace_file(const std::string& path, std::string_view text);

}  // namespace inferscope
