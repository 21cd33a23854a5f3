// SPDX-License-Identifier: Apache-2.0
// Finds columns that move as others do: a histogram's `_count` as its `+Inf` bucket and as the
// counts of other histograms of the same requests; inference time as prefill plus decode time.
// Candidates are the newest columns that moved; equality is found by hash and then compared. The
// hash is linear, so that of a sum is the sum of the hashes.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tsdb/chunk_format.h"

namespace inferscope::tsdb {

/// Confined to one thread; keeps its memory between chunks.
class ColumnRelations {
public:
    struct Known {
        std::uint32_t column = 0;
        std::uint32_t steps = 0;  ///< see kMaxDecodeSteps
        NumberScale scale;
        std::uint64_t hash = 0;
        std::vector<std::uint64_t> differences;
    };
    struct Found {
        Relation relation = Relation::none;
        std::array<const Known*, 2> columns{};
        [[nodiscard]] std::uint32_t steps() const;  ///< for a column that has this relation
    };

    void clear();
    /// The relation that leaves no residual. Pointers are valid until the next remember().
    [[nodiscard]] std::optional<Found> find(const NumberScale& scale,
                                            std::span<const std::uint64_t> differences) const;
    /// The columns remembered last, newest first; `i` from 0; null if there are fewer.
    [[nodiscard]] const Known* newest(std::size_t i) const;
    /// A column whose differences aren't all zero.
    void remember(std::uint32_t column, std::uint32_t steps, const NumberScale& scale,
                  std::span<const std::uint64_t> differences);

private:
    [[nodiscard]] bool may_be_known(std::uint64_t hash) const {
        return known_bits_[hash % known_bits_.size()];
    }
    [[nodiscard]] const Known* look_up(std::uint64_t hash, const NumberScale& scale) const;

    static constexpr std::size_t kRemembered = 128;
    std::array<Known, kRemembered> known_;             // a ring
    std::size_t count_ = 0;                            // remembered so far
    std::array<std::uint64_t, kRemembered> hashes_{};  // of known_: all that most look-ups touch
    absl::flat_hash_map<std::uint64_t, std::size_t> by_hash_;
    std::bitset<8192> known_bits_;  // one for each hash remembered since clear()
};

}  // namespace inferscope::tsdb
