// SPDX-License-Identifier: Apache-2.0
// The newest exemplars over all series, in a ring: the oldest stored one gives way.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "telemetry/labels.h"
#include "telemetry/matcher.h"
#include "telemetry/queryable.h"

namespace inferscope::tsdb {

/// Thread: the lock around it.
class ExemplarRing {
public:
    explicit ExemplarRing(std::size_t most) : most_(most) {}

    /// Says whether it was taken: pages repeat their exemplars, so one that isn't newer than its
    /// series' last one is left out, as Prometheus does (tsdb/exemplar.go).
    bool add(StoredExemplar exemplar);
    /// By series, then time. `from` and `to` are inclusive.
    [[nodiscard]] std::vector<StoredExemplar> select(std::span<const Matcher> matchers,
                                                     Timestamp from, Timestamp to) const;
    [[nodiscard]] std::size_t size() const { return ring_.size(); }
    void forget_before(Timestamp time);

private:
    void drop_newest_mark(std::size_t place);

    std::size_t most_;
    std::size_t next_ = 0;  // the oldest one once the ring is full
    std::vector<StoredExemplar> ring_;
    absl::flat_hash_map<Labels, std::size_t> newest_;  // place of each series' last one
};

}  // namespace inferscope::tsdb
