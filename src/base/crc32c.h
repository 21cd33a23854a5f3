// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli), the checksum of what we store. With the processor's instruction where it
// has one.
#pragma once

#include <cstdint>
#include <string_view>

namespace inferscope {

/// The checksum of `bytes`, or of all bytes so far if `before` is that of those that came before.
/// Source: RFC 3720, appendix B.4.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

/// The same without the processor's instruction: for machines that lack it, and for tests.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t before = 0);

}  // namespace inferscope
