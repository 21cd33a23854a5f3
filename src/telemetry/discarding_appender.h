// SPDX-License-Identifier: Apache-2.0
// An Appender that takes everything and keeps nothing: to check what could be appended.
#pragma once

#include <cstdint>

#include "telemetry/appender.h"

namespace inferscope {

/// Thread: confined to one.
class DiscardingAppender final : public PieceAppender {
public:
    GroupId open_group(std::string_view /*source*/) override { return GroupId{groups_++}; }
    void start_epoch(GroupId /*group*/) override {}
    void add_columns(GroupId /*group*/, std::span<const Column> /*columns*/) override {}
    Result<void> append_row(GroupId /*group*/, const Row& /*row*/) override { return {}; }
    void append_gap(GroupId /*group*/, Timestamp /*time*/) override {}
    Result<void> append_timed(GroupId /*group*/,
                              std::span<const TimedSample> /*samples*/) override {
        return {};
    }
    void append_exemplars(GroupId /*group*/, std::span<const Exemplar> /*exemplars*/) override {}
    void close_group(GroupId /*group*/, Timestamp /*time*/) override {}

    GroupId open_loose_group(std::string_view source) override { return open_group(source); }
    Result<VerdictCounts> append_cells(GroupId /*group*/, Timestamp /*time*/,
                                       std::span<const Cell> cells) override {
        VerdictCounts verdicts;
        verdicts[Verdict::taken] = cells.size();
        return verdicts;
    }
    void add_families(std::span<const FamilyPtr> /*families*/) override {}
    void begin_batch() override {}
    Result<void> end_batch() override { return {}; }

private:
    std::uint32_t groups_ = 0;
};

}  // namespace inferscope
