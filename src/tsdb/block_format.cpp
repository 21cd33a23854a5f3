// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_format.h"

#include <fmt/format.h>

#include <charconv>

#include "base/crc32c.h"
#include "tsdb/bit_packing.h"
#include "tsdb/bit_varint.h"

namespace inferscope::tsdb::block_format {
namespace {

constexpr std::string_view kFooterMagic = "INSCEND1";
Error harmed(std::string_view what) { return {Errc::invalid_argument, std::string(what)}; }

void append_time(std::string& out, Timestamp time) {
    append_varint(out, zigzag(static_cast<std::uint64_t>(time)));
}

Timestamp read_time(ByteReader& bytes) { return static_cast<Timestamp>(unzigzag(bytes.varint())); }

std::uint32_t read_number(ByteReader& bytes) {
    const auto number = bytes.varint();
    if (number > UINT32_MAX) bytes.fail();
    return static_cast<std::uint32_t>(number);
}

/// Behind the header, then one behind the other up to the footer.
bool are_neighbours(const Footer& footer) {
    std::uint64_t end = footer.sections[kGroups].offset;
    if (end < kHeaderBytes) return false;
    for (const auto& section : footer.sections) {
        if (section.offset != end || end > footer.total || section.bytes > footer.total - end)
            return false;
        end += section.bytes;
    }
    return footer.total - end == kFooterBytes;
}

}  // namespace

std::string file_name(std::uint32_t number) { return fmt::format("{:08}.block", number); }
std::string temporary_name(std::uint32_t number) { return fmt::format("{:08}.unfinished", number); }
std::string harmed_name(std::uint32_t number) { return fmt::format("{:08}.harmed", number); }

std::optional<std::uint32_t> number_from_name(std::string_view name) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    const auto digits = static_cast<std::size_t>(end - name.data());
    const bool is_ours =
        error == std::errc() && digits >= 8 && digits < name.size() && name[digits] == '.';
    return is_ours ? std::optional(number) : std::nullopt;
}

std::string header() {
    std::string out(kMagic);
    append_word(out, kVersion);
    append_word(out, crc32c(out));
    return out;
}

bool is_header(std::string_view bytes) { return bytes == header(); }

std::string to_bytes(const Footer& footer) {
    std::string out;
    for (const auto& section : footer.sections) {
        append_word(out, section.offset);
        append_word(out, section.bytes);
        append_word(out, section.crc);
    }
    append_word(out, footer.total);
    out += kFooterMagic;
    append_word(out, crc32c(out));
    return out;
}

Result<Footer> read_footer(std::string_view bytes, std::uint64_t total) {
    ByteReader reader(bytes);
    Footer footer;
    for (auto& section : footer.sections) {
        section.offset = reader.word<std::uint64_t>();
        section.bytes = reader.word<std::uint64_t>();
        section.crc = reader.word<std::uint32_t>();
    }
    footer.total = reader.word<std::uint64_t>();
    if (reader.take(kFooterMagic.size()) != kFooterMagic) {
        return harmed("it doesn't end as a block does: cut short, or something else");
    }
    if (reader.word<std::uint32_t>() != crc32c(bytes.substr(0, kFooterBytes - 4)))
        return harmed("footer: wrong checksum");
    if (footer.total != total) {
        return harmed(fmt::format("it has {} bytes, but was written with {}", total, footer.total));
    }
    if (!are_neighbours(footer)) return harmed("footer: sections that don't fit together");
    return footer;
}

std::string to_bytes(const BlockMeta& meta) {
    std::string out;
    append_varint(out, meta.number);
    append_varint(out, meta.origin);
    append_varint(out, meta.level);
    append_time(out, meta.created);
    append_time(out, meta.times.from);
    append_time(out, meta.times.to);
    append_varint(out, meta.series);
    append_varint(out, meta.samples);
    append_varint(out, meta.chunks);
    append_varint(out, meta.replaces.size());
    for (const auto number : meta.replaces) append_varint(out, number);
    return out;
}

Result<BlockMeta> read_meta(std::string_view bytes, std::uint64_t total) {
    ByteReader reader(bytes);
    BlockMeta meta;
    meta.number = read_number(reader);
    meta.origin = read_number(reader);
    meta.level = read_number(reader);
    meta.created = read_time(reader);
    meta.times.from = read_time(reader);
    meta.times.to = read_time(reader);
    meta.series = reader.varint();
    meta.samples = reader.varint();
    meta.chunks = reader.varint();
    meta.bytes = total;
    const auto count = reader.varint();
    for (std::uint64_t i = 0; i < count && reader.ok(); ++i)
        meta.replaces.push_back(read_number(reader));
    if (!reader.ok() || !reader.rest().empty() || meta.times.from > meta.times.to)
        return harmed("metadata: not what a block has there");
    return meta;
}

}  // namespace inferscope::tsdb::block_format
