// SPDX-License-Identifier: Apache-2.0
// Bits, lowest first, in bytes, lowest first: written one after the other, read in bulk.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/vector_clones.h"

namespace inferscope::tsdb {

/// Readable bytes that must stand behind packed bits, so that they can be loaded by the word.
inline constexpr std::size_t kReadPadding = 8;

constexpr std::size_t packed_bytes(std::size_t count, unsigned width) {
    return (count * width + 7) / 8;
}

constexpr std::uint64_t low_bits(unsigned width) {
    return width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
}

/// Signed numbers as unsigned ones, small in magnitude staying small: 0, -1, 1, -2, ...
constexpr std::uint64_t zigzag(std::uint64_t value) {
    return (value << 1) ^ (std::uint64_t{0} - (value >> 63));
}
constexpr std::uint64_t unzigzag(std::uint64_t value) {
    return (value >> 1) ^ (std::uint64_t{0} - (value & 1));
}

class BitWriter {
public:
    explicit BitWriter(std::string& out) : out_(out) {}
    /// The lowest `width` bits, at most 64, of `value`.
    void put(std::uint64_t value, unsigned width);
    /// `zeros` zeros and a one.
    void put_unary(std::uint64_t zeros);
    /// Fills the byte with zeros and hands everything to `out`. Call it once, at the end.
    void finish();

private:
    std::string& out_;
    std::uint64_t word_ = 0;
    unsigned filled_ = 0;  ///< bits of word_, below 64
};

/// Numbers of up to so many bits lie in the eight bytes from where they start.
inline constexpr unsigned kMostLoadedBits = 57;

/// Reads one after the other, checked. Behind the end stand zeros, and ok() is false.
class BitReader {
public:
    explicit BitReader(std::string_view bytes) : bytes_(bytes) {}
    std::uint64_t get(unsigned width);
    /// The zeros before the next one, at most `limit`, which needs no one behind it.
    std::uint64_t get_unary(std::uint64_t limit);
    /// A number whose upper bits stand in unary, fewer than `limit` zeros, and `width` lower ones
    /// behind; or `limit` zeros and all 64 bits.
    std::uint64_t get_rice(unsigned width, std::uint64_t limit) {
        const auto word = load(at_ / 8) >> at_ % 8;
        const auto zeros = static_cast<unsigned>(std::countr_zero(word));
        if (zeros >= limit || zeros + 1 + width > kMostLoadedBits) return get_long(width, limit);
        at_ += zeros + 1 + width;
        return std::uint64_t{zeros} << width | (word >> zeros >> 1 & low_bits(width));
    }
    [[nodiscard]] bool ok() const { return at_ <= bytes_.size() * 8; }
    /// Whole bytes that were read from.
    [[nodiscard]] std::size_t bytes_read() const { return (at_ + 7) / 8; }

private:
    [[nodiscard]] std::uint64_t load(std::size_t byte) const {
        std::uint64_t word = 0;
        if (byte + sizeof word <= bytes_.size()) {
            std::memcpy(&word, bytes_.data() + byte, sizeof word);
        } else if (byte < bytes_.size()) {
            std::memcpy(&word, bytes_.data() + byte, bytes_.size() - byte);
        }
        return word;
    }
    std::uint64_t get_long(unsigned width, std::uint64_t limit);

    std::string_view bytes_;
    std::size_t at_ = 0;  ///< bits
};

/// The lowest `width` bits of each, and zeros up to a whole byte.
void append_packed(std::string& out, unsigned width, std::span<const std::uint64_t> numbers);

/// The number `i` of packed ones of at most kMostLoadedBits; `mask` is low_bits(width). Loads up to
/// `kReadPadding` bytes behind it.
[[gnu::always_inline]] inline std::uint64_t packed_number(const char* packed, unsigned width,
                                                          std::uint64_t mask, std::size_t i) {
    const std::size_t bit = i * width;
    std::uint64_t word = 0;
    std::memcpy(&word, packed + bit / 8, sizeof word);
    return word >> (bit % 8) & mask;
}

/// Reads out.size() numbers of `width` bits. Loads up to `kReadPadding` bytes behind the
/// packed_bytes() that they take.
void unpack(const char* packed, unsigned width, std::span<std::uint64_t> out);

/// Reads one unary number for each of `values` and adds it to that, shifted left. Returns how many
/// bytes they took, nothing if `bytes` end before.
std::optional<std::size_t> add_unary(std::string_view bytes, unsigned shift,
                                     std::span<std::uint64_t> values);

}  // namespace inferscope::tsdb
