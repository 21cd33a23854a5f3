// SPDX-License-Identifier: Apache-2.0
#include "tsdb/bit_packing.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace inferscope::tsdb {
namespace {

std::uint64_t load_word(const char* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
}

/// One load for each is faster than gathering them into vectors.
INFERSCOPE_VECTOR_CLONES
void unpack_narrow(const char* packed, unsigned width, std::uint64_t* out, std::size_t count) {
    const auto mask = low_bits(width);
#pragma clang loop vectorize(disable) unroll_count(4)
    for (std::size_t i = 0; i < count; ++i) out[i] = packed_number(packed, width, mask, i);
}

constexpr auto kNotEnough = ~std::uint64_t{0};

/// Writes where the ones of `word` are, and some rubbish behind (eight at a time: the number of
/// rounds is easier to foretell for the processor than that of ones). Returns how many there are.
inline std::size_t list_ones(std::uint64_t word, std::uint32_t base, std::uint32_t* out) {
    const auto ones = static_cast<std::size_t>(std::popcount(word));
    while (word != 0) {
        for (int i = 0; i < 8; ++i, word &= word - 1)
            *out++ = base + static_cast<unsigned>(std::countr_zero(word));
    }
    return ones;
}

/// See add_unary. Returns bits, or kNotEnough.
INFERSCOPE_VECTOR_CLONES
std::uint64_t add_unary_numbers(const char* bytes, std::size_t size, unsigned shift,
                                std::uint64_t* values, std::size_t count) {
    constexpr std::size_t kBatch = 192;
    std::array<std::uint32_t, 1 + kBatch + 64 + 8>
        ones;  // the first: the last one of the batch before
    ones[0] = ~std::uint32_t{0};
    std::size_t byte = 0;
    for (std::size_t done = 0, found = 0; done < count; done += found) {
        for (found = 0; found < kBatch && done + found < count && byte < size; byte += 8) {
            std::uint64_t word = 0;
            if (byte + 8 <= size) {
                word = load_word(bytes + byte);
            } else {
                std::memcpy(&word, bytes + byte, size - byte);
            }
            found += list_ones(word, static_cast<std::uint32_t>(byte * 8), &ones[1 + found]);
        }
        if (found == 0) return kNotEnough;
        found = std::min(found, count - done);
        for (std::size_t i = 0; i < found; ++i)
            values[done + i] += std::uint64_t{ones[i + 1] - ones[i] - 1} << shift;
        ones[0] = ones[found];
    }
    return ones[0] + 1;
}

void unpack_wide(const char* packed, unsigned width, std::span<std::uint64_t> out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::size_t bit = i * width, skipped = bit % 8;
        auto value = load_word(packed + bit / 8) >> skipped;
        if (skipped + width > 64) {
            const auto last = static_cast<unsigned char>(packed[bit / 8 + 8]);
            value |= std::uint64_t{last} << (64 - skipped);
        }
        out[i] = value & low_bits(width);
    }
}

}  // namespace

void BitWriter::put(std::uint64_t value, unsigned width) {
    value &= low_bits(width);
    word_ |= value << filled_;
    const unsigned filled = filled_ + width;
    if (filled < 64) {
        filled_ = filled;
        return;
    }
    out_.append(reinterpret_cast<const char*>(&word_), sizeof word_);
    word_ = filled_ == 0 ? 0 : value >> (64 - filled_);
    filled_ = filled - 64;
}

void BitWriter::put_unary(std::uint64_t zeros) {
    for (; zeros >= 32; zeros -= 32) put(0, 32);
    put(std::uint64_t{1} << zeros, static_cast<unsigned>(zeros) + 1);
}

void BitWriter::finish() { out_.append(reinterpret_cast<const char*>(&word_), (filled_ + 7) / 8); }

std::uint64_t BitReader::get(unsigned width) {
    if (width > 32) {
        const auto low = get(32);
        return low | get(width - 32) << 32;
    }
    const auto value = (load(at_ / 8) >> (at_ % 8)) & low_bits(width);
    at_ += width;
    return value;
}

std::uint64_t BitReader::get_unary(std::uint64_t limit) {
    std::uint64_t zeros = 0;
    while (ok()) {
        const auto bits = load(at_ / 8) >> (at_ % 8);
        const auto here = std::min<std::uint64_t>(
            bits == 0 ? 64 - at_ % 8 : static_cast<unsigned>(std::countr_zero(bits)),
            limit - zeros);
        zeros += here;
        at_ += here;
        if (zeros == limit) return zeros;
        if (bits == 0) continue;
        ++at_;
        return zeros;
    }
    return zeros;
}

std::uint64_t BitReader::get_long(unsigned width, std::uint64_t limit) {
    const auto high = get_unary(limit);
    return high < limit ? high << width | get(width) : get(64);
}

void unpack(const char* packed, unsigned width, std::span<std::uint64_t> out) {
    if (width == 0) {
        std::ranges::fill(out, 0);
    } else if (width <= kMostLoadedBits) {
        unpack_narrow(packed, width, out.data(), out.size());
    } else {
        unpack_wide(packed, width, out);
    }
}

void append_packed(std::string& out, unsigned width, std::span<const std::uint64_t> numbers) {
    const auto begin = out.size();
    out.resize(begin + packed_bytes(numbers.size(), width) + sizeof(std::uint64_t));
    char* at = out.data() + begin;
    std::uint64_t word = 0;
    unsigned filled = 0;  // bits of word, below 64
    for (const auto number : numbers) {
        const auto value = number & low_bits(width);
        word |= value << filled;
        filled += width;
        if (filled < 64) continue;
        std::memcpy(at, &word, sizeof word);
        at += sizeof word;
        filled -= 64;
        word = filled == 0 ? 0 : value >> (width - filled);
    }
    std::memcpy(at, &word, sizeof word);
    out.resize(begin + packed_bytes(numbers.size(), width));
}

std::optional<std::size_t> add_unary(std::string_view bytes, unsigned shift,
                                     std::span<std::uint64_t> values) {
    bytes = bytes.substr(0, std::size_t{1} << 28);  // so that bits can be counted in 32 bits
    const auto bits =
        add_unary_numbers(bytes.data(), bytes.size(), shift, values.data(), values.size());
    if (bits == kNotEnough) return std::nullopt;
    return (bits + 7) / 8;
}

}  // namespace inferscope::tsdb
