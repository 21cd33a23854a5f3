// SPDX-License-Identifier: Apache-2.0
#include "net/body_sink.h"

#include <fmt/format.h>

namespace inferscope::net {

BodySink::BodySink(std::string& out, std::uint64_t max_bytes, std::string_view bound_name)
    : out_(out),
      begin_(out.size()),
      end_(out.size()),
      max_bytes_(max_bytes),
      bound_name_(bound_name) {}

Result<void> BodySink::check_length(std::uint64_t bytes) const {
    if (bytes <= max_bytes_) return {};
    return Error{Errc::limit_exceeded, fmt::format("a body of {} bytes is more than {} = {}", bytes,
                                                   bound_name_, max_bytes_)};
}

Result<void> BodySink::take(std::string_view bytes) {
    taken_ += bytes.size();
    if (taken_ > max_bytes_) {
        return Error{Errc::limit_exceeded,
                     fmt::format("the body is longer than {} = {} bytes", bound_name_, max_bytes_)};
    }
    const std::size_t begin = end_;
    if (!inflater_) {
        out_.append(bytes);
        end_ = out_.size();
        show_from(begin);
        return {};
    }
    auto inflated = inflater_->take(bytes, out_, begin_ + max_bytes_);
    end_ = out_.size();
    show_from(begin);
    if (inflated) return {};
    if (inflated.error().code != Errc::limit_exceeded) return inflated.error();
    return Error{Errc::limit_exceeded,
                 fmt::format("the body is longer than {} = {} bytes when decompressed", bound_name_,
                             max_bytes_)};
}

void BodySink::expect(std::size_t bytes) {
    if (!out_.empty() || out_.capacity() >= bytes) return;
    std::string roomy;  // a string that grows would double itself
    roomy.reserve(bytes + bytes / 16);
    out_.swap(roomy);
}

char* BodySink::room(std::size_t size) {
    // Not cleared first: commit() cuts off what the socket didn't fill.
    out_.resize_and_overwrite(end_ + size, [](char*, std::size_t all) { return all; });
    return out_.data() + end_;
}

void BodySink::commit(std::size_t written) {
    taken_ += written;
    end_ += written;
    out_.resize(end_);
    show_from(end_ - written);
}

void BodySink::show_from(std::size_t begin) const {
    if (on_piece_ && end_ > begin) on_piece_(std::string_view(out_).substr(begin, end_ - begin));
}

Result<void> BodySink::finish() {
    if (!inflater_ || inflater_->is_whole()) return {};
    return Error{Errc::unavailable, "the gzip body ends midway"};
}

}  // namespace inferscope::net
