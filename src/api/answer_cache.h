// SPDX-License-Identifier: Apache-2.0
// Answers to queries, given again as long as they are what a new evaluation would say: to the
// viewers of a dashboard, who all ask the same, and ask again before there are new samples.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/lru_cache.h"
#include "base/time.h"
#include "net/async.h"
#include "net/http.h"
#include "promql/engine.h"
#include "telemetry/change_log.h"

namespace inferscope::api {

/// What an answer depends on, but for the samples.
struct QueryKey {
    std::string text;
    promql::QueryTimes times;
    Millis lookback{0};
    std::size_t limit = 0;
    bool is_compressed = false;

    friend bool operator==(const QueryKey&, const QueryKey&) = default;
    template <class Hash>
    friend Hash AbslHashValue(Hash hash, const QueryKey& key) {
        return Hash::combine(std::move(hash), key.text, key.times.start, key.times.end,
                             key.times.step.count(), key.lookback.count(), key.limit,
                             key.is_compressed);
    }
};

/// A response, and whom else it answers.
struct Answered {
    enum class For : std::uint8_t {
        asker,      ///< a time-out says nothing of the next one's
        waiting,    ///< an error: also for who asked meanwhile
        also_later  ///< a result
    };

    net::HttpResponse response;
    For whom = For::asker;
    Timestamp read_until = 0;  ///< no later sample makes it another one
};

struct AnswerCacheCounters {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
};

/// Thread: io.
class AnswerCache {
public:
    using Work = std::function<net::Task<Answered>()>;

    /// `changes`: of the samples that queries read; outlives this. `most_bytes`: 0 keeps nothing.
    AnswerCache(ChangeLog& changes, std::size_t most_bytes)
        : changes_(changes), most_bytes_(most_bytes), kept_(most_bytes) {}

    /// A kept answer that no sample has changed since; else what `work` says. Whoever asks the
    /// same meanwhile waits for that: until `deadline`, then there is no answer.
    net::Task<std::optional<net::HttpResponse>> answer(QueryKey key, SteadyTime deadline,
                                                       Work work);

    [[nodiscard]] const AnswerCacheCounters& counters() const { return counters_; }
    [[nodiscard]] std::size_t bytes() const { return kept_.bytes(); }

private:
    struct Flight;
    struct Kept {
        Answered answered;
        ChangeLog::Mark mark = 0;
        std::size_t key_bytes = 0;

        [[nodiscard]] std::size_t heap_bytes() const {
            return sizeof *this + answered.response.body.capacity() + key_bytes;
        }
    };

    [[nodiscard]] bool is_current(const std::shared_ptr<const Kept>& kept) const {
        return kept && !changes_.has_changed(kept->mark, kept->answered.read_until);
    }

    ChangeLog& changes_;
    std::size_t most_bytes_;
    LruCache<QueryKey, Kept> kept_;
    absl::flat_hash_map<QueryKey, std::shared_ptr<Flight>> flights_;
    AnswerCacheCounters counters_;
};

}  // namespace inferscope::api
