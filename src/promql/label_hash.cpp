// SPDX-License-Identifier: Apache-2.0
#include "promql/label_hash.h"

#include <string>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace inferscope::promql {
namespace {

/// Its length in one byte, or behind a byte 255 in three, and the text.
void append_text(std::string& out, std::string_view text) {
    const auto size = text.size();
    if (size < 255) {
        out += static_cast<char>(size);
    } else {
        out += '\xff';
        for (int shift = 0; shift < 24; shift += 8) out += static_cast<char>(size >> shift & 0xff);
    }
    out += text;
}

}  // namespace

std::uint64_t hash_of(const Labels& labels) {
    std::string encoded;
    for (const auto& label : labels) {
        append_text(encoded, label.name);
        append_text(encoded, label.value);
    }
    return XXH64(encoded.data(), encoded.size(), 0);
}

}  // namespace inferscope::promql
