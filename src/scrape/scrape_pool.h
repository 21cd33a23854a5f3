// SPDX-License-Identifier: Apache-2.0
// All scrapes: follows the set of targets, leaves unchanged ones alone.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "discovery/target.h"
#include "scrape/target_scrape.h"

namespace inferscope::scrape {

/// Thread: io.
class ScrapePool {
public:
    explicit ScrapePool(ScrapeEnvironment& environment) : environment_(environment) {}
    ~ScrapePool() { stop(); }
    ScrapePool(const ScrapePool&) = delete;
    ScrapePool& operator=(const ScrapePool&) = delete;

    /// Starts scrapes of new targets, stops those of targets that are gone, hands changed settings
    /// to the rest.
    void set_targets(const std::vector<discovery::TargetPtr>& targets);
    void stop();

    /// Null if there is no such target (any more).
    [[nodiscard]] std::shared_ptr<TargetScrape> find(std::uint64_t identity) const;
    [[nodiscard]] std::vector<TargetStatus> status() const;
    [[nodiscard]] std::size_t size() const { return scrapes_.size(); }

private:
    ScrapeEnvironment& environment_;
    absl::flat_hash_map<std::uint64_t, std::shared_ptr<TargetScrape>> scrapes_;
};

}  // namespace inferscope::scrape
