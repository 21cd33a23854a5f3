// SPDX-License-Identifier: Apache-2.0
// What the scrapes count about themselves. Plain numbers, on the io thread; app shows them as
// inferscope_scrape_*.
#pragma once

#include <cstdint>

namespace inferscope::scrape {

struct ScrapeCounters {
    std::uint64_t scrapes = 0;
    std::uint64_t failed = 0;
    std::uint64_t layouts_known = 0;  ///< pages read by difference
    std::uint64_t samples = 0;
    std::uint64_t duplicates = 0;  ///< lines whose label set an earlier line of the page had
    std::uint64_t refused_exemplars = 0;
    std::uint64_t slowed = 0;  ///< scrapes left out because their target answers slowly
    std::uint64_t bytes = 0;   ///< of pages, decompressed
};

}  // namespace inferscope::scrape
