// SPDX-License-Identifier: Apache-2.0
// The bytes of a block's file around chunks, groups and index, as docs/formats/block.md draws them:
// its name, header, metadata and footer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace inferscope::tsdb {

/// Both ends are inside. As default, always.
struct TimeRange {
    Timestamp from = std::numeric_limits<Timestamp>::min();
    Timestamp to = std::numeric_limits<Timestamp>::max();

    [[nodiscard]] bool contains(Timestamp time) const { return from <= time && time <= to; }
    [[nodiscard]] bool covers(const TimeRange& other) const {
        return from <= other.from && other.to <= to;
    }
    [[nodiscard]] bool overlaps(const TimeRange& other) const {
        return from <= other.to && other.from <= to;
    }
    bool operator==(const TimeRange&) const = default;
};

/// What is known of a block without looking into it.
struct BlockMeta {
    std::uint32_t number = 0;  ///< as in the name of its file; no two blocks of a folder share it
    std::uint32_t origin = 0;  ///< lowest number of the blocks that went into it, or its own
    std::uint32_t level = 0;   ///< how many merges it has behind it
    Timestamp created = 0;     ///< wall clock
    TimeRange times;           ///< first and last row
    std::uint64_t series = 0;
    std::uint64_t samples = 0;  ///< one under two names counts once
    std::uint64_t chunks = 0;
    std::uint64_t bytes = 0;              ///< of the file
    std::vector<std::uint32_t> replaces;  ///< blocks in whose place it stands
    bool operator==(const BlockMeta&) const = default;
};

namespace block_format {

inline constexpr std::string_view kMagic = "INSCBLK1";
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kHeaderBytes = 16;
inline constexpr std::size_t kFooterBytes = 80;

/// "00000012.block"
std::string file_name(std::uint32_t number);
/// The name while it is written, and of a block that can't be read.
std::string temporary_name(std::uint32_t number);
std::string harmed_name(std::uint32_t number);
/// Of a name that starts with a block's number and a dot, whatever comes behind it.
std::optional<std::uint32_t> number_from_name(std::string_view name);

std::string header();
bool is_header(std::string_view bytes);

/// The sections, in their order.
inline constexpr std::size_t kGroups = 0;
inline constexpr std::size_t kIndex = 1;
inline constexpr std::size_t kMeta = 2;

struct Section {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;
};
/// Where everything is: the last bytes of the file.
struct Footer {
    std::array<Section, 3> sections;
    std::uint64_t total = 0;  ///< bytes of the file
};
std::string to_bytes(const Footer& footer);
/// `bytes`: the last kFooterBytes of a file of `total` bytes. Fails with invalid_argument and what
/// is wrong; afterwards sections and footer follow each other without gaps, behind the header.
Result<Footer> read_footer(std::string_view bytes, std::uint64_t total);

/// Without `bytes`, which the footer tells.
std::string to_bytes(const BlockMeta& meta);
/// Fails with invalid_argument if that isn't what to_bytes() gives.
Result<BlockMeta> read_meta(std::string_view bytes, std::uint64_t total);

}  // namespace block_format
}  // namespace inferscope::tsdb
