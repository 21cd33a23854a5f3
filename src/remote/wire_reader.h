// SPDX-License-Identifier: Apache-2.0
// Protocol buffers' wire format, field by field, without copies. By hand: protozero, which throws
// and checks more at each step, takes four times as long for a series (docs/benchmarks.md).
// Source: Protocol Buffers, Encoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace inferscope::remote {

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// Reads one message. After the first error there are no more fields, and ok() is false: it is
/// asked once, behind the last one. Views point into the message.
class WireReader {
public:
    explicit WireReader(std::string_view message)
        : at_(message.data()), end_(message.data() + message.size()) {}

    /// Goes to the next field, whose value must then be read or skipped.
    bool next() {
        if (at_ == end_) return false;
        const std::uint64_t tag = read_varint();
        type_ = static_cast<WireType>(tag & 7);
        field_ = tag >> 3;
        if (field_ == 0) fail();
        return ok_;
    }
    [[nodiscard]] std::uint64_t field() const { return field_; }
    [[nodiscard]] bool ok() const { return ok_; }
    /// What has been read of the message so far ends here.
    [[nodiscard]] const char* position() const { return at_; }

    std::uint64_t varint() { return is(WireType::varint) ? read_varint() : 0; }

    double fixed64() {
        double value = 0;
        const auto bytes = is(WireType::fixed64) ? take(sizeof value) : std::string_view();
        if (ok_) std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }

    std::string_view bytes() {
        return is(WireType::bytes) ? take(read_varint()) : std::string_view();
    }

    /// Groups, which proto3 has no more, are an error.
    void skip() {
        switch (type_) {
            case WireType::varint:
                read_varint();
                break;
            case WireType::fixed64:
                take(8);
                break;
            case WireType::bytes:
                take(read_varint());
                break;
            case WireType::fixed32:
                take(4);
                break;
            default:
                fail();
        }
    }

private:
    bool is(WireType type) {
        if (type_ != type) fail();
        return ok_;
    }

    void fail() {
        ok_ = false;
        at_ = end_;
    }

    std::string_view take(std::uint64_t size) {
        if (size > static_cast<std::uint64_t>(end_ - at_)) {
            fail();
            return {};
        }
        const char* const begin = at_;
        at_ += size;
        return {begin, static_cast<std::size_t>(size)};
    }

    std::uint64_t read_varint() {
        if (at_ != end_ && static_cast<signed char>(*at_) >= 0)
            return static_cast<unsigned char>(*at_++);
        return read_long_varint();
    }

    std::uint64_t read_long_varint() {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 64 && at_ != end_; shift += 7) {
            const auto byte = static_cast<unsigned char>(*at_++);
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
        fail();
        return 0;
    }

    const char* at_;
    const char* end_;
    std::uint64_t field_ = 0;
    WireType type_ = WireType::varint;
    bool ok_ = true;
};

}  // namespace inferscope::remote
