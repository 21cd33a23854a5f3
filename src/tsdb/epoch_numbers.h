// SPDX-License-Identifier: Apache-2.0
// Small numbers for epochs: a million series that name one by its number take a quarter of what
// shared pointers would.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "tsdb/epoch.h"

namespace inferscope::tsdb {

inline constexpr std::uint32_t kNoEpoch = UINT32_MAX;

/// Holds an epoch as long as somebody uses its number; then the number is given to another one.
class EpochNumbers {
public:
    /// One more user. Returns the epoch's number.
    std::uint32_t use(const SharedEpoch& epoch) {
        const auto [known, is_new] = numbers_.try_emplace(epoch.get(), 0);
        if (is_new) known->second = add(epoch);
        ++entries_[known->second].users;
        return known->second;
    }
    void leave(std::uint32_t number) {
        auto& entry = entries_[number];
        if (--entry.users > 0) return;
        numbers_.erase(entry.epoch.get());
        entry.epoch = nullptr;
        unused_.push_back(number);
    }
    const SharedEpoch& operator[](std::uint32_t number) const { return entries_[number].epoch; }
    [[nodiscard]] std::size_t heap_bytes() const {
        return entries_.capacity() * sizeof(Entry) + unused_.capacity() * sizeof(std::uint32_t) +
               numbers_.capacity() * (sizeof(*numbers_.begin()) + 1);
    }

private:
    struct Entry {
        SharedEpoch epoch;
        std::uint32_t users = 0;
    };

    std::uint32_t add(const SharedEpoch& epoch) {
        if (unused_.empty()) {
            unused_.push_back(static_cast<std::uint32_t>(entries_.size()));
            entries_.emplace_back();
        }
        const auto number = unused_.back();
        unused_.pop_back();
        entries_[number].epoch = epoch;
        return number;
    }

    std::vector<Entry> entries_;
    std::vector<std::uint32_t> unused_;
    absl::flat_hash_map<const Guarded<Epoch>*, std::uint32_t> numbers_;
};

}  // namespace inferscope::tsdb
