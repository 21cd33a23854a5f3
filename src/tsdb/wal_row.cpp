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

std::uint64_t differs(double a, double b) {
    return static_cast<std::uint64_t>(std::bit_cast<std::uint64_t>(a) !=
                                      std::bit_cast<std::uint64_t>(b));
}

/// A bit for each of at most 64 columns whose value isn't as before.
std::uint64_t differing(std::span<const double> values, std::span<const double> before) {
    std::uint64_t differ = 0;
    for (std::size_t i = 0; i < values.size(); ++i) differ |= differs(values[i], before[i]) << i;
    return differ;
}

/// The same, of `candidates` only.
std::uint64_t differing(std::span<const double> values, std::span<const double> before,
                        std::uint64_t candidates) {
    std::uint64_t differ = 0;
    candidates &= low_bits(static_cast<unsigned>(values.size()));
    for (; candidates != 0; candidates &= candidates - 1) {
        const auto i = static_cast<unsigned>(std::countr_zero(candidates));
        differ |= differs(values[i], before[i]) << i;
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
    if (!in.ok()) return 0;
    std::uint64_t bits = 0;
    std::memcpy(&bits, bytes.data(), bytes.size());
    return std::bit_cast<double>(std::bit_cast<std::uint64_t>(before) ^ bits << (8 * zeros));
}

/// Writes at `at` a word for each 64 columns that have a change, and sets its bit in `map`, which
/// is zero. Returns the place behind.
char* put_words(char* at, char* map, const Row& row, const RowBefore& before) {
    const bool told = before.is_row && !row.changed.empty();
    for (std::size_t word = 0; word < words_of(row.values.size()); ++word) {
        const auto count = std::min<std::size_t>(64, row.values.size() - word * 64);
        const auto values = row.values.subspan(word * 64, count);
        const auto then = std::span(before.values).subspan(word * 64, count);
        const auto differ =
            told ? differing(values, then, row.changed[word]) : differing(values, then);
        if (differ == 0) continue;
        map[word / 8] = static_cast<char>(map[word / 8] | 1 << (word % 8));
        std::memcpy(at, &differ, sizeof differ);
        at += sizeof differ;
    }
    return at;
}

/// Writes at `at` the changes that `map` and `words` tell of; they become the values before.
char* put_changes(char* at, const char* map, const char* words, std::span<const double> values,
                  std::span<double> before) {
    for (std::size_t word = 0; word < words_of(values.size()); ++word) {
        if ((map[word / 8] >> (word % 8) & 1) == 0) continue;
        std::uint64_t differ = 0;
        std::memcpy(&differ, words, sizeof differ);
        words += sizeof differ;
        for (; differ != 0; differ &= differ - 1) {
            const auto column = word * 64 + static_cast<unsigned>(std::countr_zero(differ));
            at = put_change(at, values[column], before[column]);
            before[column] = values[column];
        }
    }
    return at;
}

/// Places of neighbouring columns in `cells`: where the run that starts at `begin` ends.
std::size_t end_of_run(std::span<const Cell> cells, std::size_t begin) {
    std::size_t end = begin + 1;
    while (end < cells.size() && cells[end].column == cells[end - 1].column + 1) ++end;
    return end;
}

void append_runs(std::string& out, std::span<const Cell> cells) {
    std::uint64_t next = 0;
    for (std::size_t begin = 0, end = 0; begin < cells.size(); begin = end) {
        end = end_of_run(cells, begin);
        const bool is_longer = end - begin > 1;
        append_varint(out, 2 * (cells[begin].column - next) + std::uint64_t{is_longer});
        if (is_longer) append_varint(out, end - begin - 2);
        next = std::uint64_t{cells[end - 1].column} + 1;
    }
}

/// Fills in the columns; false if they aren't all below `columns`.
bool read_runs(ByteReader& in, std::size_t columns, std::span<Cell> cells) {
    std::uint64_t next = 0;
    for (std::size_t at = 0; at < cells.size();) {
        const auto gap = in.varint();
        const auto extra = (gap & 1) != 0 ? in.varint() : 0;
        if (!in.ok() || gap / 2 >= columns || extra >= columns) return false;
        const auto length = (gap & 1) != 0 ? extra + 2 : 1;
        next += gap / 2;
        if (next + length > columns || at + length > cells.size()) return false;
        for (auto left = length; left > 0; --left)
            cells[at++].column = static_cast<std::uint32_t>(next++);
    }
    return true;
}

}  // namespace

void append_cells(std::string& out, Timestamp time, std::span<const Cell> cells,
                  RowBefore& before) {
    append_varint(
        out, zigzag(static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(before.time)));
    before.time = time;
    append_varint(out, cells.size());
    append_runs(out, cells);
    const auto start = out.size();
    const auto map_bytes = (cells.size() + 7) / 8;
    out.resize(start + map_bytes + cells.size() * kMostChangeBytes);
    char* const map = out.data() + start;
    char* at = map + map_bytes;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        auto& value = before.values[cells[i].column];
        if (differs(cells[i].value, value) == 0) continue;
        map[i / 8] = static_cast<char>(map[i / 8] | 1 << (i % 8));
        at = put_change(at, cells[i].value, value);
        value = cells[i].value;
    }
    out.resize(static_cast<std::size_t>(at - out.data()));
}

bool read_cells(ByteReader& in, RowBefore& before, std::vector<Cell>& cells) {
    before.time =
        static_cast<Timestamp>(unzigzag(in.varint()) + static_cast<std::uint64_t>(before.time));
    const auto count = in.varint();
    if (!in.ok() || count == 0 || count > before.values.size()) return false;
    cells.resize(count);
    if (!read_runs(in, before.values.size(), cells)) return false;
    const auto map = in.take((count + 7) / 8);
    if (!in.ok()) return false;
    for (std::size_t i = 0; i < map.size() * 8; ++i) {
        const bool is_changed = (map[i / 8] >> (i % 8) & 1) != 0;
        if (i >= count) {
            if (is_changed) return false;
            continue;
        }
        auto& value = before.values[cells[i].column];
        if (is_changed) value = take_change(in, value);
        cells[i].value = value;
    }
    return in.ok();
}

void append_row(std::string& out, const Row& row, RowBefore& before) {
    CHECK(row.values.size() == before.values.size(), "a row has one value for each column");
    append_varint(out, zigzag(static_cast<std::uint64_t>(row.time) -
                              static_cast<std::uint64_t>(before.time)));
    const auto start = out.size();
    const auto words = words_of(row.values.size());
    const auto map_bytes = (words + 7) / 8;
    out.resize(start + map_bytes + words * 8 + row.values.size() * kMostChangeBytes);
    char* const map = out.data() + start;
    const char* const first_word = map + map_bytes;
    char* const first_change = put_words(map + map_bytes, map, row, before);
    const char* const end = put_changes(first_change, map, first_word, row.values, before.values);
    out.resize(static_cast<std::size_t>(end - out.data()));
    before.time = row.time;
    before.is_row = true;
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
