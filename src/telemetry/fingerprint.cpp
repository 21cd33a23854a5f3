// SPDX-License-Identifier: Apache-2.0
#include "telemetry/fingerprint.h"

#include <absl/hash/hash.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace inferscope {

Fingerprint Fingerprint::of(std::string_view text) {
    static const std::uint64_t kSeed = absl::HashOf(0);  // Abseil seeds itself anew in each process
    const XXH128_hash_t hash = XXH3_128bits_withSeed(text.data(), text.size(), kSeed);
    return {hash.low64, hash.high64};
}

}  // namespace inferscope
