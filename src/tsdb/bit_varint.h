// SPDX-License-Identifier: Apache-2.0
// Whole bytes: LEB128 numbers and fixed words, written and read with checks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace inferscope::tsdb {

inline void append_varint(std::string& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
    out += static_cast<char>(value);
}

template <class Word>
void append_word(std::string& out, Word value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// Sticky: what is read behind the end is zero, and ok() stays false.
class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

    std::uint8_t byte() { return word<std::uint8_t>(); }
    template <class Word>
    Word word() {
        Word value = 0;
        const auto bytes = take(sizeof value);
        if (ok_) std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }
    /// More than 64 bits, or longer than need be, is not ok.
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const auto part = byte();
            value |= std::uint64_t{part & 0x7fU} << shift;
            if (part < 0x80) {
                ok_ = ok_ && (part != 0 || shift == 0) && (shift < 63 || part == 1);
                return value;
            }
        }
        ok_ = false;
        return 0;
    }
    std::string_view take(std::uint64_t size) {
        ok_ = ok_ && size <= rest_.size();
        if (!ok_) return {};
        const auto taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }
    void fail() { ok_ = false; }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::string_view rest() const { return rest_; }

private:
    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace inferscope::tsdb
