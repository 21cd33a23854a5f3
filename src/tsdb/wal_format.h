// SPDX-License-Identifier: Apache-2.0
// The bytes of the write-ahead log that writer and reader share, as docs/formats/log.md draws them:
// names and headers of segments, batches behind their checksum, kinds of records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace inferscope::tsdb::wal {

inline constexpr std::string_view kMagic = "INSCWAL1";
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kHeaderBytes = 24;
inline constexpr std::size_t kFrameBytes = 8;  ///< in front of each batch

/// One call of an Appender, but for `layout`.
enum class RecordType : std::uint8_t {
    group = 1,    ///< a group and its epoch, before anything else of it in a stretch
    columns = 2,  ///< further columns of the epoch
    row = 3,
    gap = 4,
    timed = 5,
    exemplars = 6,
    close = 7,
    loose_group = 8,  ///< as `group`
    cells = 9,
    families = 10,
};

/// First in a segment's file. `run`: the first segment that the same process wrote; numbers of
/// groups are good within a run.
struct SegmentHeader {
    std::uint32_t segment = 0;
    std::uint32_t run = 0;
};
void append_header(std::string& out, const SegmentHeader& header);
/// Fails with not_found if that isn't a whole, unharmed header; with invalid_argument if it is one
/// of a version that we don't know.
Result<SegmentHeader> read_header(std::string_view bytes);

/// "00000012.wal"
std::string segment_name(std::uint32_t segment);
std::optional<std::uint32_t> segment_from_name(std::string_view name);

/// A batch is its frame and its records. Starts one; records may then be appended to `out`.
void begin_batch(std::string& out);
/// Fills in the frame of the batch that is all of `batch`.
void finish_batch(std::string& batch);

struct Frame {
    std::uint32_t bytes = 0;  ///< of the records behind it
    std::uint32_t crc = 0;    ///< CRC-32C of `bytes`, as it stands in the file, and the records
};
/// `bytes` are kFrameBytes long.
Frame read_frame(std::string_view bytes);
bool is_unharmed(const Frame& frame, std::string_view records);

}  // namespace inferscope::tsdb::wal
