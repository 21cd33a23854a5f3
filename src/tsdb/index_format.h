// SPDX-License-Identifier: Apache-2.0
// The bytes of a block's index, as docs/formats/index.md draws them: what writer and reader share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tsdb/bit_varint.h"

namespace inferscope::tsdb::index_format {

inline constexpr std::string_view kMagic = "INSCIDX1";
inline constexpr std::uint32_t kVersion = 1;

/// The sections, in their order.
inline constexpr std::size_t kNames = 0;
inline constexpr std::size_t kLabels = 1;
inline constexpr std::size_t kPostings = 2;
inline constexpr std::size_t kSeries = 3;
inline constexpr std::size_t kSections = 4;

/// Numbers are little-endian, as on every machine that we build for; the structures lie in the file
/// as in memory.
struct SectionPlace {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;
    std::uint32_t reserved = 0;
};
struct Header {
    std::array<char, 8> magic{};
    std::uint32_t version = 0;
    std::uint32_t names = 0;
    std::uint32_t labels = 0;
    std::uint32_t series = 0;
    std::array<SectionPlace, kSections> sections{};
    std::uint32_t reserved = 0;
    std::uint32_t crc = 0;  ///< of all bytes before
};
static_assert(sizeof(Header) == 24 + 4 * 24 + 8);

using Sections = std::array<std::string, kSections>;
/// An index of these sections; of `header` only the counts matter. Fails with limit_exceeded if one
/// is 4 GiB or larger.
Result<std::string> assemble(Header header, const Sections& sections);

/// One entry of the table in front of the labels, for each run of `kLabelsPerRun` labels.
struct LabelRun {
    std::uint32_t record = 0;    ///< where its first record starts, behind the table
    std::uint32_t postings = 0;  ///< where the ids of its first label start
};
inline constexpr std::uint32_t kLabelsPerRun = 16;
/// As above for the series; an entry is one offset.
inline constexpr std::uint32_t kSeriesPerRun = 32;

constexpr std::size_t runs(std::size_t count, std::uint32_t per_run) {
    return (count + per_run - 1) / per_run;
}

constexpr std::uint64_t zigzag(std::uint64_t now, std::uint64_t before) {
    const std::uint64_t delta = now - before;  // modulo 2^64
    return delta << 1 ^ (std::uint64_t{0} - (delta >> 63));
}
constexpr std::uint64_t unzigzag(std::uint64_t coded, std::uint64_t before) {
    return before + (coded >> 1 ^ (std::uint64_t{0} - (coded & 1)));
}

/// Reads bytes that may be rubbish: what isn't there is zero or empty, and ok() stays false.
class ByteReader {
public:
    ByteReader() = default;
    explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool at_end() const { return rest_.empty(); }
    [[nodiscard]] std::size_t left() const { return rest_.size(); }
    void fail() {
        ok_ = false;
        rest_ = {};
    }

    std::uint64_t varint() {
        if (!rest_.empty() && static_cast<unsigned char>(rest_[0]) < 0x80) {
            const char byte = rest_[0];
            rest_.remove_prefix(1);
            return static_cast<std::uint64_t>(byte);
        }
        return long_varint();
    }
    std::uint32_t varint32() {
        const std::uint64_t value = varint();
        if (value > UINT32_MAX) fail();
        return static_cast<std::uint32_t>(value);
    }
    std::string_view bytes(std::uint64_t count) {
        if (count > rest_.size()) {
            fail();
            return {};
        }
        const auto taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }

private:
    std::uint64_t long_varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
            const auto byte = static_cast<unsigned char>(rest_[0]);
            rest_.remove_prefix(1);
            if (shift == 63 && byte > 1) break;
            value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
            if (byte < 0x80) return value;
        }
        fail();
        return 0;
    }

    std::string_view rest_;
    bool ok_ = true;
};

/// Entry `index` of a table of T at the start of `bytes`; zero if it isn't there.
template <class T>
T table_entry(std::string_view bytes, std::size_t index) {
    T entry{};
    if (index < bytes.size() / sizeof(T)) {
        std::memcpy(&entry, bytes.data() + index * sizeof(T), sizeof(T));
    }
    return entry;
}

template <class T>
std::string_view as_bytes(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

}  // namespace inferscope::tsdb::index_format
