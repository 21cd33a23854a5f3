// SPDX-License-Identifier: Apache-2.0
// Settings of the store.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace inferscope::tsdb {

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
};

}  // namespace inferscope::tsdb
