// SPDX-License-Identifier: Apache-2.0
// Takes remote write 1.0 requests and hands their samples to the store as rows in pieces.
//
// A sender shows us series, never rows. New series of one request that have the same job, instance
// and first time become a group (a *cohort*: a target's page, or a sender's shard of it); a few by
// themselves join a loose group. From then on a series is known by the hash of its label bytes, and
// the samples of one group and time go to the store in one call.
// Source: Prometheus Remote-Write Specification 1.0.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "remote/config.h"
#include "remote/metrics.h"
#include "telemetry/appender.h"

namespace inferscope::remote {

/// What became of a request that was kept.
struct WriteOutcome {
    VerdictCounts samples;
    std::size_t refused = 0;  ///< samples and native histograms that will never be taken
    /// For the sender: of each kind of refusal how many, the first one's series and why, a line
    /// each. Empty if nothing was refused.
    std::string refusals;
};

/// Thread: any; requests are decompressed and decoded side by side, the store is filled by one at
/// a time.
class Intake {
public:
    /// `store` outlives the intake.
    Intake(PieceAppender& store, const WriteConfig& config);
    /// Closes no group: at the end of the process the store goes on knowing them.
    ~Intake();
    Intake(const Intake&) = delete;
    Intake& operator=(const Intake&) = delete;

    /// The length that a body says to have decompressed, so that it can be refused before anything
    /// is allocated. Fails with invalid_argument if it isn't snappy's block format, and with
    /// limit_exceeded above `max_body_bytes`.
    [[nodiscard]] Result<std::size_t> decompressed_bytes(std::string_view compressed) const;
    /// Takes a request's body. When it returns an outcome, what was taken is kept. Fails
    /// - with invalid_argument: not snappy, or not a WriteRequest; nothing was taken;
    /// - with limit_exceeded: as decompressed_bytes();
    /// - with the store's error otherwise: it couldn't keep the request, send it again later. What
    ///   it took nevertheless is known to it then.
    Result<WriteOutcome> write(std::string_view compressed);
    /// Closes groups that are idle (`idle_after`) and forgets their series. `now`: wall clock. To
    /// be called every minute or so.
    void close_idle(Timestamp now);
    [[nodiscard]] IntakeCounters counters() const;

private:
    class Work;
    std::unique_ptr<Work> work_;
};

}  // namespace inferscope::remote
