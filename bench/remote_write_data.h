// SPDX-License-Identifier: Apache-2.0
// Remote-write 1.0 requests as a Prometheus that scrapes vLLM engines sends them, made ahead of the
// measurement. Senders cut the same rows in three ways:
// - rows: a sender has whole targets, and sends whole rows in time order, targets interleaved;
// - shards: a sender has a share of all series (by hash), as Prometheus's queue manager does it, so
//   that each row arrives in pieces;
// - series: one series after the other, each with all of its samples.
// In the first two each sample stands in a TimeSeries of its own, with all its labels, as
// Prometheus sends it; zeros aren't encoded.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace inferscope::bench {

enum class SendMode : std::uint8_t { rows, shards, series };

struct LoadSettings {
    SendMode mode = SendMode::rows;
    int engines = 46;             ///< targets of 435 series
    int singletons = 0;           ///< targets of one series, each with times of its own
    Timestamp span = 21'600'000;  ///< ms of data: span / interval rows of each target
    Timestamp interval = 15'000;  ///< ms
    Timestamp end = 0;            ///< the last row is at most that old, ms since 1970
    std::uint32_t senders = 2;
    std::size_t max_samples = 2000;  ///< in one request; a row that is longer is cut
};

/// One POST: the sender it belongs to, and its compressed body.
struct LoadRequest {
    std::uint32_t sender = 0;
    std::uint32_t samples = 0;
    Timestamp first_time = 0;  ///< of its oldest sample
    std::string_view body;     ///< snappy, block format; valid until the next request
};

/// What a store must answer at `last_time` once it has everything.
struct ExpectedValue {
    std::string selector;
    double value;
};
/// How many series a selector must find.
struct ExpectedCount {
    std::string selector;
    std::size_t series;
};

struct LoadSummary {
    std::uint64_t samples = 0;
    std::uint64_t requests = 0;
    std::uint64_t bytes = 0;      ///< compressed
    std::uint64_t raw_bytes = 0;  ///< before compression
    std::uint64_t series = 0;
    Timestamp first_time = 0, last_time = 0;
    std::vector<ExpectedValue>
        values;  ///< some, from everywhere; the very last sample is among them
    std::vector<ExpectedCount> counts;  ///< some targets, or zones of singletons
};

/// Makes all requests and hands each to `sink`; those of one sender come in the order of sending.
LoadSummary make_load(const LoadSettings& settings,
                      const std::function<void(const LoadRequest&)>& sink);

}  // namespace inferscope::bench
