// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#endif

namespace inferscope {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // 0x11edc6f41 without its top bit, reflected

using Table = std::array<std::array<std::uint32_t, 256>, 8>;

/// `table[k][b]`: what byte b does to the checksum when k bytes follow it ("slicing by eight").
constexpr Table make_table() {
    Table table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? kPolynomial : 0);
        table[0][byte] = crc;
    }
    for (std::size_t k = 1; k < table.size(); ++k) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t crc = table[k - 1][byte];
            table[k][byte] = crc >> 8 ^ table[0][crc & 0xff];
        }
    }
    return table;
}

constexpr Table kTable = make_table();

/// The first eight bytes.
std::uint64_t load_eight(std::string_view bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    return word;
}

using Extend = std::uint32_t (*)(std::string_view, std::uint32_t);

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t extend_in_hardware(std::string_view bytes,
                                                                   std::uint32_t crc) {
    std::uint64_t wide = crc;
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
        wide = _mm_crc32_u64(wide, load_eight(bytes));
    }
    crc = static_cast<std::uint32_t>(wide);
    for (const char c : bytes) crc = _mm_crc32_u8(crc, static_cast<unsigned char>(c));
    return crc;
}

bool has_instruction() { return __builtin_cpu_supports("sse4.2") != 0; }
#elif defined(__aarch64__)
__attribute__((target("crc"))) std::uint32_t extend_in_hardware(std::string_view bytes,
                                                                std::uint32_t crc) {
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
        crc = __crc32cd(crc, load_eight(bytes));
    }
    for (const char c : bytes) crc = __crc32cb(crc, static_cast<unsigned char>(c));
    return crc;
}

bool has_instruction() {
    constexpr unsigned long kCrc32Bit = 1UL << 7;  // HWCAP_CRC32 of Linux's asm/hwcap.h
    return (getauxval(AT_HWCAP) & kCrc32Bit) != 0;
}
#endif

std::uint32_t extend_by_table(std::string_view bytes, std::uint32_t crc) {
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
        std::uint64_t word = load_eight(bytes) ^ crc;  // little-endian, as all we build for
        crc = 0;
        for (std::size_t k = 8; k-- > 0; word >>= 8) crc ^= kTable[k][word & 0xff];
    }
    for (const char c : bytes) {
        crc = crc >> 8 ^ kTable[0][(crc ^ static_cast<unsigned char>(c)) & 0xff];
    }
    return crc;
}

Extend choose() {
#if defined(__x86_64__) || defined(__aarch64__)
    if (has_instruction()) return extend_in_hardware;
#endif
    return extend_by_table;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
    static const Extend extend = choose();
    return ~extend(bytes, ~before);
}

std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t before) {
    return ~extend_by_table(bytes, ~before);
}

}  // namespace inferscope
