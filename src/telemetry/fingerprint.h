// SPDX-License-Identifier: Apache-2.0
// 128 bits of a text, to tell texts apart without keeping them.
#pragma once

#include <absl/hash/hash.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <string_view>
#include <utility>

namespace inferscope {

/// Two texts with one fingerprint are not to be expected in any number of texts that fits into
/// memory. Differs from run to run (Abseil seeds its hash), so that nobody can prepare a collision.
struct Fingerprint {
    std::uint64_t low = 0;
    std::uint64_t high = 0;

    static Fingerprint of(std::string_view text) {
        const absl::string_view bytes(text.data(), text.size());
        return {absl::HashOf(bytes), absl::HashOf(kSalt, bytes)};
    }
    bool operator==(const Fingerprint&) const = default;
    template <typename H>
    friend H AbslHashValue(H state, const Fingerprint& fingerprint) {
        return H::combine(std::move(state), fingerprint.low);
    }

private:
    static constexpr std::uint64_t kSalt = 0x9e3779b97f4a7c15;  // any number but zero
};

}  // namespace inferscope
