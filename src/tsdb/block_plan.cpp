// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_plan.h"

#include <algorithm>
#include <numeric>

namespace inferscope::tsdb {
namespace {

using Numbers = std::vector<std::size_t>;

constexpr Millis kLongestForEver{std::int64_t{31} * 24 * 60 * 60 * 1000};

/// Of the aligned range of `length` ms that `time` lies in: its number.
Timestamp aligned(Timestamp time, Millis length) {
    const Timestamp whole = time / length.count();
    return time % length.count() < 0 ? whole - 1 : whole;
}

/// The first of `by_time` that overlap, each with one before.
Numbers overlapping(std::span<const BlockMeta> blocks, const Numbers& by_time) {
    Numbers run;
    Timestamp end = 0;
    for (const auto number : by_time) {
        const auto& times = blocks[number].times;
        const bool overlaps = !run.empty() && times.from <= end;
        if (!overlaps && run.size() > 1) break;
        if (!overlaps) run.clear();
        end = run.empty() ? times.to : std::max(end, times.to);
        run.push_back(number);
    }
    return run.size() > 1 ? run : Numbers();
}

/// The first of `by_time`, two at least, that lie in one range which ends before the newest block.
Numbers in_one_range(std::span<const BlockMeta> blocks, const Numbers& by_time, Millis length) {
    const auto newest = aligned(blocks[by_time.back()].times.from, length);
    Numbers run;
    Timestamp range = 0;
    for (const auto number : by_time) {
        const auto& times = blocks[number].times;
        const auto its = aligned(times.from, length);
        if (run.size() > 1 && its != range) break;
        if (its != range) run.clear();
        if (its != aligned(times.to, length) || its >= newest) continue;
        range = its;
        run.push_back(number);
    }
    return run.size() > 1 ? run : Numbers();
}

}  // namespace

Numbers plan_merge(std::span<const BlockMeta> blocks, Millis shortest, Millis longest) {
    Numbers by_time(blocks.size());
    std::iota(by_time.begin(), by_time.end(), std::size_t{0});
    std::ranges::sort(by_time, {}, [&](std::size_t number) { return blocks[number].times.from; });
    auto found = overlapping(blocks, by_time);
    for (auto length = shortest; found.empty() && !by_time.empty() && length <= longest;
         length *= 3)
        found = in_one_range(blocks, by_time, length);
    return found;
}

Millis longest_range(Millis shortest, Millis retention) {
    return std::max(shortest, retention.count() == 0 ? kLongestForEver : retention / 10);
}

}  // namespace inferscope::tsdb
