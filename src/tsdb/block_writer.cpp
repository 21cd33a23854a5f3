// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_writer.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/crc32c.h"

namespace inferscope::tsdb {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;

/// Clears the bits of rows behind the last one.
void trim(std::vector<std::uint64_t>& bits, std::size_t rows) {
    if (rows % 64 != 0) bits.back() &= (std::uint64_t{1} << rows % 64) - 1;
}

std::uint64_t count(std::span<const std::uint64_t> bits) {
    std::uint64_t sum = 0;
    for (const auto word : bits) sum += static_cast<std::uint64_t>(std::popcount(word));
    return sum;
}

/// From the first to behind the last set bit, if there is one.
std::optional<RowRange> range_of(std::span<const std::uint64_t> bits) {
    std::size_t begin = 0;
    std::size_t end = bits.size();
    while (begin < end && bits[begin] == 0) ++begin;
    while (end > begin && bits[end - 1] == 0) --end;
    if (begin == end) return std::nullopt;
    return RowRange{begin * 64 + static_cast<std::size_t>(std::countr_zero(bits[begin])),
                    end * 64 - static_cast<std::size_t>(std::countl_zero(bits[end - 1]))};
}

}  // namespace

/// The open group: which columns of its chunks are which of the caller's, under which names, and
/// between which times they have samples.
class BlockWriter::Group {
public:
    Group(std::span<const ColumnName> names, Numbering numbering) : names_(names) {
        const std::size_t columns = names.back().column + 1;
        CHECK(columns <= kMaxChunkColumns, "a group fits into a chunk");
        for (std::size_t i = 0; i < names.size();) {
            const std::size_t begin = i;
            const std::size_t number = names[begin].column;
            while (i < names.size() && names[i].column == number) ++i;
            columns_.push_back({number, names.subspan(begin, i - begin), std::nullopt});
        }
        CHECK(std::ranges::is_sorted(columns_, {}, &Column::number), "names are by column");
        if (numbering == Numbering::kept || 2 * columns_.size() >= columns) insert_gaps(columns);
    }

    struct Column {
        std::size_t number = 0;  ///< the caller's
        std::span<const ColumnName> names;
        std::optional<TimeRange> sampled;  ///< first and last sample

        /// Clears what is outside of all windows.
        void mask(std::span<const Timestamp> times, std::span<std::uint64_t> present) const {
            const TimeRange all{times.front(), times.back()};
            const auto covers = [&](const ColumnName& name) { return name.window.covers(all); };
            if (std::ranges::any_of(names, covers)) return;
            for (std::size_t row = 0; row < times.size(); ++row) {
                const auto contains = [&](const ColumnName& name) {
                    return name.window.contains(times[row]);
                };
                if (!std::ranges::any_of(names, contains))
                    present[row / 64] &= ~(std::uint64_t{1} << row % 64);
            }
        }
        void note_samples(const TimeRange& times) {
            if (!sampled) sampled = times;
            sampled->to = times.to;
        }
    };
    [[nodiscard]] std::span<Column> columns() { return columns_; }

    /// From the start of the earliest window to the end of the latest.
    [[nodiscard]] TimeRange hull() const {
        TimeRange all = names_.front().window;
        for (const auto& name : names_) {
            all.from = std::min(all.from, name.window.from);
            all.to = std::max(all.to, name.window.to);
        }
        return all;
    }

    /// Those that a sample is under, and the window in which they hold.
    void for_each_name(
        absl::FunctionRef<void(std::size_t, const Labels&, const TimeRange&)> visit) const {
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const auto& sampled = columns_[i].sampled;
            if (!sampled) continue;
            for (const auto& [number, labels, window] : columns_[i].names) {
                if (!window.overlaps(*sampled)) continue;
                visit(i, labels, window.covers(*sampled) ? TimeRange{} : window);
            }
        }
    }

private:
    void insert_gaps(std::size_t count) {
        std::vector<Column> all(count);
        for (std::size_t i = 0; i < count; ++i) all[i].number = i;
        for (const auto& column : columns_) all[column.number] = column;
        columns_ = std::move(all);
    }

    std::span<const ColumnName> names_;
    std::vector<Column> columns_;
};

Result<std::unique_ptr<BlockWriter>> BlockWriter::create(Files& files, const std::string& folder,
                                                         BlockMeta meta) {
    const auto path = folder + '/' + block_format::temporary_name(meta.number);
    auto file = files.open(path, OpenMode::fresh);
    if (!file) return file.error();
    return std::unique_ptr<BlockWriter>(
        new BlockWriter(files, folder, *std::move(file), std::move(meta)));
}

BlockWriter::BlockWriter(Files& files, std::string folder, std::unique_ptr<File> file,
                         BlockMeta meta)
    : files_(files),
      folder_(std::move(folder)),
      file_(std::move(file)),
      meta_(std::move(meta)),
      buffer_(block_format::header()),
      written_(buffer_.size()) {
    meta_.times = {std::numeric_limits<Timestamp>::max(), std::numeric_limits<Timestamp>::min()};
    meta_.series = meta_.samples = meta_.chunks = meta_.bytes = 0;
}

BlockWriter::~BlockWriter() {
    if (!file_) return;
    file_.reset();
    // What can't be removed now is removed when the folder is opened.
    static_cast<void>(files_.remove(folder_ + '/' + block_format::temporary_name(meta_.number)));
}

Result<void> BlockWriter::add_rows(std::span<const Timestamp> times,
                                   std::span<const ColumnName> names, FillColumn fill) {
    if (names.empty()) return {};
    start_group(names, Numbering::close_gaps);
    auto added = add_rows(times, fill);
    end_group();
    return added;
}

void BlockWriter::start_group(std::span<const ColumnName> names, Numbering numbering) {
    CHECK(!names.empty(), "a group has a series");
    group_ = std::make_unique<Group>(names, numbering);
}

Result<void> BlockWriter::add_rows(std::span<const Timestamp> times, FillColumn fill) {
    if (failed_) return *failed_;
    const auto wanted = rows_between(times, group_->hull());
    const std::size_t pieces = (wanted.size() + kBlockChunkRows - 1) / kBlockChunkRows;
    for (std::size_t i = 0; i < pieces; ++i) {
        const std::size_t begin = wanted.begin + wanted.size() * i / pieces;
        const std::size_t end = wanted.begin + wanted.size() * (i + 1) / pieces;
        if (auto added = seal(times, {begin, end}, fill); !added) return added;
    }
    return {};
}

Result<void> BlockWriter::add_chunk(std::string_view bytes, ChunkPlace place) {
    for (auto& column : group_->columns()) column.note_samples(place.times);
    return append_chunk(bytes, place);
}

void BlockWriter::end_group() {
    if (failed_) return;
    group_->for_each_name([&](std::size_t column, const Labels& labels, const TimeRange& window) {
        add_name(labels, column, window);
    });
    group_.reset();
    chunks_.clear();
    entries_.clear();
}

Result<void> BlockWriter::seal(std::span<const Timestamp> times, RowRange piece, FillColumn fill) {
    times = times.subspan(piece.begin, piece.size());
    chunk_.begin(times);
    for (auto& column : group_->columns()) {
        clear_column(times.size());
        if (!column.names.empty()) fill(column.number, piece.begin, values_, present_);
        trim(present_, times.size());
        column.mask(times, present_);
        if (const auto rows = range_of(present_))
            column.note_samples({times[rows->begin], times[rows->end - 1]});
        add_column();
    }
    return finish_chunk(times);
}

void BlockWriter::clear_column(std::size_t rows) {
    values_.resize(rows);
    present_.assign((rows + 63) / 64, 0);
}

/// What stands in values_ and present_.
void BlockWriter::add_column() {
    const auto samples = count(present_);
    chunk_samples_ += samples;
    const bool is_all = samples == values_.size();
    chunk_.add_column(values_, is_all ? std::span<const std::uint64_t>() : present_);
}

Result<void> BlockWriter::finish_chunk(std::span<const Timestamp> times) {
    chunk_bytes_.clear();
    chunk_.finish(chunk_bytes_);
    if (chunk_samples_ == 0) return {};
    return append_chunk(chunk_bytes_, {.offset = 0,
                                       .size = static_cast<std::uint32_t>(chunk_bytes_.size()),
                                       .rows = static_cast<std::uint32_t>(times.size()),
                                       .samples = std::exchange(chunk_samples_, 0),
                                       .times = {times.front(), times.back()}});
}

void BlockWriter::add_name(const Labels& labels, std::size_t column, const TimeRange& window) {
    auto entry = entries_.find({window.from, window.to});
    if (entry == entries_.end()) {
        const auto number = entries_.empty() ? groups_.add(window, chunks_) : groups_.add(window);
        entry = entries_.emplace(std::pair(window.from, window.to), number).first;
    }
    const ColumnPlace place{.group = entry->second, .column = column};
    index_.add(labels, std::span(&place, 1));
}

Result<void> BlockWriter::append_chunk(std::string_view bytes, ChunkPlace place) {
    if (auto room = append(bytes); !room) return room;
    CHECK(chunks_.empty() || chunks_.back().times.to < place.times.from, "chunks come by time");
    place.offset = written_ - bytes.size();
    meta_.times.from = std::min(meta_.times.from, place.times.from);
    meta_.times.to = std::max(meta_.times.to, place.times.to);
    meta_.samples += place.samples;
    ++meta_.chunks;
    chunks_.push_back(place);
    return {};
}

Result<BlockMeta> BlockWriter::finish() {
    CHECK(!empty(), "a block has samples");
    if (failed_) return *failed_;
    if (auto written = append_tables(); !written) return fail(written.error()).error();
    if (auto published = publish(); !published) return fail(published.error()).error();
    meta_.bytes = written_;
    return meta_;
}

Result<void> BlockWriter::append_tables() {
    if (auto added = append_section(block_format::kGroups, groups_.take()); !added) return added;
    const auto index = index_.finish();
    if (!index) return index.error();
    meta_.series = index_.series_count();
    if (auto added = append_section(block_format::kIndex, *index); !added) return added;
    const auto meta = block_format::to_bytes(meta_);
    if (auto added = append_section(block_format::kMeta, meta); !added) return added;
    footer_.total = written_ + block_format::kFooterBytes;
    if (auto added = append(block_format::to_bytes(footer_)); !added) return added;
    return flush();
}

Result<void> BlockWriter::append_section(std::size_t section, std::string_view bytes) {
    footer_.sections[section] = {written_, bytes.size(), crc32c(bytes)};
    return append(bytes);
}

/// From here on a reader may find the block.
Result<void> BlockWriter::publish() {
    if (auto synced = file_->sync(); !synced) return synced;
    const auto path = folder_ + '/' + block_format::file_name(meta_.number);
    const auto temporary = folder_ + '/' + block_format::temporary_name(meta_.number);
    if (auto named = files_.rename(temporary, path); !named) return named;
    file_.reset();
    auto synced = files_.sync_folder(folder_);
    // Nobody knows whether it would be there after a crash: it shall not be.
    if (!synced) static_cast<void>(files_.remove(path));
    return synced;
}

Result<void> BlockWriter::append(std::string_view bytes) {
    if (failed_) return *failed_;
    buffer_ += bytes;
    written_ += bytes.size();
    return buffer_.size() >= kBufferBytes ? flush() : Result<void>();
}

Result<void> BlockWriter::flush() {
    auto appended = file_->append(buffer_);
    buffer_.clear();
    return appended ? appended : fail(appended.error());
}

Result<void> BlockWriter::fail(const Error& error) {
    failed_ = error;
    return error;
}

}  // namespace inferscope::tsdb
