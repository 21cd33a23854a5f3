// SPDX-License-Identifier: Apache-2.0
// Lists of ids in a block's index: runs of neighbours. For each run, LEB128: the gap since the end
// of the run before, times two, plus one if it is longer than one id; then its length less two.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tsdb/index_format.h"
#include "tsdb/postings.h"

namespace inferscope::tsdb {

class IdsEncoder {
public:
    /// Greater than all before.
    void add(SeriesId id);
    [[nodiscard]] std::uint32_t count() const { return count_; }
    /// The bytes of all ids added. Call it once, and last.
    std::string take();

private:
    void end_run();

    std::string bytes_;
    std::uint32_t count_ = 0;
    SeriesId end_ = 0;     // of the run before
    SeriesId first_ = 0;   // of the open run
    SeriesId length_ = 0;  // of the open run
};

struct IdRun {
    SeriesId first = 0;
    std::uint32_t length = 0;
};

class IdsCursor {
public:
    /// `limit` is greater than every id.
    IdsCursor(std::string_view bytes, SeriesId limit) : reader_(bytes), limit_(limit) {}
    /// Nothing at the end, and where the bytes are rubbish: then ok() is false.
    std::optional<IdRun> next();
    [[nodiscard]] bool ok() const { return reader_.ok(); }

private:
    index_format::ByteReader reader_;
    SeriesId limit_;
    SeriesId end_ = 0;
};

}  // namespace inferscope::tsdb
