// SPDX-License-Identifier: Apache-2.0
#include "net/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace inferscope::net {
namespace {

constexpr std::size_t kSmallestGzip = 1u << 10;  // below, the saving is less than a packet
constexpr int kGzipWindowBits = MAX_WBITS + 16;  // zlib: +16 asks for gzip's header and trailer
constexpr std::size_t kStep = 64u << 10;         // memory grows at least by this

/// zlib never writes to its input, but its interface isn't const.
Bytef* input(std::string_view bytes) {
    return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

uInt clamp(std::uint64_t size) {
    return static_cast<uInt>(std::min<std::uint64_t>(size, std::numeric_limits<uInt>::max()));
}

}  // namespace

struct Inflater::Stream : z_stream {
    Stream() : z_stream() {
        CHECK(inflateInit2(this, kGzipWindowBits) == Z_OK, "zlib can be initialized");
    }
    ~Stream() { inflateEnd(this); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
};

Inflater::Inflater() : stream_(std::make_unique<Stream>()) {}
Inflater::~Inflater() = default;

Result<void> Inflater::take(std::string_view bytes, std::string& out, std::uint64_t max_size) {
    stream_->next_in = input(bytes);
    stream_->avail_in = clamp(bytes.size());
    bool output_was_full = false;  // then zlib may hold more, without any input left
    while (stream_->avail_in > 0 || output_was_full) {
        if (whole_) {  // another member follows
            inflateReset(stream_.get());
            whole_ = false;
        }
        const std::size_t old = out.size();
        // One byte above the bound, so that a stream that ends at the bound is told from a longer
        // one.
        const std::uint64_t left = max_size + 1 - old;
        const auto step = static_cast<std::size_t>(
            std::min<std::uint64_t>(left, std::max<std::uint64_t>(kStep, out.capacity() - old)));
        out.resize_and_overwrite(old + step, [](char*, std::size_t all) { return all; });
        stream_->next_out = reinterpret_cast<Bytef*>(out.data() + old);
        stream_->avail_out = clamp(step);
        const int code = inflate(stream_.get(), Z_NO_FLUSH);
        output_was_full = stream_->avail_out == 0;
        out.resize(old + step - stream_->avail_out);
        if (out.size() > max_size) {
            out.resize(max_size);
            return Error{Errc::limit_exceeded, "more decompressed bytes than the bound"};
        }
        if (code == Z_STREAM_END) {
            whole_ = true;
            output_was_full = false;
        } else if (code == Z_BUF_ERROR) {
            return {};  // neither input nor pending output: it waits for more
        } else if (code != Z_OK) {
            return Error{Errc::invalid_argument, "the body is not valid gzip"};
        }
    }
    return {};
}

std::string gzip(std::string_view text) {
    z_stream stream{};
    constexpr int kMemoryLevel = 8;  // zlib's default
    CHECK(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                       Z_DEFAULT_STRATEGY) == Z_OK,
          "zlib can be initialized");
    std::string out(deflateBound(&stream, text.size()), '\0');
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.next_in = input(text);
    std::size_t in_left = text.size();
    std::size_t out_left = out.size();
    int code = Z_OK;
    while (code == Z_OK) {
        stream.avail_in = clamp(in_left);
        stream.avail_out = clamp(out_left);
        in_left -= stream.avail_in;
        out_left -= stream.avail_out;
        code = deflate(&stream, in_left == 0 ? Z_FINISH : Z_NO_FLUSH);
        in_left += stream.avail_in;
        out_left += stream.avail_out;
    }
    CHECK(code == Z_STREAM_END, "deflateBound is a bound");
    out.resize(out.size() - out_left);
    deflateEnd(&stream);
    return out;
}

bool is_worth_gzip(const HttpResponse& response) {
    return response.body.size() > kSmallestGzip && !response.headers.has("Content-Encoding");
}

void compress_body(HttpResponse& response) {
    response.body = gzip(response.body);
    response.headers.add("Content-Encoding", "gzip");
    response.headers.add("Vary", "Accept-Encoding");
}

}  // namespace inferscope::net
