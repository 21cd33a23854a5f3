// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A hot loop is compiled for AVX2 and AVX-512 too and chosen when the program starts. Not under a
/// sanitizer, whose runtime isn't there yet when that happens.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer) && \
    !__has_feature(thread_sanitizer)
#define INFERSCOPE_VECTOR_CLONES \
    __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define INFERSCOPE_VECTOR_CLONES
#endif
