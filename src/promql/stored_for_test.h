// SPDX-License-Identifier: Apache-2.0
// Stores for tests: one in memory has series as rows of a group, each alone, or in pieces.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "telemetry/queryable.h"

namespace inferscope::promql {

/// The language only reads samples: what else a store tells isn't there.
class SamplesOnly : public Queryable {
public:
    std::vector<Labels> series(std::span<const Matcher>, Timestamp, Timestamp) const override {
        return {};
    }
    std::vector<std::string> label_names(std::span<const Matcher>, Timestamp, Timestamp,
                                         std::size_t) const override {
        return {};
    }
    std::vector<std::string> label_values(std::string_view, std::span<const Matcher>, Timestamp,
                                          Timestamp, std::size_t) const override {
        return {};
    }
    std::vector<FamilyPtr> families(std::string_view, std::size_t) const override { return {}; }
    std::vector<StoredExemplar> exemplars(std::span<const Matcher>, Timestamp,
                                          Timestamp) const override {
        return {};
    }
};

class StoredForTest final : public SamplesOnly {
public:
    /// How series are handed out; the samples are the same.
    enum class Shape {
        alone,    ///< each has its own times
        grouped,  ///< all are columns of one group, with gaps where one has no sample
        pieces,   ///< each lies in two groups, one after the other, as in blocks and head
    };

    void set_shape(Shape shape) { shape_ = shape; }
    void add(const Labels& labels, Timestamp time, double value) { all_[labels][time] = value; }
    void clear() { all_.clear(); }

    Result<Selection> read(std::span<const Matcher> matchers, Timestamp from, Timestamp to,
                           std::size_t most_samples) const override {
        ++reads_;
        Series found;
        std::size_t samples = 0;
        for (const auto& [labels, values] : all_) {
            if (!matches(labels, matchers)) continue;
            auto& kept = found[labels];
            for (const auto& [time, value] : values) {
                if (time >= from && time <= to) kept.emplace(time, value);
            }
            samples += kept.size();
        }
        if (samples > most_samples) return too_many_samples(most_samples);
        Selection selection;
        if (shape_ == Shape::alone) {
            add_alone(found, from, to, selection);
        } else {
            const auto middle = from + (to - from) / 2;
            const bool is_whole = shape_ == Shape::grouped;
            add_group(found, from, is_whole ? to : middle, selection);
            if (!is_whole) add_group(found, middle + 1, to, selection);
        }
        return selection;
    }
    [[nodiscard]] std::size_t reads() const { return reads_; }

private:
    using Series = std::map<Labels, std::map<Timestamp, double>>;

    static bool matches(const Labels& labels, std::span<const Matcher> matchers) {
        return std::ranges::all_of(matchers, [&](const Matcher& matcher) {
            return matcher.matches(labels.get(matcher.name()));
        });
    }
    static void add_alone(const Series& found, Timestamp from, Timestamp to, Selection& selection) {
        for (const auto& [labels, values] : found) {
            std::vector<Sample> samples;
            for (const auto& [time, value] : values) samples.push_back({time, value});
            selection.series.push_back({labels, {{selection.rows.size(), 0, from, to}}});
            selection.rows.push_back(ColumnRows::of(samples));
        }
    }
    static void add_group(const Series& found, Timestamp from, Timestamp to, Selection& selection) {
        std::vector<Timestamp> times;
        for (const auto& [labels, values] : found) {
            for (const auto& [time, value] : values) {
                if (time >= from && time <= to) times.push_back(time);
            }
        }
        std::ranges::sort(times);
        times.erase(std::ranges::unique(times).begin(), times.end());
        const auto group = selection.rows.size();
        auto& rows = selection.rows.emplace_back(found.size(), times.size());
        rows.add_rows(times);
        std::size_t column = 0;
        for (const auto& [labels, values] : found) {
            fill(column, values, rows);
            if (group == 0) selection.series.push_back({labels, {}});
            selection.series[column].parts.push_back({group, column, from, to});
            ++column;
        }
    }
    static void fill(std::size_t column, const std::map<Timestamp, double>& values,
                     ColumnRows& rows) {
        const auto times = rows.times();
        const auto out = rows.last_values(column, times.size());
        for (std::size_t row = 0; row < times.size(); ++row) {
            const auto found = values.find(times[row]);
            out[row] = found == values.end() ? -7777 : found->second;
            if (found == values.end()) rows.leave_out(column, row);
        }
    }

    Shape shape_ = Shape::grouped;
    Series all_;
    mutable std::size_t reads_ = 0;
};

}  // namespace inferscope::promql
