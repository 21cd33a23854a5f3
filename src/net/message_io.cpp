// SPDX-License-Identifier: Apache-2.0
#include "net/message_io.h"

#include <fmt/format.h>

#include <algorithm>

namespace inferscope::net {
namespace {

constexpr std::uint64_t kLargestRead = 256u << 10;
/// Enough for most heads, and little more: what belongs to the body is copied again.
constexpr std::size_t kHeadRead = 2u << 10;

Error closed_midway(std::uint64_t got, std::uint64_t expected) {
    return {Errc::unavailable,
            fmt::format("the connection closed midway: {} of {} bytes of the body came", got,
                        expected)};
}

/// A body of a known length: the parser isn't needed, and plain ones go from the kernel to their
/// place.
Task<Result<void>> read_counted_body(Stream& stream, std::uint64_t length, BodySink& sink,
                                     std::string_view first) {
    if (sink.is_plain()) sink.expect(static_cast<std::size_t>(std::min(length, kLargestRead)));
    const auto of_first = static_cast<std::size_t>(std::min<std::uint64_t>(length, first.size()));
    auto taken = sink.take(first.substr(0, of_first));
    if (!taken) co_return taken.error();
    stream.unread(first.substr(of_first));
    std::uint64_t left = length - of_first;
    while (left > 0) {
        const auto step = static_cast<std::size_t>(std::min(left, kLargestRead));
        std::size_t count = 0;
        if (sink.is_plain()) {
            auto received = co_await stream.receive_into(sink.room(step), step);
            sink.commit(received ? *received : 0);
            if (!received) co_return received.error();
            count = *received;
        } else {
            auto received = co_await stream.receive();
            if (!received) co_return received.error();
            count = static_cast<std::size_t>(std::min<std::uint64_t>(left, received->size()));
            auto fits = sink.take(received->substr(0, count));
            if (!fits) co_return fits.error();
            stream.unread(received->substr(count));
        }
        if (count == 0) co_return closed_midway(length - left, length);
        left -= count;
    }
    co_return Result<void>();
}

Task<Result<void>> read_parsed_body(Stream& stream, MessageParser& parser, BodySink& sink,
                                    std::string_view first) {
    std::string_view bytes = first;
    while (true) {
        if (!bytes.empty()) {
            auto used = parser.put_body(bytes, sink);
            if (!used) co_return used.error();
            const auto rest = bytes.substr(*used);
            if (parser.is_done()) {
                stream.unread(rest);
                co_return Result<void>();
            }
            stream.keep(rest);
        }
        auto received = co_await stream.receive();
        if (!received) co_return received.error();
        if (received->empty()) {
            auto ended = parser.put_end();
            if (ended) co_return Result<void>();
            co_return Error{ended.error().code,
                            fmt::format("{}: {} bytes of the body came", ended.error().text,
                                        sink.taken_bytes())};
        }
        bytes = *received;
    }
}

}  // namespace

Task<Result<std::string_view>> read_head(Stream& stream, MessageParser& parser) {
    while (true) {
        auto received = co_await stream.receive(kHeadRead);
        if (!received) co_return received.error();
        if (received->empty()) {
            if (!parser.has_begun()) co_return std::string_view();
            co_return Error{Errc::unavailable, "the connection closed within the headers"};
        }
        auto used = parser.put_head(*received);
        if (!used) co_return used.error();
        if (parser.head_is_done()) co_return received->substr(*used);
        stream.keep(received->substr(*used));
    }
}

Task<Result<void>> read_body(Stream& stream, MessageParser& parser, BodySink& sink,
                             std::string_view first) {
    Result<void> read;
    const auto length = parser.content_length();
    if (parser.is_done()) {
        stream.unread(first);
    } else if (length) {
        auto fits = sink.check_length(*length);
        if (!fits) co_return fits.error();
        read = co_await read_counted_body(stream, *length, sink, first);
    } else {
        read = co_await read_parsed_body(stream, parser, sink, first);
    }
    if (!read) co_return read.error();
    auto whole = sink.finish();
    co_return whole;
}

}  // namespace inferscope::net
