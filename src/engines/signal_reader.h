// SPDX-License-Identifier: Apache-2.0
// Which columns of a scraped page tell an engine's state, and what they say in one row.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engines/observation.h"
#include "mapping/mapping.h"
#include "telemetry/appender.h"

namespace inferscope::engines {

/// The signal columns of one group in one epoch. Thread: confined to the group's.
class SignalReader {
public:
    /// `columns` join behind those added before. The engine is told by the label `runtime` of their
    /// unified names; its signals by the mapping. Of one signal's spellings the first call's best
    /// one counts.
    void add(const mapping::Mapping& mapping, std::span<const Column> columns);
    void clear();
    [[nodiscard]] bool is_empty() const { return picks_.empty(); }
    /// Stale values and NaN count as absent.
    [[nodiscard]] Page read(std::span<const double> values) const;

private:
    enum class Role : std::uint8_t { running, waiting, kv_usage, progress, sleeping };
    struct Pick {
        std::uint32_t column;
        std::uint32_t lane;  ///< index in `lanes_`
        Role role;
    };
    void pick(Role role, std::span<const std::uint32_t> indexes, std::span<const Column> columns);
    std::uint32_t lane_of(const Labels& series);

    std::string runtime_;
    bool is_coarse_ = false;
    std::vector<Pick> picks_;
    std::array<std::string, 5> spelling_;  ///< by role: the metric name picked first
    std::vector<std::string> lanes_;
    std::uint32_t columns_ = 0;  ///< added so far
};

}  // namespace inferscope::engines
