// SPDX-License-Identifier: Apache-2.0
// The one door through which stored samples are read (PromQL, API, diagnosis, remote write out).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "telemetry/labels.h"
#include "telemetry/matcher.h"
#include "telemetry/metadata.h"
#include "telemetry/selection.h"

namespace inferscope {

struct StoredExemplar {
    Labels series;
    Labels labels;  ///< its own
    double value = 0;
    Timestamp time = 0;
};

/// Times are inclusive; all matchers of a call must hold. Thread: any.
class Queryable {
public:
    virtual ~Queryable() = default;

    /// Fails with limit_exceeded if it would have more than `most_samples`.
    [[nodiscard]] virtual Result<Selection> read(std::span<const Matcher> matchers, Timestamp from,
                                                 Timestamp to, std::size_t most_samples) const = 0;
    /// Series that may have samples then, sorted, each once.
    [[nodiscard]] virtual std::vector<Labels> series(std::span<const Matcher> matchers,
                                                     Timestamp from, Timestamp to) const = 0;
    /// Names and values that stand on such series, sorted; the first `limit` unless it is 0.
    [[nodiscard]] virtual std::vector<std::string> label_names(std::span<const Matcher> matchers,
                                                               Timestamp from, Timestamp to,
                                                               std::size_t limit = 0) const = 0;
    [[nodiscard]] virtual std::vector<std::string> label_values(std::string_view name,
                                                                std::span<const Matcher> matchers,
                                                                Timestamp from, Timestamp to,
                                                                std::size_t limit = 0) const = 0;
    /// TYPE, HELP and UNIT of `name`, or of all if it is empty; the first `limit` unless it is 0.
    [[nodiscard]] virtual std::vector<FamilyPtr> families(std::string_view name,
                                                          std::size_t limit) const = 0;
    /// By series, then time.
    [[nodiscard]] virtual std::vector<StoredExemplar> exemplars(std::span<const Matcher> matchers,
                                                                Timestamp from,
                                                                Timestamp to) const = 0;
};

}  // namespace inferscope
