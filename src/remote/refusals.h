// SPDX-License-Identifier: Apache-2.0
// What of a request was refused and why, in words for its sender.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace inferscope::remote {

enum class Refusal : std::uint8_t {
    out_of_order,
    duplicate,
    out_of_bounds,
    invalid_labels,
    native_histogram,
    bound  ///< of ours or of the store
};

/// Of each kind the first one is kept in words, the others are counted.
class Refusals {
public:
    /// `describe()` returns the text for the first of its kind, and is called for that one only.
    template <class Describe>
    void add(Refusal kind, std::uint64_t samples, Describe&& describe) {
        auto& [count, first] = kinds_[static_cast<std::size_t>(kind)];
        if (count == 0) first = describe();
        count += samples;
    }
    [[nodiscard]] std::uint64_t count(Refusal kind) const {
        return kinds_[static_cast<std::size_t>(kind)].count;
    }
    [[nodiscard]] std::uint64_t total() const;
    /// A line for each kind: "out of order sample: a{b="c"}, timestamp 1 (3 in this request)".
    [[nodiscard]] std::string text() const;

private:
    struct Kind {
        std::uint64_t count = 0;
        std::string first;
    };
    std::array<Kind, 6> kinds_;
};

}  // namespace inferscope::remote
