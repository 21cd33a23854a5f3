// SPDX-License-Identifier: Apache-2.0
// The page that benches read: a captured one, its values changing as an engine's do from second to
// second.
#pragma once

#include <string>
#include <vector>

namespace inferscope::bench {

inline constexpr int kVariants = 16;

std::string read_text(const std::string& path);

/// `page` with the same two fifths of its values changed in each variant, differently. The same in
/// every run.
std::vector<std::string> variants_of(const std::string& page);

}  // namespace inferscope::bench
