// SPDX-License-Identifier: Apache-2.0
// Which series of a block a selector finds, and where they lie in it: looked up once for a
// dashboard that asks every few seconds.
#pragma once

#include <absl/hash/hash.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/lru_cache.h"
#include "telemetry/labels.h"
#include "telemetry/matcher.h"
#include "tsdb/index_block.h"

namespace inferscope::tsdb {

/// Immutable; any thread.
class BlockSeries {
public:
    /// In the order of the index.
    BlockSeries(const BlockIndex& index, std::span<const Matcher> matchers);

    [[nodiscard]] std::size_t size() const { return all_.size(); }
    [[nodiscard]] const Labels& labels(std::size_t at) const { return all_[at].labels; }
    /// Whether they stand in the order of their labels.
    [[nodiscard]] bool is_sorted() const { return is_sorted_; }
    [[nodiscard]] std::span<const ColumnPlace> places(std::size_t at) const {
        const auto begin = at == 0 ? 0 : all_[at - 1].places_end;
        return std::span(places_).subspan(begin, all_[at].places_end - begin);
    }
    [[nodiscard]] std::size_t heap_bytes() const;

private:
    struct One {
        Labels labels;
        std::size_t places_end = 0;  // in places_
    };
    std::vector<One> all_;
    std::vector<ColumnPlace> places_;
    bool is_sorted_ = true;
};

/// What is asked of a block, by its number.
struct BlockQuestion {
    std::uint32_t block = 0;
    std::vector<Matcher> matchers;

    bool operator==(const BlockQuestion&) const = default;
    template <typename H>
    friend H AbslHashValue(H state, const BlockQuestion& question) {
        return H::combine(std::move(state), question.block, question.matchers);
    }
};

using BlockSeriesCache = LruCache<BlockQuestion, BlockSeries>;

}  // namespace inferscope::tsdb
