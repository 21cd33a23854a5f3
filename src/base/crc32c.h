// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli), the checksum of everything that the store writes.
// Source: RFC 3720, appendix B.4 (test vectors), section 12.1 (polynomial 0x11edc6f41).
#pragma once

#include <cstdint>
#include <string_view>

namespace inferscope {

/// The checksum of `bytes`; with `before`, of what `before` is the checksum of and `bytes` behind
/// it. Uses the processor's instruction where it has one.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

/// The same from tables, for processors without the instruction.
std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t before = 0);

}  // namespace inferscope
