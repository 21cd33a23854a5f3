// SPDX-License-Identifier: Apache-2.0
// Which column has the values of a series: a flat table by the fingerprint of its label bytes.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "telemetry/fingerprint.h"

namespace inferscope::remote {

/// A column of a group. The group's number may be given to another one later; its generation isn't.
struct Place {
    std::uint32_t group = 0;
    std::uint32_t column = 0;
    std::uint32_t generation = 0;  ///< 0 = nowhere

    explicit operator bool() const { return generation != 0; }
    bool operator==(const Place&) const = default;
};

/// Open addressing, linear probing, 32 bytes an entry: a look-up touches one cache line, mostly.
/// Single entries aren't removed: keep_only() makes the table anew.
class SeriesTable {
public:
    /// Hides the wait for memory: for keys that are looked up soon.
    void prefetch(const Fingerprint& key) const { __builtin_prefetch(&entries_[slot_of(key)]); }
    [[nodiscard]] Place find(const Fingerprint& key) const {
        return entries_[find_slot(key)].place;
    }
    /// Adds the key or moves it. `place` isn't nowhere.
    void set(const Fingerprint& key, const Place& place);
    /// Forgets the keys whose place `is_kept` denies; gives back what memory isn't needed then.
    template <class IsKept>
    void keep_only(IsKept&& is_kept);
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t capacity() const { return entries_.size(); }

private:
    struct Entry {
        Fingerprint key;
        Place place;
    };
    static constexpr std::size_t kLeast = 1024;

    [[nodiscard]] std::size_t slot_of(const Fingerprint& key) const {
        return key.low & (entries_.size() - 1);
    }
    /// The key's slot, or the empty one where it would stand.
    [[nodiscard]] std::size_t find_slot(const Fingerprint& key) const {
        auto slot = slot_of(key);
        while (entries_[slot].place && entries_[slot].key != key)
            slot = (slot + 1) & (entries_.size() - 1);
        return slot;
    }
    static std::size_t capacity_for(std::size_t size) {
        return std::bit_ceil(std::max(kLeast, size + size / 2));
    }

    std::vector<Entry> entries_ = std::vector<Entry>(kLeast);  // a power of two, 3/4 full at most
    std::size_t size_ = 0;
};

inline void SeriesTable::set(const Fingerprint& key, const Place& place) {
    auto slot = find_slot(key);
    if (!entries_[slot].place) {
        if (4 * (size_ + 1) > 3 * entries_.size()) {
            keep_only([](const Place&) { return true; });
            slot = find_slot(key);
        }
        ++size_;
    }
    entries_[slot] = {key, place};
}

template <class IsKept>
void SeriesTable::keep_only(IsKept&& is_kept) {
    std::size_t kept = 0;
    for (const auto& entry : entries_) kept += entry.place && is_kept(entry.place) ? 1 : 0;
    const auto old = std::exchange(entries_, std::vector<Entry>(capacity_for(kept)));
    size_ = kept;
    for (const auto& entry : old) {
        if (entry.place && is_kept(entry.place)) entries_[find_slot(entry.key)] = entry;
    }
}

}  // namespace inferscope::remote
