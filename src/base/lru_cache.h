// SPDX-License-Identifier: Apache-2.0
// What was needed stays in memory up to a bound: what wasn't used for longest goes first.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <list>
#include <memory>
#include <utility>

#include "base/guarded.h"

namespace inferscope {

/// Values tell their size: `std::size_t heap_bytes() const`. Thread: any.
template <class Key, class Value>
class LruCache {
public:
    using Shared = std::shared_ptr<const Value>;

    explicit LruCache(std::size_t most_bytes) : most_bytes_(most_bytes) {}

    /// Nothing if it isn't there.
    [[nodiscard]] Shared find(const Key& key) {
        return kept_.with([&](Kept& kept) -> Shared {
            const auto found = kept.by_key.find(key);
            if (found == kept.by_key.end()) return nullptr;
            kept.uses.splice(kept.uses.begin(), kept.uses, found->second);
            return found->second->value;
        });
    }
    /// What was put last stays, however large it is.
    void put(const Key& key, Shared value) {
        kept_.with([&](Kept& kept) {
            kept.drop(key);
            const auto bytes = value->heap_bytes();
            kept.bytes += bytes;
            kept.uses.push_front({key, std::move(value), bytes});
            kept.by_key[key] = kept.uses.begin();
            kept.shrink_to(most_bytes_);
        });
    }
    /// To be called when a value's size has changed.
    void measure(const Key& key) {
        kept_.with([&](Kept& kept) {
            const auto found = kept.by_key.find(key);
            if (found == kept.by_key.end()) return;
            auto& use = *found->second;
            kept.bytes -= use.bytes;
            use.bytes = use.value->heap_bytes();
            kept.bytes += use.bytes;
            kept.shrink_to(most_bytes_);
        });
    }
    void drop(const Key& key) {
        kept_.with([&](Kept& kept) { kept.drop(key); });
    }
    [[nodiscard]] std::size_t most_bytes() const { return most_bytes_; }
    [[nodiscard]] std::size_t bytes() const {
        return kept_.with([](const Kept& kept) { return kept.bytes; });
    }

private:
    struct Use {
        Key key;
        Shared value;
        std::size_t bytes = 0;  // when last measured
    };
    using Uses = std::list<Use>;  // the newest first
    struct Kept {
        Uses uses;
        absl::flat_hash_map<Key, typename Uses::iterator> by_key;
        std::size_t bytes = 0;

        void drop(const Key& key) {
            const auto found = by_key.find(key);
            if (found == by_key.end()) return;
            bytes -= found->second->bytes;
            uses.erase(found->second);
            by_key.erase(found);
        }
        void shrink_to(std::size_t most_bytes) {
            while (bytes > most_bytes && uses.size() > 1) drop(Key(uses.back().key));
        }
    };

    const std::size_t most_bytes_;
    Guarded<Kept> kept_;
};

}  // namespace inferscope
