// SPDX-License-Identifier: Apache-2.0
// POST /api/v1/write: remote write 1.0 over HTTP, with back-pressure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "net/async.h"
#include "net/http.h"
#include "net/http_server.h"
#include "remote/config.h"
#include "remote/intake.h"
#include "remote/metrics.h"

namespace inferscope::remote {

/// Thread: io; the work is done on the pool.
class WriteEndpoint {
public:
    /// `intake` outlives the endpoint, and both outlive the requests.
    WriteEndpoint(net::Executor pool, Intake& intake, const WriteConfig& config);

    /// Answers
    /// - 204: all of it is kept, or was before;
    /// - 400: rubbish, of which nothing is kept; or some samples were refused and the rest is kept.
    ///   The text has Prometheus's words for why, and names the series;
    /// - 413: larger than `remote_write_receiver.max_body_bytes`, decompressed;
    /// - 415: not application/x-protobuf, not version 1, or not snappy;
    /// - 429 with Retry-After: too many requests or bytes in flight;
    /// - 503 with Retry-After: the store can't keep it now.
    /// Of a missing Content-Type or Content-Encoding the right one is supposed, as Prometheus does.
    net::Task<net::ServerResponse> handle(net::HttpRequest request);

    [[nodiscard]] const EndpointCounters& counters() const { return counters_; }

private:
    /// Counts a request in flight for as long as it lives.
    class Admission;

    [[nodiscard]] std::optional<std::string> too_busy(std::size_t bytes) const;

    net::Executor pool_;
    Intake& intake_;
    const WriteConfig config_;
    EndpointCounters counters_;
};

}  // namespace inferscope::remote
