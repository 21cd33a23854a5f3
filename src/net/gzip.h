// SPDX-License-Identifier: Apache-2.0
// gzip, both ways, over zlib.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace inferscope::net {

/// Decompresses one gzip stream (of one or several members) as it arrives. Thread: confined to one.
class Inflater {
public:
    Inflater();
    ~Inflater();
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    /// Appends to `out` what `bytes` give. `out` never gets longer than `max_size`, nor its memory
    /// larger than twice of that: a stream that wants more fails with limit_exceeded; a broken one
    /// with invalid_argument.
    [[nodiscard]] Result<void> take(std::string_view bytes, std::string& out,
                                    std::uint64_t max_size);
    /// The last member's checksum has come.
    [[nodiscard]] bool is_whole() const { return whole_; }

private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
    bool whole_ = false;
};

/// `text` as a gzip stream, at zlib's fastest level.
std::string gzip(std::string_view text);

/// Whether it is worthwhile: neither small nor encoded already.
bool is_worth_gzip(const HttpResponse& response);
/// Compresses the body, and says so.
void compress_body(HttpResponse& response);

}  // namespace inferscope::net
