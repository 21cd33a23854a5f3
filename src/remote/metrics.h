// SPDX-License-Identifier: Apache-2.0
// What remote write counts about itself; app shows it as inferscope_remote_write_*.
#pragma once

#include <cstdint>

#include "telemetry/sample.h"

namespace inferscope::remote {

struct IntakeCounters {
    std::uint64_t requests = 0;           ///< that were kept, in whole or in part
    std::uint64_t refused_rubbish = 0;    ///< requests: not snappy, or not a WriteRequest
    std::uint64_t refused_by_size = 0;    ///< requests
    std::uint64_t failed = 0;             ///< requests: the store couldn't keep them
    std::uint64_t bytes = 0;              ///< of requests that were kept, decompressed
    VerdictCounts samples;                ///< of requests that were kept, by what became of them
    std::uint64_t invalid_labels = 0;     ///< samples refused for their series' labels
    std::uint64_t native_histograms = 0;  ///< refused
    std::uint64_t refused_by_bounds = 0;  ///< samples: a bound of ours or of the store
    std::uint64_t exemplars = 0;          ///< handed on
    std::uint64_t new_series = 0;         ///< announced, ever
    std::uint64_t series = 0;             ///< announced now
    std::uint64_t groups = 0;             ///< open now, loose ones included
};

struct EndpointCounters {
    std::uint64_t requests = 0;
    std::uint64_t refused_type = 0;        ///< 415
    std::uint64_t refused_body = 0;        ///< 400, 413: seen before any work was done
    std::uint64_t refused_busy = 0;        ///< 429
    std::uint64_t requests_in_flight = 0;  ///< now
    std::uint64_t bytes_in_flight = 0;     ///< now, compressed and decompressed
    std::uint64_t bytes = 0;               ///< of bodies, compressed
};

}  // namespace inferscope::remote
