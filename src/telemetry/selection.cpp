// SPDX-License-Identifier: Apache-2.0
#include "telemetry/selection.h"

#include <fmt/format.h>

#include <algorithm>

namespace inferscope {
namespace {

std::vector<Sample> samples_of(const ColumnRows& rows, const SeriesPart& part) {
    const auto& column = rows.columns[part.column];
    const auto begin = std::ranges::lower_bound(rows.times, part.from);
    const auto end = std::ranges::upper_bound(rows.times, part.to);
    std::vector<Sample> samples;
    if (begin >= end) return samples;
    samples.reserve(static_cast<std::size_t>(end - begin));
    for (auto time = begin; time != end; ++time) {
        const auto row = static_cast<std::size_t>(time - rows.times.begin());
        if (column.present.empty() || column.present[row] != 0)
            samples.push_back({*time, column.values[row]});
    }
    return samples;
}

}  // namespace

ColumnRows ColumnRows::of(std::span<const Sample> samples) {
    ColumnRows rows;
    rows.times.reserve(samples.size());
    auto& column = rows.columns.emplace_back();
    column.values.reserve(samples.size());
    for (const auto& sample : samples) {
        rows.times.push_back(sample.time);
        column.values.push_back(sample.value);
    }
    return rows;
}

std::vector<Sample> Selection::samples(const SelectedSeries& one) const {
    std::vector<Sample> samples;
    for (const auto& part : one.parts) merge_by_time(samples, samples_of(rows[part.rows], part));
    return samples;
}

Error too_many_samples(std::size_t most_samples) {
    return {Errc::limit_exceeded,
            fmt::format("query processing would load too many samples into memory: the bound is "
                        "{} (--query.max-samples)",
                        most_samples)};
}

}  // namespace inferscope
