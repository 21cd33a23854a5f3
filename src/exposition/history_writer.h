// SPDX-License-Identifier: Apache-2.0
// Stored samples as OpenMetrics text with a time on each line: metric after metric by name, series
// after series by label set, sample after sample by time. The order depends on the samples alone,
// so the same samples give the same bytes wherever they are stored.
//
// A family's HELP, TYPE and UNIT stand before its first metric. Metrics of a histogram needn't be
// neighbours, and all of a series stands together: OpenMetrics asks for the samples of one time
// instead, which no reader of histories needs (promtool tsdb create-blocks-from openmetrics).
#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/functional/function_ref.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "exposition/family_shape.h"
#include "telemetry/queryable.h"

namespace inferscope::exposition {

struct HistoryRequest {
    /// A series is written if all matchers of one of these hold; all series if there are none.
    std::vector<std::vector<Matcher>> selectors;
    Timestamp from = 0;  ///< inclusive
    Timestamp to = 0;    ///< inclusive
};

/// Confined to one thread.
class HistoryWriter {
public:
    using Sink = absl::FunctionRef<Result<void>(std::string_view)>;

    /// `stored` and `sink` outlive the writer. `sink` gets the text in pieces of some 64 KiB.
    HistoryWriter(const Queryable& stored, HistoryRequest request, Sink sink,
                  std::size_t most_at_once = kMostAtOnce);

    /// Writes all of it, `# EOF` included, but for stale markers, exemplars and series without a
    /// metric name. Holds the samples of one metric, or, if these are more than `most_at_once`, of
    /// one series. Fails as `sink` does.
    Result<void> write();

    [[nodiscard]] std::uint64_t samples() const { return samples_; }
    [[nodiscard]] std::uint64_t series() const { return series_; }
    /// What couldn't be read, and why.
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

private:
    static constexpr std::size_t kMostAtOnce = 2'000'000;
    using Matchers = std::vector<Matcher>;
    /// A family as OpenMetrics writes it.
    struct Named {
        std::string name;
        std::string_view type;
        FamilyPtr family;
    };

    void name_families();
    [[nodiscard]] std::vector<std::string> metrics() const;
    Result<void> write_metric(const std::string& metric);
    Result<void> write_one_by_one(const std::string& metric, std::span<const Matchers> asked);
    Result<void> write_all(std::span<Selection> selections);
    Result<void> write_series(const Labels& labels, std::span<const Sample> samples);
    void write_family(std::string_view metric);
    Result<void> pass_on();

    const Queryable& stored_;
    const HistoryRequest request_;
    Sink sink_;
    const std::size_t most_at_once_;
    std::map<std::string, Named, std::less<>> families_;  // by the name of a metric
    absl::flat_hash_set<std::string> written_families_;   // by their name in OpenMetrics
    std::string out_;
    std::uint64_t samples_ = 0;
    std::uint64_t series_ = 0;
    std::vector<std::string> warnings_;
};

}  // namespace inferscope::exposition
