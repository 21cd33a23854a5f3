// SPDX-License-Identifier: Apache-2.0
// One request's way into the store, behind its decoding: places, pieces, exemplars, metadata.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "remote/config.h"
#include "remote/metrics.h"
#include "remote/pieces.h"
#include "remote/placement.h"
#include "remote/refusals.h"
#include "remote/write_request.h"
#include "telemetry/appender.h"

namespace inferscope::remote {

/// Thread: confined to one at a time.
class Filling {
public:
    /// Both outlive it.
    Filling(PieceAppender& store, const WriteConfig& config)
        : store_(store), config_(config), placement_(store, config) {}

    /// Hands all of the request to the store, between begin_batch() and end_batch(). What is
    /// refused goes to `refusals`. Fails as Intake::write().
    Result<VerdictCounts> take(WriteRequest& request, Refusals& refusals);
    Placement& placement() { return placement_; }
    [[nodiscard]] const Placement& placement() const { return placement_; }
    [[nodiscard]] std::uint64_t exemplars() const { return exemplars_; }

private:
    void gather(const WriteRequest& request, Refusals& refusals);
    Result<void> append(const Pieces::Piece& piece, Refusals& refusals);
    void name_refused(const Pieces::Piece& piece, const VerdictCounts& verdicts,
                      Refusals& refusals);
    [[nodiscard]] Cell find_refused(const Pieces::Piece& piece, Verdict verdict,
                                    std::uint64_t refused);
    [[nodiscard]] std::string series_text(std::uint32_t group, std::uint32_t column) const;
    void append_exemplars();
    void add_families();

    PieceAppender& store_;
    const WriteConfig& config_;
    Placement placement_;
    Pieces pieces_;
    std::uint64_t exemplars_ = 0;

    // Of one request.
    const WriteRequest* request_ = nullptr;
    VerdictCounts verdicts_;
};

}  // namespace inferscope::remote
