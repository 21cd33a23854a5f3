// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_groups.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "tsdb/bit_packing.h"
#include "tsdb/bit_varint.h"

namespace inferscope::tsdb {
namespace {

/// Modulo 2^64: times and offsets may be anything.
template <class Number>
void append_difference(std::string& out, Number now, Number before) {
    append_varint(out,
                  zigzag(static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(before)));
}

std::uint64_t length(const TimeRange& range) {
    return static_cast<std::uint64_t>(range.to) - static_cast<std::uint64_t>(range.from);
}

}  // namespace

RowRange rows_between(std::span<const Timestamp> times, const TimeRange& range) {
    const auto begin = std::ranges::lower_bound(times, range.from) - times.begin();
    const auto end = std::ranges::upper_bound(times, range.to) - times.begin();
    return {static_cast<std::size_t>(begin), static_cast<std::size_t>(std::max(begin, end))};
}

std::span<const ChunkPlace> overlapping(std::span<const ChunkPlace> chunks,
                                        const TimeRange& range) {
    const auto begin = std::ranges::lower_bound(chunks, range.from, {},
                                                [](const ChunkPlace& at) { return at.times.to; });
    const auto end = std::ranges::upper_bound(chunks, range.to, {},
                                              [](const ChunkPlace& at) { return at.times.from; });
    return begin < end ? std::span(begin, end) : std::span<const ChunkPlace>();
}

std::uint64_t GroupsEncoder::add(const TimeRange& window, std::span<const ChunkPlace> chunks) {
    CHECK(!chunks.empty(), "a group has chunks");
    const auto entry = append_control(chunks.size(), window);
    for (const auto& chunk : chunks) {
        append_difference(bytes_, chunk.offset, end_);
        append_varint(bytes_, chunk.size);
        append_varint(bytes_, chunk.rows - 1);
        append_varint(bytes_, chunk.samples);
        append_difference(bytes_, chunk.times.from, last_);
        append_varint(bytes_, length(chunk.times));
        end_ = chunk.end();
        last_ = chunk.times.to;
    }
    return entry;
}

std::uint64_t GroupsEncoder::add(const TimeRange& window) { return append_control(0, window); }

std::uint64_t GroupsEncoder::append_control(std::uint64_t chunks, const TimeRange& window) {
    const bool is_windowed = window != TimeRange{};
    append_varint(bytes_, chunks * 2 + (is_windowed ? 1 : 0));
    if (is_windowed) {
        append_difference(bytes_, window.from, Timestamp{0});
        append_varint(bytes_, length(window));
    }
    return entries_++;
}

std::string GroupsEncoder::take() { return std::move(bytes_); }

class GroupTable::Reader {
public:
    Reader(std::string_view bytes, std::uint64_t chunks_end, const TimeRange& times)
        : bytes_(bytes), chunks_end_(chunks_end), times_(times) {}

    Result<GroupTable> read() {
        while (bytes_.ok() && !bytes_.rest().empty()) read_entry();
        if (!bytes_.ok()) {
            return Error{Errc::invalid_argument, "groups: not what a block has there"};
        }
        return std::move(table_);
    }

private:
    void read_entry() {
        const auto control = bytes_.varint();
        Entry entry;
        if (control % 2 != 0) entry.window = read_range(unzigzag(bytes_.varint()));
        if (control / 2 == 0) {
            if (table_.entries_.empty()) return bytes_.fail();
            const auto& before = table_.entries_.back();
            entry = {entry.window, before.first, before.count, before.group};
        } else {
            entry.first = static_cast<std::uint32_t>(table_.chunks_.size());
            entry.group = static_cast<std::uint32_t>(table_.entries_.size());
            read_chunks(control / 2);
            entry.count = static_cast<std::uint32_t>(table_.chunks_.size()) - entry.first;
        }
        table_.entries_.push_back(entry);
    }

    void read_chunks(std::uint64_t count) {
        for (std::uint64_t i = 0; i < count && bytes_.ok(); ++i) {
            const auto chunk = read_chunk();
            if (i > 0 && chunk.times.from <= table_.chunks_.back().times.to) bytes_.fail();
            table_.chunks_.push_back(chunk);
        }
    }

    ChunkPlace read_chunk() {
        ChunkPlace chunk;
        chunk.offset = end_ + unzigzag(bytes_.varint());
        const auto size = bytes_.varint();
        const auto rows = bytes_.varint() + 1;
        chunk.samples = bytes_.varint();
        chunk.times = read_range(static_cast<std::uint64_t>(last_) + unzigzag(bytes_.varint()));
        const bool fits = chunk.offset >= block_format::kHeaderBytes &&
                          chunk.offset <= chunks_end_ && size <= chunks_end_ - chunk.offset &&
                          size <= UINT32_MAX && rows >= 1 && rows <= kMaxChunkRows;
        if (!fits || length(chunk.times) < rows - 1 || !times_.covers(chunk.times)) bytes_.fail();
        chunk.size = static_cast<std::uint32_t>(size);
        chunk.rows = static_cast<std::uint32_t>(rows);
        end_ = chunk.end();
        last_ = chunk.times.to;
        return chunk;
    }

    TimeRange read_range(std::uint64_t from) {
        const TimeRange range{static_cast<Timestamp>(from),
                              static_cast<Timestamp>(from + bytes_.varint())};
        if (range.from > range.to) bytes_.fail();
        return range;
    }

    ByteReader bytes_;
    std::uint64_t chunks_end_;
    TimeRange times_;
    std::uint64_t end_ = 0;
    Timestamp last_ = 0;
    GroupTable table_;
};

Result<GroupTable> GroupTable::read(std::string_view bytes, std::uint64_t chunks_end,
                                    const TimeRange& times) {
    if (bytes.size() > UINT32_MAX) return Error{Errc::invalid_argument, "groups: over 4 GiB"};
    return Reader(bytes, chunks_end, times).read();
}

std::size_t GroupTable::heap_bytes() const {
    return entries_.capacity() * sizeof(Entry) + chunks_.capacity() * sizeof(ChunkPlace);
}

std::optional<TimeRange> part_of(const GroupTable& groups, const ColumnPlace& place,
                                 const TimeRange& asked) {
    if (!groups.has(place)) return std::nullopt;
    const auto& window = groups.window(place.group);
    const TimeRange part{std::max(window.from, asked.from), std::min(window.to, asked.to)};
    if (part.from > part.to || overlapping(groups.chunks(place.group), part).empty())
        return std::nullopt;
    return part;
}

}  // namespace inferscope::tsdb
