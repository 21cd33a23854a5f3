// SPDX-License-Identifier: Apache-2.0
// OpenMetrics text with a time on each sample -> an Appender: what HistoryWriter writes, and what
// others export.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "telemetry/appender.h"

namespace inferscope::exposition {

struct HistoryCounts {
    std::uint64_t series = 0;
    VerdictCounts samples;
};

/// Hands all samples of `text` to `into`, as series by themselves with their TYPE, HELP and UNIT;
/// exemplars are passed over, and their groups stay open: that a text ends says nothing of its
/// series. `between` is called now and then, outside of batches, and ends the reading if it fails.
/// Fails with line and column for what isn't OpenMetrics or has no time, with the line alone for
/// what `into` or `between` say. What came before has been appended: try it with a
/// DiscardingAppender first. Holds a table of all series.
Result<HistoryCounts, ParseError> read_history(std::string_view text, PieceAppender& into,
                                               absl::FunctionRef<Result<void>()> between);

}  // namespace inferscope::exposition
