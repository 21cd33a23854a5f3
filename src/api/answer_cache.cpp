// SPDX-License-Identifier: Apache-2.0
#include "api/answer_cache.h"

#include "net/gate.h"

namespace inferscope::api {

/// One query that is being evaluated, and who waits for it.
struct AnswerCache::Flight {
    net::Gate landed;
    std::shared_ptr<const Kept> result;  ///< none where it is for its asker alone
};

net::Task<std::optional<net::HttpResponse>> AnswerCache::answer(QueryKey key, SteadyTime deadline,
                                                                Work work) {
    for (auto found = flights_.find(key); found != flights_.end(); found = flights_.find(key)) {
        const auto flight = found->second;
        if (const bool landed = co_await flight->landed.wait(deadline); !landed)
            co_return std::nullopt;
        if (!is_current(flight->result)) continue;
        ++counters_.hits;
        co_return flight->result->answered.response;
    }
    if (const auto kept = kept_.find(key); is_current(kept)) {
        ++counters_.hits;
        co_return kept->answered.response;
    }
    ++counters_.misses;

    /// Lands whatever becomes of the work.
    struct Landing {
        AnswerCache& cache;
        const QueryKey& key;
        std::shared_ptr<Flight> flight;

        ~Landing() {
            cache.flights_.erase(key);
            flight->landed.open();
        }
    };
    const Landing landing{*this, key, flights_[key] = std::make_shared<Flight>()};
    const auto mark = changes_.mark();
    const std::size_t key_bytes = 2 * (sizeof key + key.text.size());  // in a list and in a table
    auto result = std::make_shared<Kept>(Kept{co_await work(), mark, key_bytes});
    if (result->answered.whom != Answered::For::asker) landing.flight->result = result;
    if (result->answered.whom == Answered::For::also_later && result->heap_bytes() <= most_bytes_)
        kept_.put(key, result);
    co_return result->answered.response;
}

}  // namespace inferscope::api
