// SPDX-License-Identifier: Apache-2.0
// 128 bits of a text, to tell texts apart without keeping them.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

namespace inferscope {

/// Two texts with one fingerprint are not to be expected in any number of texts that fits into
/// memory (XXH3, both halves). Differs from run to run, so that nobody can prepare a collision.
struct Fingerprint {
    std::uint64_t low = 0;
    std::uint64_t high = 0;

    static Fingerprint of(std::string_view text);
    bool operator==(const Fingerprint&) const = default;
    template <typename H>
    friend H AbslHashValue(H state, const Fingerprint& fingerprint) {
        return H::combine(std::move(state), fingerprint.low);
    }
};

}  // namespace inferscope
