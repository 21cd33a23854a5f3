// SPDX-License-Identifier: Apache-2.0
// The hash behind Fingerprint, compiled twice: for every machine, and for those with AVX2, where
// 300 bytes take a third of the time. Includes nothing that other sources have, too: the linker
// might keep the copy that was compiled for AVX2.
#pragma once

#include <stddef.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace inferscope::fingerprint_hash {

inline constexpr size_t kSecretBytes = XXH3_SECRET_DEFAULT_SIZE;
using Hash = XXH128_hash_t (*)(const void* text, size_t size, const void* secret);

XXH128_hash_t for_avx2(const void* text, size_t size, const void* secret);

}  // namespace inferscope::fingerprint_hash
