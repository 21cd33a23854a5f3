// SPDX-License-Identifier: Apache-2.0
// Bodies of remote write: snappy's block format, bounded before memory is taken.
// Source: snappy, format_description.txt.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace inferscope::remote {

/// The length that `compressed` says to have decompressed. Fails with invalid_argument if it isn't
/// snappy or can't become so long, and with limit_exceeded above `most`
/// (`remote_write_receiver.max_body_bytes`).
Result<std::size_t> decompressed_bytes(std::string_view compressed, std::size_t most);

/// Where bodies are decompressed; keeps its memory from one to the next.
class BodyBuffer {
public:
    /// The view is valid until the next call. Fails as decompressed_bytes().
    Result<std::string_view> decompress(std::string_view compressed, std::size_t most);

private:
    std::unique_ptr<char[]> bytes_;
    std::size_t capacity_ = 0;
};

}  // namespace inferscope::remote
