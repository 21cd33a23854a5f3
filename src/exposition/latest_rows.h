// SPDX-License-Identifier: Apache-2.0
// The newest row of every group, and the pages made from them: what /metrics shows. The store keeps
// the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/guarded.h"
#include "exposition/parser.h"
#include "telemetry/appender.h"

namespace inferscope::exposition {

/// A label set is published once over all groups and both pages: the first that announces it owns
/// it, until its epoch or group ends. Whoever announced it meanwhile isn't published before it
/// announces it again.
///
/// Names outside of the legacy alphabet are written with `_` for what isn't in it, as Prometheus
/// asks for with `escaping=underscores`: readers of 0.0.4 would refuse the whole page otherwise.
/// Samples with times of their own are shown on the raw page until two rows of their group have
/// passed without them. Exemplars are not kept.
///
/// Thread: any; rendering copies the values under the lock, and writes without it.
class LatestRows final : public Appender {
public:
    LatestRows();
    ~LatestRows() override;

    GroupId open_group(std::string_view source) override;
    void start_epoch(GroupId group) override;
    void add_columns(GroupId group, std::span<const Column> columns) override;
    Result<void> append_row(GroupId group, const Row& row) override;
    void append_gap(GroupId group, Timestamp time) override;
    Result<void> append_timed(GroupId group, std::span<const TimedSample> samples) override;
    void append_exemplars(GroupId group, std::span<const Exemplar> exemplars) override;
    void close_group(GroupId group, Timestamp time) override;

    /// Appends the page to `out`: each family once, sorted by name, without stale series and groups
    /// in a gap. OpenMetrics: with `# EOF`. About 0.1 us for each series; more after series have
    /// come or gone.
    void render(ShownOn page, Format format, std::string& out) const;

    [[nodiscard]] std::uint64_t samples_appended() const;  ///< stale markers not counted
    [[nodiscard]] std::uint64_t duplicates() const;        ///< label sets not published, ever
    [[nodiscard]] std::size_t series() const;  ///< label sets published now, second names included
    [[nodiscard]] std::size_t groups() const;  ///< open now

private:
    struct State;
    std::unique_ptr<Guarded<State>> state_;
};

}  // namespace inferscope::exposition
