// SPDX-License-Identifier: Apache-2.0
// For tests of the log: an Appender that writes each call down as a line, and a log in memory.
#pragma once

#include <fmt/format.h>

#include <bit>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "telemetry/appender.h"

namespace inferscope::tsdb {

/// Lines say everything but Row::changed, which is checked instead. Groups go by their source.
class CallRecorder final : public PieceAppender {
public:
    GroupId open_group(std::string_view source) override {
        groups_.push_back({std::string(source), 0, {}});
        lines.push_back(groups_.back().source + ": open");
        return static_cast<GroupId>(groups_.size() - 1);
    }
    void start_epoch(GroupId group) override {
        at(group).columns = 0;
        at(group).row.clear();
        line(group, "epoch");
    }
    void add_columns(GroupId group, std::span<const Column> columns) override {
        at(group).columns += columns.size();
        std::string text = "columns";
        for (const auto& column : columns) {
            text += ' ' + series(column.labels, column.family, column.shown_on);
            for (const auto& second : column.second_names)
                text += " = " + series(second.labels, second.family, second.shown_on);
        }
        line(group, text);
    }
    Result<void> append_row(GroupId group, const Row& row) override {
        auto& its = at(group);
        if (row.values.size() != its.columns) line(group, "a row of the wrong size");
        if (refuse_rows) return Error{Errc::limit_exceeded, "refused"};
        std::string text = fmt::format("row {}", row.time);
        its.row.resize(row.values.size());
        for (std::size_t i = 0; i < row.values.size(); ++i) {
            const auto bits = std::bit_cast<std::uint64_t>(row.values[i]);
            const bool told = row.changed.empty() || (row.changed[i / 64] >> (i % 64) & 1) != 0;
            if (!told && its.row[i] != bits) line(group, "a change that isn't told");
            its.row[i] = bits;
            text += fmt::format(" {:x}", bits);
        }
        line(group, text);
        return {};
    }
    void append_gap(GroupId group, Timestamp time) override {
        line(group, fmt::format("gap {}", time));
    }
    Result<void> append_timed(GroupId group, std::span<const TimedSample> samples) override {
        for (const auto& sample : samples) {
            line(group, fmt::format("timed {} {} {}", sample.time, sample.value,
                                    series(sample.labels, sample.family, sample.shown_on)));
        }
        return {};
    }
    void append_exemplars(GroupId group, std::span<const Exemplar> exemplars) override {
        for (const auto& exemplar : exemplars) {
            line(group, fmt::format("exemplar {} {} {} {}", exemplar.column,
                                    exemplar.labels.to_text(), exemplar.value, exemplar.time));
        }
    }
    void close_group(GroupId group, Timestamp time) override {
        line(group, fmt::format("close {}", time));
    }

    GroupId open_loose_group(std::string_view source) override {
        groups_.push_back({std::string(source), 0, {}});
        lines.push_back(groups_.back().source + ": open loose");
        return static_cast<GroupId>(groups_.size() - 1);
    }
    Result<VerdictCounts> append_cells(GroupId group, Timestamp time,
                                       std::span<const Cell> cells) override {
        std::string text = fmt::format("cells {}", time);
        for (const auto& cell : cells) {
            if (cell.column >= at(group).columns) line(group, "a cell of no column");
            text += fmt::format(" {}:{:x}", cell.column, std::bit_cast<std::uint64_t>(cell.value));
        }
        line(group, text);
        VerdictCounts counts;
        counts[Verdict::taken] = cells.size();
        return counts;
    }
    void add_families(std::span<const FamilyPtr> families) override {
        for (const auto& family : families) lines.push_back("family " + family->name);
    }
    void begin_batch() override {}
    Result<void> end_batch() override { return {}; }

    std::vector<std::string> lines;
    bool refuse_rows = false;

private:
    struct Group {
        std::string source;
        std::size_t columns = 0;
        std::vector<std::uint64_t> row;
    };
    Group& at(GroupId group) { return groups_.at(static_cast<std::size_t>(group)); }
    void line(GroupId group, std::string_view text) {
        lines.push_back(fmt::format("{}: {}", at(group).source, text));
    }
    static std::string series(const Labels& labels, const FamilyPtr& family, ShownOn shown_on) {
        auto text = labels.to_text() + (shown_on == ShownOn::raw ? " raw" : "");
        if (family) {
            text += fmt::format(" ({} {} {} {})", family->name, to_text_type(family->type),
                                family->help, family->unit);
        }
        return text;
    }
    std::vector<Group> groups_;
};

/// `count` columns of an engine, with a second name each; two families.
inline std::vector<Column> engine_columns(std::size_t count, std::string_view instance) {
    const auto counter = std::make_shared<const Family>(
        Family{"vllm:tokens_total", MetricType::counter, "Number of tokens.", "tokens"});
    const auto histogram = std::make_shared<const Family>(
        Family{"vllm:ttft_seconds", MetricType::histogram, "Time to first token.", "seconds"});
    std::vector<Column> columns(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto bound = std::to_string(i);
        const auto named = [&](std::string_view name) {
            return Labels::from({{kMetricName, name},
                                 {"le", bound},
                                 {"instance", instance},
                                 {"job", "vllm"},
                                 {"model_name", "meta-llama/Llama-3.1-8B-Instruct"}});
        };
        columns[i].labels = named("vllm:ttft_seconds_bucket");
        columns[i].family = i % 3 == 0 ? counter : histogram;
        columns[i].shown_on = ShownOn::raw;
        columns[i].second_names.push_back(
            {named("gpustack:ttft_seconds_bucket"), histogram, ShownOn::metrics});
    }
    return columns;
}

}  // namespace inferscope::tsdb
