// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_format.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "base/check.h"
#include "base/crc32c.h"
#include "tsdb/bit_varint.h"

namespace inferscope::tsdb::wal {
namespace {

constexpr std::string_view kSuffix = ".wal";
constexpr std::size_t kDigits = 8;

std::string_view word_bytes(const std::uint32_t& word) {
    return {reinterpret_cast<const char*>(&word), sizeof word};
}

std::uint32_t batch_crc(std::uint32_t size, std::string_view records) {
    return crc32c(records, crc32c(word_bytes(size)));
}

}  // namespace

void append_header(std::string& out, const SegmentHeader& header) {
    const auto start = out.size();
    out += kMagic;
    append_word(out, kVersion);
    append_word(out, header.segment);
    append_word(out, header.run);
    append_word(out, crc32c(std::string_view(out).substr(start)));
}

Result<SegmentHeader> read_header(std::string_view bytes) {
    ByteReader in(bytes);
    const bool ours = in.take(kMagic.size()) == kMagic;
    const auto version = in.word<std::uint32_t>();
    const SegmentHeader header{in.word<std::uint32_t>(), in.word<std::uint32_t>()};
    const auto crc = in.word<std::uint32_t>();
    if (!in.ok() || !ours || crc != crc32c(bytes.substr(0, kHeaderBytes - sizeof crc)))
        return Error{Errc::not_found, "not the header of a log's segment"};
    if (version != kVersion) {
        return Error{
            Errc::invalid_argument,
            fmt::format("log of version {}; this program reads version {}", version, kVersion)};
    }
    return header;
}

std::string segment_name(std::uint32_t segment) {
    return fmt::format("{:0{}}{}", segment, kDigits, kSuffix);
}

std::optional<std::uint32_t> segment_from_name(std::string_view name) {
    if (!name.ends_with(kSuffix)) return std::nullopt;
    const auto digits = name.substr(0, name.size() - kSuffix.size());
    std::uint32_t segment = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), segment);
    if (read.ec != std::errc() || segment_name(segment) != name) return std::nullopt;
    return segment;
}

void begin_batch(std::string& out) { out.append(kFrameBytes, '\0'); }

void finish_batch(std::string& batch) {
    CHECK(batch.size() - kFrameBytes <= UINT32_MAX, "a batch is smaller than 4 GiB");
    const auto size = static_cast<std::uint32_t>(batch.size() - kFrameBytes);
    const auto crc = batch_crc(size, std::string_view(batch).substr(kFrameBytes));
    std::memcpy(batch.data(), &size, sizeof size);
    std::memcpy(batch.data() + sizeof size, &crc, sizeof crc);
}

Frame read_frame(std::string_view bytes) {
    ByteReader in(bytes);
    return {in.word<std::uint32_t>(), in.word<std::uint32_t>()};
}

bool is_unharmed(const Frame& frame, std::string_view records) {
    return frame.bytes == records.size() && frame.crc == batch_crc(frame.bytes, records);
}

}  // namespace inferscope::tsdb::wal
