// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/crc32c.h"
#include "base/log.h"

namespace inferscope::tsdb {
namespace {

/// Footer and metadata, mostly.
constexpr std::uint64_t kTailBytes = 4096;

Error harmed(std::string_view what) { return {Errc::invalid_argument, std::string(what)}; }

/// All of it: a file that ends before is harmed.
Result<std::string> read_bytes(const File& file, std::uint64_t offset, std::uint64_t count) {
    std::string bytes(count, '\0');
    const auto read = file.read(offset, bytes);
    if (!read) return read.error();
    if (*read != count) return harmed("cut short");
    return bytes;
}

Result<std::string> read_checked(const File& file, const block_format::Section& section,
                                 std::string_view name) {
    auto bytes = read_bytes(file, section.offset, section.bytes);
    if (bytes && crc32c(*bytes) != section.crc) return harmed("wrong checksum").with(name);
    return bytes;
}

struct Ends {
    block_format::Footer footer;
    BlockMeta meta;
};

Result<BlockMeta> read_meta(const File& file, const block_format::Footer& footer,
                            std::string_view tail) {
    const auto& section = footer.sections[block_format::kMeta];
    const auto behind = section.bytes + block_format::kFooterBytes;
    if (behind > tail.size()) {
        const auto bytes = read_checked(file, section, "metadata");
        if (!bytes) return bytes.error();
        return block_format::read_meta(*bytes, footer.total);
    }
    const auto bytes = tail.substr(tail.size() - behind, section.bytes);
    if (crc32c(bytes) != section.crc) return harmed("metadata: wrong checksum");
    return block_format::read_meta(bytes, footer.total);
}

Result<Ends> read_ends(const File& file) {
    const auto size = file.size();
    if (!size) return size.error();
    if (*size < block_format::kHeaderBytes + block_format::kFooterBytes)
        return harmed(fmt::format("{} bytes are no block", *size));
    const auto header = read_bytes(file, 0, block_format::kHeaderBytes);
    if (!header) return header.error();
    if (!block_format::is_header(*header)) return harmed("header: not that of a block we know");
    const auto tail_bytes = std::min(*size, kTailBytes);
    const auto tail = read_bytes(file, *size - tail_bytes, tail_bytes);
    if (!tail) return tail.error();
    const auto last = std::string_view(*tail).substr(tail->size() - block_format::kFooterBytes);
    const auto footer = block_format::read_footer(last, *size);
    if (!footer) return footer.error();
    auto meta = read_meta(file, *footer, *tail);
    if (!meta) return meta.error();
    return Ends{*footer, *std::move(meta)};
}

}  // namespace

void BlockFolder::set_aside(std::uint32_t block, const Error& reason) {
    const auto name = block_format::file_name(block);
    const auto aside = block_format::harmed_name(block);
    harmed_blocks.fetch_add(1, std::memory_order_relaxed);
    if (access == Access::reader) {
        log::error("{}: harmed, left out: {}", file(name), reason.text);
        return;
    }
    log::error("{}: harmed, set aside as {}: {}", file(name), aside, reason.text);
    auto renamed = files.rename(file(name), file(aside));
    if (renamed) renamed = files.sync_folder(path);
    if (!renamed) log::error("{}", renamed.error().text);
}

Result<std::shared_ptr<const Block>> Block::open(BlockFolder& folder, std::uint32_t number) {
    const auto path = folder.file(block_format::file_name(number));
    auto file = folder.files.open(path, OpenMode::reading);
    if (!file) return file.error();
    auto ends = read_ends(**file);
    if (ends && ends->meta.number != number)
        ends = harmed(fmt::format("it is block {}, under another name", ends->meta.number));
    if (!ends) return ends.error();
    return std::shared_ptr<const Block>(
        new Block(folder, *std::move(file), ends->footer, std::move(ends->meta)));
}

Block::Block(BlockFolder& folder, std::unique_ptr<File> file, const block_format::Footer& footer,
             BlockMeta meta)
    : folder_(folder), file_(std::move(file)), footer_(footer), meta_(std::move(meta)) {}

std::string Block::path() const { return folder_.file(block_format::file_name(meta_.number)); }

Result<BlockCache::Shared> Block::tables() const {
    if (auto known = folder_.cache.find(meta_.number)) return known;
    const std::scoped_lock lock(loading_);
    if (is_harmed()) return harmed(path() + ": harmed");
    if (auto known = folder_.cache.find(meta_.number)) return known;
    auto tables = load_tables();
    if (tables) {
        folder_.cache.put(meta_.number, *tables);
    } else if (tables.error().code == Errc::invalid_argument) {
        harmed_ = true;
        folder_.set_aside(meta_.number, tables.error());
    }
    return tables ? tables : tables.error().with(path());
}

Result<BlockCache::Shared> Block::load_tables() const {
    const auto& sections = footer_.sections;
    const auto groups = read_checked(*file_, sections[block_format::kGroups], "groups");
    if (!groups) return groups.error();
    auto index = read_checked(*file_, sections[block_format::kIndex], "index");
    if (!index) return index.error();
    return BlockTables::read(*groups, *std::move(index), sections[block_format::kGroups].offset,
                             meta_.times);
}

BlockSeriesCache::Shared Block::select(const BlockTables& tables,
                                       std::span<const Matcher> matchers) const {
    const BlockQuestion question{meta_.number, {matchers.begin(), matchers.end()}};
    if (auto known = folder_.series.find(question)) return known;
    auto found = std::make_shared<const BlockSeries>(tables.index(), matchers);
    if (found->heap_bytes() < folder_.series.most_bytes() / 2)  // else it would push out all others
        folder_.series.put(question, found);
    return found;
}

Result<StoredChunks::Shared> Block::chunk(const ChunkPlace& place) const {
    const std::pair key{meta_.number, place.offset};
    if (auto known = folder_.chunks.find(key)) return known;
    auto chunk = std::make_shared<StoredChunk>();
    auto view = open_chunk(place, chunk->bytes);
    if (!view) return view.error();
    chunk->view = *std::move(view);
    chunk->columns.make_room(chunk->view.columns());
    folder_.chunks.put(key, chunk);
    return chunk;
}

void Block::measure_chunk(const ChunkPlace& place) const {
    folder_.chunks.measure({meta_.number, place.offset});
}

Result<ChunkView> Block::open_chunk(const ChunkPlace& place, std::string& bytes) const {
    auto chunk = read_chunk(place, bytes);
    if (!chunk) return Error{chunk.error().code, report(place, chunk.error())};
    return chunk;
}

Result<ChunkView> Block::read_chunk(const ChunkPlace& place, std::string& bytes) const {
    bytes.resize(place.size);
    const auto read = file_->read(place.offset, bytes);
    if (!read) return read.error();
    if (*read != place.size) return harmed("cut short");
    auto chunk = ChunkView::open(bytes);
    if (!chunk) return chunk;
    const TimeRange times{chunk->times().front(), chunk->times().back()};
    if (chunk->rows() != place.rows || times != place.times) return harmed("another chunk's bytes");
    return chunk;
}

std::string Block::report(const ChunkPlace& place, const Error& reason) const {
    auto text =
        fmt::format("{}: the chunk at byte {} is left out: {}", path(), place.offset, reason.text);
    const bool is_news =
        harmed_chunks_.with([&](auto& known) { return known.insert(place.offset).second; });
    if (is_news) {
        log::error("{}", text);
        folder_.harmed_chunks.fetch_add(1, std::memory_order_relaxed);
    }
    return text;
}

}  // namespace inferscope::tsdb
