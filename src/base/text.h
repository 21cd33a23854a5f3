// SPDX-License-Identifier: Apache-2.0
// Small questions about text that more than one folder asks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace inferscope {

bool is_valid_utf8(std::string_view text);
struct Utf8Character {
    char32_t code = 0;
    std::size_t length = 0;  ///< in bytes
};
/// The first one of `text`, which isn't empty; U+FFFD and one byte where it isn't UTF-8, as Go
/// reads it.
Utf8Character first_character(std::string_view text);
/// Up to U+10FFFF.
void append_utf8(std::string& out, std::uint32_t code);

/// FNV-1a, 64 bits: stable over runs and machines, for identifiers that are shown.
constexpr std::uint64_t stable_hash(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

/// A number of up to nine digits that is always the same for `text`: GPUStack's identifiers are
/// numbers.
std::string stable_id(std::string_view text);

/// Of `known`, the word with the fewest edits (insert, delete, replace) from `word`; none when all
/// are further than a third of its length (at least one edit) away.
std::optional<std::string_view> nearest_word(std::string_view word,
                                             std::span<const std::string_view> known);

/// `text` cut to at most `limit` bytes for an error message, with "…" where something is missing;
/// control bytes and invalid UTF-8 as \xNN.
std::string quote_for_message(std::string_view text, std::size_t limit = 64);

/// A duration as Prometheus writes it: "1d2h3m4s5ms" in falling units, or "0"; nothing else. In
/// milliseconds.
std::optional<std::int64_t> parse_duration_millis(std::string_view text);
/// "512MB", "1.5GiB", "300" (bytes): B, KB, MB, GB, TB, PB, EB in powers of 1024, as Prometheus
/// (and KiB …).
std::optional<std::uint64_t> parse_byte_size(std::string_view text);

}  // namespace inferscope
