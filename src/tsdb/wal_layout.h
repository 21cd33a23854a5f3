// SPDX-License-Identifier: Apache-2.0
// The records of the log that state a group's epoch and columns, kept to be written again at the
// start of each stretch. Rarely needed, and 30 bytes a column: so most of them lie here compressed
// (snappy, a third to a half).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace inferscope::tsdb::wal {

class Layout {
public:
    void add(std::string_view record);
    /// All records, in the order in which they were added.
    void append_to(std::string& out) const;
    [[nodiscard]] std::size_t heap_bytes() const { return packed_.capacity() + plain_.capacity(); }

private:
    void pack();

    std::string packed_;  // pieces, each: varint size, so many bytes of snappy
    std::string plain_;   // what came after them
};

}  // namespace inferscope::tsdb::wal
