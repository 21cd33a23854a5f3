// SPDX-License-Identifier: Apache-2.0
#include "remote/body.h"

#include <fmt/format.h>
#include <snappy.h>

namespace inferscope::remote {
namespace {

/// A copy of 64 bytes takes three: nothing can be compressed further.
constexpr std::size_t kMostExpansion = 22;

Error not_snappy() {
    return {Errc::invalid_argument, "the body isn't compressed in snappy's block format"};
}

}  // namespace

Result<std::size_t> decompressed_bytes(std::string_view compressed, std::size_t most) {
    std::size_t size = 0;
    if (!snappy::GetUncompressedLength(compressed.data(), compressed.size(), &size))
        return not_snappy();
    if (size > most) {
        return Error{Errc::limit_exceeded,
                     fmt::format("the body has {} bytes decompressed, more than "
                                 "remote_write_receiver.max_body_bytes = {}",
                                 size, most)};
    }
    if (size > kMostExpansion * compressed.size()) return not_snappy();
    return size;
}

Result<std::string_view> BodyBuffer::decompress(std::string_view compressed, std::size_t most) {
    const auto size = decompressed_bytes(compressed, most);
    if (!size) return size.error();
    if (*size > capacity_) {
        bytes_ = std::make_unique_for_overwrite<char[]>(*size);
        capacity_ = *size;
    }
    if (!snappy::RawUncompress(compressed.data(), compressed.size(), bytes_.get()))
        return not_snappy();
    return std::string_view(bytes_.get(), *size);
}

}  // namespace inferscope::remote
