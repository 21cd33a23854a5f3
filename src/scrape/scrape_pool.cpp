// SPDX-License-Identifier: Apache-2.0
#include "scrape/scrape_pool.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <exception>

#include "base/log.h"

namespace inferscope::scrape {
namespace {

/// The root of a scrape's task: nothing that it does may harm its siblings.
void report_end(const std::string& target, const std::exception_ptr& error) {
    if (!error) return;
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& exception) {
        log::error("scrape of {} ended: {}", target, exception.what());
    }
}

}  // namespace

void ScrapePool::set_targets(const std::vector<discovery::TargetPtr>& targets) {
    absl::flat_hash_set<std::uint64_t> wanted;
    for (const auto& target : targets) {
        const auto identity = target->identity();
        if (!wanted.insert(identity).second) continue;
        if (const auto known = scrapes_.find(identity); known != scrapes_.end()) {
            if (known->second->target() != target) known->second->update(target);
            continue;
        }
        auto scrape = std::make_shared<TargetScrape>(environment_, target);
        scrapes_.emplace(identity, scrape);
        const std::string name = target->url.redacted();
        boost::asio::co_spawn(
            environment_.io, scrape->run(),
            [name, scrape](const std::exception_ptr& error) { report_end(name, error); });
    }
    absl::erase_if(scrapes_, [&](const auto& entry) {
        if (wanted.contains(entry.first)) return false;
        entry.second->stop();
        return true;
    });
}

void ScrapePool::stop() { set_targets({}); }

std::shared_ptr<TargetScrape> ScrapePool::find(std::uint64_t identity) const {
    const auto known = scrapes_.find(identity);
    return known == scrapes_.end() ? nullptr : known->second;
}

std::vector<TargetStatus> ScrapePool::status() const {
    std::vector<TargetStatus> all;
    all.reserve(scrapes_.size());
    for (const auto& [identity, scrape] : scrapes_) all.push_back(scrape->status());
    std::ranges::sort(all, [](const TargetStatus& a, const TargetStatus& b) {
        return std::pair(std::string_view(a.target->job), a.target->labels.get("instance")) <
               std::pair(std::string_view(b.target->job), b.target->labels.get("instance"));
    });
    return all;
}

}  // namespace inferscope::scrape
