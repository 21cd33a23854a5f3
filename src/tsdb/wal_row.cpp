// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_row.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "tsdb/bit_packing.h"

namespace inferscope::tsdb::wal {
namespace {

constexpr std::size_t kMostChangeBytes = 9;  ///< 2 * zigzag of 54 bits, or 1 + 8 bytes
constexpr double kMostWhole = 0x1p53;

constexpr std::size_t words_of(std::size_t columns) { return (columns + 63) / 64; }

/// A whole number that a double holds exactly, and that gives the same bits again: no -0.0.
bool is_whole(double value) {
    if (!(std::abs(value) <= kMostWhole)) return false;
    const auto whole = static_cast<double>(static_cast<std::int64_t>(value));
    return std::bit_cast<std::uint64_t>(whole) == std::bit_cast<std::uint64_t>(value);
}

char* put_varint(char* at, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) *at++ = static_cast<char>(value | 0x80);
    *at++ = static_cast<char>(value);
    return at;
}

char* put_xor(char* at, std::uint64_t bits) {
    const auto zeros = static_cast<unsigned>(std::countr_zero(bits)) / 8;
    const auto size = 8 - zeros - static_cast<unsigned>(std::countl_zero(bits)) / 8;
    *at++ = static_cast<char>(1 + 2 * (zeros + 8 * (size - 1)));
    bits >>= 8 * zeros;
    std::memcpy(at, &bits, size);
    return at + size;
}

char* put_change(char* at, double value, double before) {
    if (is_whole(value) && is_whole(before)) {
        const auto delta = static_cast<std::int64_t>(value) - static_cast<std::int64_t>(before);
        return put_varint(at, 2 * zigzag(static_cast<std::uint64_t>(delta)));
    }
    return put_xor(at, std::bit_cast<std::uint64_t>(value) ^ std::bit_cast<std::uint64_t>(before));
}

/// The columns of word `word` whose bits differ; `candidates` as Row::changed has them.
std::uint64_t differing(std::span<const double> values, std::span<const double> before,
                        std::size_t word, std::uint64_t candidates) {
    const auto first = word * 64;
    const auto count = std::min<std::size_t>(64, values.size() - first);
    std::uint64_t differ = 0;
    for (auto left = candidates & low_bits(static_cast<unsigned>(count)); left != 0;
         left &= left - 1) {
        const auto bit = static_cast<unsigned>(std::countr_zero(left));
        const auto now = std::bit_cast<std::uint64_t>(values[first + bit]);
        const auto then = std::bit_cast<std::uint64_t>(before[first + bit]);
        differ |= std::uint64_t{now != then} << bit;
    }
    return differ;
}

/// Reads a change and returns what `before` became.
double take_change(ByteReader& in, double before) {
    const auto first = in.rest().empty() ? 0U : static_cast<unsigned char>(in.rest()[0]);
    if ((first & 1) == 0) {
        const auto delta = static_cast<std::int64_t>(unzigzag(in.varint() / 2));
        constexpr auto kMost = static_cast<std::int64_t>(2 * kMostWhole);
        if (!is_whole(before) || delta > kMost || delta < -kMost) in.fail();
        return in.ok() ? static_cast<double>(static_cast<std::int64_t>(before) + delta) : 0;
    }
    in.byte();
    const unsigned zeros = first >> 1 & 7;
    const unsigned size = (first >> 4 & 7) + 1;
    if (first >= 0x80 || zeros + size > 8) in.fail();
    const auto bytes = in.take(size);
    std::uint64_t bits = 0;
    std::memcpy(&bits, bytes.data(), bytes.size());
    return std::bit_cast<double>(std::bit_cast<std::uint64_t>(before) ^ bits << (8 * zeros));
}

}  // namespace

void append_row(std::string& out, const Row& row, RowBefore& before) {
    CHECK(row.values.size() == before.values.size(), "a row has one value for each column");
    const auto words = words_of(row.values.size());
    const bool told = before.is_row && !row.changed.empty();
    append_varint(out, zigzag(static_cast<std::uint64_t>(row.time) -
                              static_cast<std::uint64_t>(before.time)));
    before.time = row.time;
    before.is_row = true;

    const auto start = out.size();
    const auto map_bytes = (words + 7) / 8;
    out.resize(start + map_bytes + words * 8 + row.values.size() * kMostChangeBytes);
    char* const map = out.data() + start;
    char* at = map + map_bytes;
    for (std::size_t word = 0; word < words; ++word) {
        const auto candidates = told ? row.changed[word] : ~std::uint64_t{0};
        const auto differ = differing(row.values, before.values, word, candidates);
        if (differ == 0) continue;
        map[word / 8] = static_cast<char>(map[word / 8] | 1 << (word % 8));
        std::memcpy(at, &differ, sizeof differ);
        at += sizeof differ;
    }
    const char* next_word = map + map_bytes;
    for (std::size_t word = 0; word < words; ++word) {
        if ((map[word / 8] >> (word % 8) & 1) == 0) continue;
        std::uint64_t differ = 0;
        std::memcpy(&differ, next_word, sizeof differ);
        next_word += sizeof differ;
        for (; differ != 0; differ &= differ - 1) {
            const auto column = word * 64 + static_cast<unsigned>(std::countr_zero(differ));
            at = put_change(at, row.values[column], before.values[column]);
            before.values[column] = row.values[column];
        }
    }
    out.resize(static_cast<std::size_t>(at - out.data()));
}

bool read_row(ByteReader& in, RowBefore& before, std::vector<std::uint64_t>& changed) {
    const auto columns = before.values.size();
    const auto words = words_of(columns);
    before.time =
        static_cast<Timestamp>(unzigzag(in.varint()) + static_cast<std::uint64_t>(before.time));
    const auto map = in.take((words + 7) / 8);
    if (!in.ok()) return false;
    changed.assign(words, 0);
    for (std::size_t word = 0; word < map.size() * 8; ++word) {
        if ((map[word / 8] >> (word % 8) & 1) == 0) continue;
        if (word >= words) return false;
        changed[word] = in.word<std::uint64_t>();
    }
    if (words > 0 &&
        (changed[words - 1] & ~low_bits(static_cast<unsigned>((columns - 1) % 64 + 1))))
        return false;
    for (std::size_t word = 0; word < words; ++word) {
        for (auto left = changed[word]; left != 0 && in.ok(); left &= left - 1) {
            auto& value = before.values[word * 64 + static_cast<unsigned>(std::countr_zero(left))];
            value = take_change(in, value);
        }
    }
    before.is_row = true;
    return in.ok();
}

}  // namespace inferscope::tsdb::wal
