// SPDX-License-Identifier: Apache-2.0
// Settings of the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "telemetry/matcher.h"

namespace inferscope::tsdb {

/// What may be done with a store's folder.
enum class Access : std::uint8_t {
    owner,   ///< we hold its lock: leftovers are removed, what is torn is cut
    reader,  ///< nothing is changed; another process may be writing there
};

struct HeadConfig {
    /// `storage.out_of_order_window`: a sample that is older than its series' last one by at most
    /// this is taken.
    Millis out_of_order_window{10 * 60 * 1000};
    /// `storage.max_groups`: targets and other sources at a time.
    std::size_t max_groups = 100'000;
    /// `storage.max_columns`: of one group; 100,000 is the most that a chunk can hold.
    std::uint32_t max_columns = 100'000;
    /// `storage.max_series`: label sets in memory.
    std::size_t max_series = 20'000'000;
    /// `storage.max_label_set_bytes`: names and values of one series.
    std::size_t max_label_set_bytes = 16 * 1024;
    /// `storage.max_families`: metric names whose TYPE, HELP and UNIT are kept.
    std::size_t max_families = 100'000;
    /// `storage.max_help_bytes`: of one family; longer texts are cut.
    std::size_t max_help_bytes = 4096;
    /// `storage.max_exemplars`: newest ones over all series; 0 keeps none.
    std::size_t max_exemplars = 100'000;
    /// `storage.chunk_cache_bytes`: sealed chunks that queries have opened.
    std::size_t chunk_cache_bytes = std::size_t{32} << 20;
};

/// Series for which all matchers hold are kept for so long.
struct KeepLonger {
    std::vector<Matcher> matchers;
    Millis keep{0};
};

struct BlocksConfig {
    /// `storage.block_range`: blocks from the head span so much, aligned to the epoch; merged ones
    /// 3, 9, ... times as much, up to a tenth of the retention.
    Millis range{2 * 60 * 60 * 1000};
    /// `storage.retention.time`: older than so much before the newest sample is removed; 0: never.
    Millis retention{std::int64_t{15} * 24 * 60 * 60 * 1000};
    /// `storage.retention.size`: of all blocks; 0: no bound.
    std::uint64_t retention_bytes = 0;
    /// `storage.retention.keep`: the longest that matches holds. Doesn't weigh against the size.
    std::vector<KeepLonger> keep_longer;
    /// `storage.index_cache_bytes`: groups and indexes of blocks in memory.
    std::size_t cache_bytes = std::size_t{64} << 20;
    /// `storage.chunk_cache_bytes`: chunks that queries have read.
    std::size_t chunk_cache_bytes = std::size_t{32} << 20;
    /// Which series selectors found in which blocks.
    std::size_t series_cache_bytes = std::size_t{4} << 20;
};

}  // namespace inferscope::tsdb
