// SPDX-License-Identifier: Apache-2.0
// Which column has the values of a series: a flat table by the fingerprint of its label bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "telemetry/fingerprint.h"

namespace inferscope::remote {

/// A column of a group. A group's number isn't given to another one as long as the table has it.
struct Place {
    std::uint32_t group = UINT32_MAX;  ///< UINT32_MAX = nowhere
    std::uint32_t column = 0;

    explicit operator bool() const { return group != UINT32_MAX; }
    bool operator==(const Place&) const = default;
};

/// Open addressing, linear probing, 24 bytes an entry: a look-up touches one cache line, mostly.
/// Between 16/25 and 4/5 full, so a series takes some 34 bytes. Single entries aren't removed:
/// keep_only() makes the table anew.
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
        __extension__ using Wide = unsigned __int128;
        return static_cast<std::size_t>(Wide{key.low} * entries_.size() >> 64);
    }
    /// The key's slot, or the empty one where it would stand.
    [[nodiscard]] std::size_t find_slot(const Fingerprint& key) const {
        auto slot = slot_of(key);
        while (entries_[slot].place && entries_[slot].key != key)
            slot = slot + 1 < entries_.size() ? slot + 1 : 0;
        return slot;
    }
    static std::size_t capacity_for(std::size_t size) {
        return std::max(kLeast, size + size / 16 * 9);
    }

    std::vector<Entry> entries_ = std::vector<Entry>(kLeast);
    std::size_t size_ = 0;
};

inline void SeriesTable::set(const Fingerprint& key, const Place& place) {
    auto slot = find_slot(key);
    if (!entries_[slot].place) {
        if (5 * (size_ + 1) > 4 * entries_.size()) {
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
