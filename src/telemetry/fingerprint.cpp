// SPDX-License-Identifier: Apache-2.0
#include "telemetry/fingerprint.h"

#include <array>
#include <random>

#include "telemetry/fingerprint_hash.h"

namespace inferscope {
namespace {

using fingerprint_hash::kSecretBytes;

XXH128_hash_t for_any_machine(const void* text, std::size_t size, const void* secret) {
    return XXH3_128bits_withSecret(text, size, secret, kSecretBytes);
}

fingerprint_hash::Hash best_hash() {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) return fingerprint_hash::for_avx2;
#endif
    return for_any_machine;
}

std::array<unsigned char, kSecretBytes> make_secret() {
    std::random_device device;
    std::array<unsigned char, kSecretBytes> secret;
    for (auto& byte : secret) byte = static_cast<unsigned char>(device());
    return secret;
}

}  // namespace

Fingerprint Fingerprint::of(std::string_view text) {
    static const auto kSecret = make_secret();
    static const auto kHash = best_hash();
    const auto hash = kHash(text.data(), text.size(), kSecret.data());
    return {hash.low64, hash.high64};
}

}  // namespace inferscope
