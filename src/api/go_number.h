// SPDX-License-Identifier: Apache-2.0
// Numbers as Go writes them in Prometheus's JSON: answers may have a million.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace inferscope::api {

/// The shortest text that gives the value again: with an exponent below 1e-6 and from 1e21 on.
/// Source: prometheus, util/jsonutil.
class GoNumber {
public:
    /// What copy_to() may write, beyond the text, too.
    static constexpr std::size_t kRoom = 32;

    explicit GoNumber(double value) { set(value); }

    void set(double value);
    [[nodiscard]] std::string_view text() const {
        return {bytes_.data() + begin_, static_cast<std::size_t>(end_ - begin_)};
    }
    /// Returns the text's end. Of a fixed size, so a few instructions.
    char* copy_to(char* at) const {
        std::memcpy(at, bytes_.data() + begin_, kRoom);
        return at + (end_ - begin_);
    }

private:
    void write_whole(std::uint64_t number);
    void write_fixed(double value);
    void write_word(std::string_view word);

    static constexpr std::uint8_t kPoint = 24;  // where it stands, if there is one

    std::array<char, 64> bytes_;
    std::uint8_t begin_ = 0;
    std::uint8_t end_ = 0;
};

}  // namespace inferscope::api
