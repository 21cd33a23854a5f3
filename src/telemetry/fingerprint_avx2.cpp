// SPDX-License-Identifier: Apache-2.0
#include "telemetry/fingerprint_hash.h"

namespace inferscope::fingerprint_hash {

XXH128_hash_t for_avx2(const void* text, size_t size, const void* secret) {
    return XXH3_128bits_withSecret(text, size, secret, kSecretBytes);
}

}  // namespace inferscope::fingerprint_hash
