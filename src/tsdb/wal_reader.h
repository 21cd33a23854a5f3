// SPDX-License-Identifier: Apache-2.0
// Reads a segment of the log, batch by batch, up to its end or to the first batch that is harmed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "tsdb/wal_format.h"

namespace inferscope::tsdb {

/// The numbers of the segments in a folder, rising. Other files are passed over.
Result<std::vector<std::uint32_t>> list_segments(Files& files, const std::string& folder);

class SegmentReader {
public:
    /// Fails with invalid_argument if the segment is of a version that we don't know, io_error if
    /// it can't be read. One without a whole header has no batch.
    static Result<SegmentReader> open(Files& files, const std::string& folder,
                                      std::uint32_t segment, OpenMode mode = OpenMode::existing);

    /// The records of the next batch, valid until the next call; nothing at the end, and from the
    /// first harmed batch on.
    std::optional<std::string_view> next();
    /// The batch that next() returned isn't good either: its records are rubbish.
    void reject();

    [[nodiscard]] std::uint32_t run() const { return header_.run; }
    /// Bytes up to the end of the last good batch.
    [[nodiscard]] std::uint64_t good_bytes() const { return good_; }
    [[nodiscard]] std::uint64_t bytes() const { return size_; }
    /// Bytes came since it was opened: what looks torn may have been half written.
    [[nodiscard]] bool has_grown() const { return file_->size().value_or(size_) > size_; }
    /// Batches behind the harmed one that are whole, as far as lengths lead to them.
    [[nodiscard]] std::uint64_t count_batches_behind();
    /// Set if the disk failed: what wasn't read may be good.
    [[nodiscard]] const std::optional<Error>& failed() const { return failed_; }
    [[nodiscard]] File& file() { return *file_; }

private:
    SegmentReader(std::unique_ptr<File> file, std::uint64_t size)
        : file_(std::move(file)), size_(size) {}
    /// Fewer bytes than asked for where the file ends.
    std::string_view view(std::uint64_t offset, std::uint64_t size);
    /// The batch that starts at `offset`, if it is whole.
    std::optional<std::string_view> batch_at(std::uint64_t offset);

    std::unique_ptr<File> file_;
    std::uint64_t size_;
    wal::SegmentHeader header_;
    std::uint64_t good_ = 0;
    std::uint64_t before_ = 0;  ///< what good_ was before the last batch
    bool at_end_ = false;
    std::string window_;  ///< a part of the file, from window_start_ on
    std::uint64_t window_start_ = 0;
    std::optional<Error> failed_;
};

}  // namespace inferscope::tsdb
