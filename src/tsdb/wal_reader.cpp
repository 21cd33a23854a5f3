// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_reader.h"

#include <algorithm>

namespace inferscope::tsdb {
namespace {

constexpr std::uint64_t kWindowBytes = 1 << 20;

}  // namespace

Result<std::vector<std::uint32_t>> list_segments(Files& files, const std::string& folder) {
    const auto names = files.list(folder);
    if (!names) return names.error();
    std::vector<std::uint32_t> segments;
    for (const auto& name : *names)
        if (const auto segment = wal::segment_from_name(name)) segments.push_back(*segment);
    std::ranges::sort(segments);
    return segments;
}

Result<SegmentReader> SegmentReader::open(Files& files, const std::string& folder,
                                          std::uint32_t segment, OpenMode mode) {
    const auto path = folder + '/' + wal::segment_name(segment);
    auto file = files.open(path, mode);
    if (!file) return file.error();
    const auto size = (*file)->size();
    if (!size) return size.error();
    SegmentReader reader(std::move(*file), *size);
    const auto header = wal::read_header(reader.view(0, wal::kHeaderBytes));
    if (reader.failed_) return *reader.failed_;
    if (!header && header.error().code == Errc::invalid_argument) return header.error().with(path);
    reader.at_end_ = !header || header->segment != segment;
    if (!reader.at_end_) {
        reader.header_ = *header;
        reader.good_ = reader.before_ = wal::kHeaderBytes;
    }
    return reader;
}

std::optional<std::string_view> SegmentReader::next() {
    if (at_end_) return std::nullopt;
    const auto records = batch_at(good_);
    at_end_ = !records;
    before_ = good_;
    if (records) good_ += wal::kFrameBytes + records->size();
    return records;
}

void SegmentReader::reject() {
    good_ = before_;
    at_end_ = true;
}

std::uint64_t SegmentReader::count_batches_behind() {
    std::uint64_t count = 0;
    auto at = std::max<std::uint64_t>(good_, wal::kHeaderBytes);
    while (at + wal::kFrameBytes < size_) {
        const auto frame = wal::read_frame(view(at, wal::kFrameBytes));
        if (frame.bytes == 0) break;
        if (at != good_ && batch_at(at)) ++count;
        at += wal::kFrameBytes + frame.bytes;
    }
    return count;
}

std::string_view SegmentReader::view(std::uint64_t offset, std::uint64_t size) {
    size = offset < size_ ? std::min(size, size_ - offset) : 0;
    const bool inside = offset >= window_start_ && offset + size <= window_start_ + window_.size();
    if (!inside) {
        window_start_ = offset;
        window_.resize(std::min(std::max(size, kWindowBytes), size_ - offset));
        const auto read = file_->read(offset, window_);
        if (!read) failed_ = read.error();
        window_.resize(read.value_or(0));
    }
    return std::string_view(window_).substr(offset - window_start_, size);
}

std::optional<std::string_view> SegmentReader::batch_at(std::uint64_t offset) {
    const auto head = view(offset, wal::kFrameBytes);
    if (head.size() < wal::kFrameBytes) return std::nullopt;
    const auto frame = wal::read_frame(head);
    if (frame.bytes == 0) return std::nullopt;
    const auto records = view(offset + wal::kFrameBytes, frame.bytes);
    if (!wal::is_unharmed(frame, records)) return std::nullopt;
    return records;
}

}  // namespace inferscope::tsdb
