// SPDX-License-Identifier: Apache-2.0
// A store for rows in pieces that writes down what it is given, checks the contract of
// PieceAppender, and judges samples as a store does: by each series' last one, with a window of ten
// minutes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "telemetry/appender.h"

namespace inferscope::doubles {

class PieceRecorder final : public PieceAppender {
public:
    struct Group {
        std::string source;
        bool is_loose = false;
        std::optional<Timestamp> closed;
        std::vector<Column> columns;
        std::vector<std::pair<Timestamp, std::vector<Cell>>> pieces;
        std::vector<Exemplar> exemplars;
    };
    using SamplesOfSeries = std::map<std::string, std::map<Timestamp, double>>;
    static constexpr Timestamp kWindow = 10 * 60 * 1000;

    GroupId open_group(std::string_view source) override { return open(source, false); }
    GroupId open_loose_group(std::string_view source) override { return open(source, true); }
    void start_epoch(GroupId /*group*/) override { stop("cells have no epochs"); }
    void add_columns(GroupId id, std::span<const Column> columns) override {
        auto& group = at(id);
        group.columns.insert(group.columns.end(), columns.begin(), columns.end());
    }
    Result<void> append_row(GroupId /*group*/, const Row& /*row*/) override { stop("no rows"); }
    void append_gap(GroupId /*group*/, Timestamp /*time*/) override { stop("no gaps"); }
    Result<void> append_timed(GroupId /*group*/,
                              std::span<const TimedSample> /*samples*/) override {
        stop("no samples by themselves");
    }
    void append_exemplars(GroupId id, std::span<const Exemplar> exemplars) override {
        auto& group = at(id);
        group.exemplars.insert(group.exemplars.end(), exemplars.begin(), exemplars.end());
    }
    void close_group(GroupId id, Timestamp time) override { at(id).closed = time; }

    Result<VerdictCounts> append_cells(GroupId id, Timestamp time,
                                       std::span<const Cell> cells) override {
        CHECK(depth > 0, "cells come in batches");
        if (refuse_cells) return *refuse_cells;
        auto& group = at(id);
        group.pieces.emplace_back(time, std::vector(cells.begin(), cells.end()));
        VerdictCounts verdicts;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            CHECK(i == 0 || cells[i - 1].column < cells[i].column, "columns rise");
            CHECK(cells[i].column < group.columns.size(), "columns are announced");
            ++verdicts[judge(group.columns[cells[i].column].labels, time, cells[i].value)];
        }
        return verdicts;
    }
    void add_families(std::span<const FamilyPtr> more) override {
        families.insert(families.end(), more.begin(), more.end());
    }
    void begin_batch() override { ++depth; }
    Result<void> end_batch() override {
        --depth;
        ++batches;
        if (refuse_batch) return *refuse_batch;
        return {};
    }

    std::vector<Group> groups;
    SamplesOfSeries samples;  ///< what was taken
    std::vector<FamilyPtr> families;
    int batches = 0;
    int depth = 0;  ///< of batches that are open
    Timestamp oldest = 0;
    std::optional<Error> refuse_cells, refuse_batch;

private:
    [[noreturn]] static void stop(std::string_view what) {
        stop_with_bug(__FILE__, __LINE__, what);
    }

    GroupId open(std::string_view source, bool is_loose) {
        groups.push_back({std::string(source), is_loose, {}, {}, {}, {}});
        return static_cast<GroupId>(groups.size() - 1);
    }
    Group& at(GroupId id) {
        auto& group = groups.at(static_cast<std::size_t>(id));
        CHECK(!group.closed, "a closed group isn't used again");
        return group;
    }
    Verdict judge(const Labels& labels, Timestamp time, double value) {
        auto& series = samples[labels.to_text()];
        if (time < oldest) return Verdict::out_of_bounds;
        const auto known = series.find(time);
        if (known != series.end())
            return same_bits(known->second, value) ? Verdict::known : Verdict::duplicate;
        if (!series.empty() && time < series.rbegin()->first - kWindow)
            return Verdict::out_of_order;
        series.emplace(time, value);
        return Verdict::taken;
    }
};

}  // namespace inferscope::doubles
