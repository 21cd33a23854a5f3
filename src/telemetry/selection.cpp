// SPDX-License-Identifier: Apache-2.0
#include "telemetry/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/numbers.h"

namespace inferscope {
namespace {

std::vector<Sample> samples_of(const ColumnRows& rows, const SeriesPart& part) {
    const auto times = rows.times();
    const auto values = rows.values(part.column);
    const auto begin = std::ranges::lower_bound(times, part.from);
    const auto end = std::ranges::upper_bound(times, part.to);
    std::vector<Sample> samples;
    if (begin >= end) return samples;
    samples.reserve(static_cast<std::size_t>(end - begin));
    for (auto time = begin; time != end; ++time) {
        const auto row = static_cast<std::size_t>(time - times.begin());
        if (rows.has(part.column, row)) samples.push_back({*time, values[row]});
    }
    return samples;
}

}  // namespace

ColumnFacts facts_of(std::span<const double> values) {
    ColumnFacts facts{.is_plain = true, .never_falls = true};
    double last = -std::numeric_limits<double>::infinity();
    for (const double value : values) {
        facts.is_plain = facts.is_plain && !is_stale_marker(value);
        facts.never_falls = facts.never_falls && value >= last;
        last = value;
    }
    return facts;
}

ColumnRows::ColumnRows(std::size_t columns, std::size_t most_rows)
    : most_rows_(most_rows),
      values_(std::make_unique_for_overwrite<double[]>(columns * most_rows)),
      columns_(columns) {
    times_.reserve(most_rows);
}

ColumnRows ColumnRows::of(std::span<const Sample> samples) {
    ColumnRows rows(1, samples.size());
    for (std::size_t row = 0; row < samples.size(); ++row) {
        rows.times_.push_back(samples[row].time);
        rows.values_[row] = samples[row].value;
    }
    return rows;
}

void ColumnRows::leave_out(std::size_t column, std::size_t row) {
    auto& absent = columns_[column].absent;
    if (row >= absent.size()) absent.resize(row + 1);
    absent[row] = true;
}

void ColumnRows::know(std::size_t column, std::size_t rows, ColumnFacts facts) {
    auto& about = columns_[column];
    const auto before = times_.size() - rows;
    if (about.known_rows != before || rows == 0) return;
    about.known_rows = times_.size();
    if (before > 0) {
        const auto all = values(column);
        facts.is_plain = facts.is_plain && about.facts.is_plain;
        facts.never_falls =
            facts.never_falls && about.facts.never_falls && all[before - 1] <= all[before];
    }
    about.facts = facts;
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
