// SPDX-License-Identifier: Apache-2.0
// Where a body goes while it arrives: bounded and, if it is compressed, decompressed on the way.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/gzip.h"

namespace inferscope::net {

using OnPiece = std::function<void(std::string_view)>;

/// Appends to a string that belongs to the caller.
class BodySink {
public:
    /// At most `max_bytes` are appended, and as many taken; `bound_name` is what messages call that
    /// bound.
    BodySink(std::string& out, std::uint64_t max_bytes, std::string_view bound_name);

    /// `on_piece` sees what is appended, as soon as it is. Empty: nobody does.
    void show(const OnPiece& on_piece) { on_piece_ = on_piece; }
    /// From here on what comes is gzip.
    void decompress() { inflater_ = std::make_unique<Inflater>(); }
    [[nodiscard]] bool is_plain() const { return !inflater_; }

    /// Fails with limit_exceeded if a body of `bytes` would pass the bound: asked before anything
    /// is read.
    [[nodiscard]] Result<void> check_length(std::uint64_t bytes) const;
    /// So many bytes are to come: memory for them is taken at once, and little more.
    void expect(std::size_t bytes);
    /// Fails with limit_exceeded at the bound, before memory is taken; invalid_argument for bad
    /// gzip.
    [[nodiscard]] Result<void> take(std::string_view bytes);
    /// For plain bodies: the next `size` bytes may be written here; then commit() those that were.
    [[nodiscard]] char* room(std::size_t size);
    void commit(std::size_t written);
    /// The body is whole. Fails with unavailable if the gzip stream isn't.
    [[nodiscard]] Result<void> finish();

    [[nodiscard]] std::uint64_t taken_bytes() const { return taken_; }

private:
    void show_from(std::size_t begin) const;

    std::string& out_;
    std::size_t begin_;
    std::size_t end_;  // of what was written; out_ may be longer between room() and commit()
    std::uint64_t max_bytes_;
    std::string bound_name_;
    OnPiece on_piece_;
    std::uint64_t taken_ = 0;  // as it came, before decompression
    std::unique_ptr<Inflater> inflater_;
};

}  // namespace inferscope::net
