// SPDX-License-Identifier: Apache-2.0
#include "engines/signal_reader.h"

#include <algorithm>
#include <cmath>

#include "mapping/target_mapping.h"

namespace inferscope::engines {
namespace {

std::string runtime_of(std::span<const Column> columns) {
    for (const auto& column : columns) {
        for (const auto& second : column.second_names) {
            if (second.labels.has("runtime")) return std::string(second.labels.get("runtime"));
        }
    }
    return {};
}

void add_to(std::optional<double>& sum, double value) { sum = sum.value_or(0) + value; }

}  // namespace

void SignalReader::add(const mapping::Mapping& mapping, std::span<const Column> columns) {
    const std::uint32_t first = columns_;
    columns_ += static_cast<std::uint32_t>(columns.size());
    if (auto runtime = runtime_of(columns); !runtime.empty()) runtime_ = std::move(runtime);
    if (runtime_.empty()) return;
    is_coarse_ = mapping.signals(runtime_).progress_at_end;
    // The mapping finds signals whatever their spelling and prefix, on the way to finding names.
    mapping::TargetMapping finder({&mapping, [](const mapping::Mapping*) {}},
                                  mapping.identity(runtime_, ""), {});
    std::vector<Column> named;
    for (const auto& column : columns)
        named.push_back({column.labels, column.family, column.shown_on, {}});
    finder.name_columns(named);
    finder.derive_columns(0, named);
    const auto& found = finder.signal_columns();
    const std::size_t before = picks_.size();
    pick(Role::running, found.running, columns);
    pick(Role::waiting, found.waiting, columns);
    pick(Role::kv_usage, found.kv_usage, columns);
    pick(Role::progress, found.progress, columns);
    pick(Role::sleeping, found.sleeping, columns);
    for (std::size_t i = before; i < picks_.size(); ++i) picks_[i].column += first;
}

void SignalReader::pick(Role role, std::span<const std::uint32_t> indexes,
                        std::span<const Column> columns) {
    auto& spelling = spelling_[static_cast<std::size_t>(role)];
    for (const auto index : indexes) {
        if (index >= columns.size()) continue;  // a derived column: none of the page's
        const Labels& series = columns[index].labels;
        if (spelling.empty()) spelling = series.metric_name();
        const bool counts =
            role == Role::progress || role == Role::sleeping || spelling == series.metric_name();
        if (counts) picks_.push_back({index, lane_of(series), role});
    }
}

void SignalReader::clear() { *this = SignalReader(); }

// vLLM and LMDeploy number their engines with `engine`, SGLang with `dp_rank`. Other ranks (tensor,
// pipeline) work in step: one lane.
std::uint32_t SignalReader::lane_of(const Labels& series) {
    const auto engine = series.get("engine");
    const std::string name(engine.empty() ? series.get("dp_rank") : engine);
    const auto known = std::ranges::find(lanes_, name);
    if (known != lanes_.end()) return static_cast<std::uint32_t>(known - lanes_.begin());
    lanes_.push_back(name);
    return static_cast<std::uint32_t>(lanes_.size() - 1);
}

Page SignalReader::read(std::span<const double> values) const {
    Page page;
    std::vector<Lane> lanes(lanes_.size());
    for (const auto& pick : picks_) {
        const double value = values[pick.column];
        if (std::isnan(value)) continue;  // also the stale marker
        auto& lane = lanes[pick.lane];
        switch (pick.role) {
            case Role::running:
                add_to(lane.running, value);
                break;
            case Role::waiting:
                add_to(lane.waiting, value);
                break;
            case Role::kv_usage:
                add_to(lane.kv_usage, value);
                break;
            case Role::progress:
                add_to(lane.progress, value);
                break;
            case Role::sleeping:
                page.is_asleep = page.is_asleep || value > 0;
                break;
        }
    }
    for (std::size_t i = 0; i < lanes.size(); ++i) {
        auto& lane = lanes[i];
        lane.name = lanes_[i];
        lane.is_coarse = is_coarse_;
        if (lane.shows_work() || lane.progress || lane.kv_usage)
            page.lanes.push_back(std::move(lane));
    }
    return page;
}

}  // namespace inferscope::engines
