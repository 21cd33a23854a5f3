// SPDX-License-Identifier: Apache-2.0
// For tests of blocks: random groups, and a model that keeps each series as a map.
#pragma once

#include <bit>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/memory_files.h"
#include "base/numbers.h"
#include "tsdb/block_selection.h"
#include "tsdb/block_set.h"
#include "tsdb/block_writer.h"

namespace inferscope::tsdb {

/// Rows as a caller of BlockWriter has them.
struct TestGroup {
    std::vector<Timestamp> times;
    std::vector<ColumnName> names;                            // by column
    std::vector<std::vector<std::optional<double>>> columns;  // by column, then row

    void write(BlockWriter& writer) const {
        const auto added =
            writer.add_rows(times, names,
                            [&](std::size_t column, std::size_t first_row, std::span<double> values,
                                std::span<std::uint64_t> present) {
                                for (std::size_t i = 0; i < values.size(); ++i) {
                                    const auto& value = columns[column][first_row + i];
                                    values[i] = value.value_or(-7);
                                    if (value) present[i / 64] |= std::uint64_t{1} << i % 64;
                                }
                            });
        static_cast<void>(added);  // finish() tells
    }
};

/// What the blocks of a set must answer: of two samples at one time that holds which came first.
class BlockModel {
public:
    using Samples = std::map<Timestamp, std::uint64_t>;  // bits of the value
    using Series = std::map<Labels, Samples>;

    void add(const TestGroup& group) {
        for (const auto& name : group.names) {
            for (std::size_t row = 0; row < group.times.size(); ++row) {
                const auto& value = group.columns[name.column][row];
                if (value && name.window.contains(group.times[row])) {
                    series[name.labels].emplace(group.times[row],
                                                std::bit_cast<std::uint64_t>(*value));
                }
            }
        }
    }
    void erase(std::span<const Matcher> matchers, const TimeRange& times) {
        for (auto& [labels, samples] : series) {
            if (!matches(labels, matchers)) continue;
            samples.erase(samples.lower_bound(times.from), samples.upper_bound(times.to));
        }
    }
    [[nodiscard]] Series select(std::span<const Matcher> matchers, const TimeRange& times) const {
        Series found;
        for (const auto& [labels, samples] : series) {
            if (!matches(labels, matchers)) continue;
            const auto begin = samples.lower_bound(times.from);
            const auto end = samples.upper_bound(times.to);
            if (begin != end) found[labels] = Samples(begin, end);
        }
        return found;
    }
    static bool matches(const Labels& labels, std::span<const Matcher> matchers) {
        return std::ranges::all_of(matchers, [&](const Matcher& matcher) {
            return matcher.matches(labels.get(matcher.name()));
        });
    }

    Series series;
};

/// What blocks answer, in the model's form.
class BlockAnswers {
public:
    explicit BlockAnswers(std::span<const Matcher> matchers = {}, TimeRange times = {})
        : matchers_(matchers), times_(times) {}

    void add(const Block& block) { add(*block.read(matchers_, times_.from, times_.to, SIZE_MAX)); }
    void add(const Blocks& blocks) {
        const auto list = blocks.list();
        BlockSelection together(times_, SIZE_MAX);
        for (const auto& block : *list) together.add(*block, matchers_);
        add(*together.read());
    }

    BlockModel::Series series;
    std::vector<std::string> warnings;

private:
    void add(const Selection& selection) {
        for (const auto& one : selection.series) {
            for (const auto& sample : selection.samples(one)) {
                CHECK(times_.contains(sample.time), "nothing that wasn't asked for");
                series[one.labels].emplace(sample.time, std::bit_cast<std::uint64_t>(sample.value));
            }
        }
        warnings.insert(warnings.end(), selection.warnings.begin(), selection.warnings.end());
    }

    std::span<const Matcher> matchers_;
    TimeRange times_;
};

/// Groups of few series, so that these meet in many groups and blocks.
class RandomGroups {
public:
    explicit RandomGroups(std::uint64_t seed) : random_(seed) {}

    [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

    static Labels labels(std::uint64_t number) {
        return Labels::from({{kMetricName, number % 3 == 0 ? "up" : "vllm:tokens_total"},
                             {"instance", "gpu" + std::to_string(number / 7)},
                             {"le", std::to_string(number % 7)}});
    }

    /// Up to `most_rows` rows from `start` on, not behind `end`.
    TestGroup make(Timestamp start, Timestamp end, std::size_t most_rows,
                   std::size_t most_columns) {
        TestGroup group;
        group.times = times(start, end, most_rows);
        const auto columns = 1 + below(most_columns);
        for (std::size_t column = 0; column < columns; ++column) {
            add_values(group);
            add_names(group);
        }
        return group;
    }

    /// Later rows of a group, mostly of the same series: sometimes a column is new, a name gone, a
    /// window narrower.
    TestGroup continued(const TestGroup& before, Timestamp start, Timestamp end,
                        std::size_t most_rows) {
        TestGroup group;
        group.times = times(start, end, most_rows);
        group.names = before.names;
        for (auto& name : group.names)
            name.window = below(30) == 0 ? window(group.times) : TimeRange{};
        if (below(10) == 0 && group.names.size() > 1)
            group.names.erase(group.names.begin() +
                              static_cast<std::ptrdiff_t>(below(group.names.size())));
        for (std::size_t i = 0; i < before.columns.size(); ++i) add_values(group);
        if (below(6) != 0) return group;
        add_values(group);
        add_names(group);
        return group;
    }

    double value() {
        static const double kOdd[] = {0.0,
                                      -0.0,
                                      kStaleMarker,
                                      kNormalNaN,
                                      std::bit_cast<double>(0xfff8dead0000beefULL),
                                      std::numeric_limits<double>::infinity(),
                                      -std::numeric_limits<double>::infinity(),
                                      std::numeric_limits<double>::denorm_min(),
                                      std::numeric_limits<double>::max(),
                                      9007199254740993.0};
        switch (below(4)) {
            case 0:
                return kOdd[below(std::size(kOdd))];
            case 1:
                return static_cast<double>(below(1000)) / 100;
            case 2:
                return std::bit_cast<double>(random_());
            default:
                return static_cast<double>(below(50));
        }
    }

private:
    std::vector<Timestamp> times(Timestamp start, Timestamp end, std::size_t most) {
        const auto rows = 1 + below(most);
        const auto step =
            std::max<std::uint64_t>(1, static_cast<std::uint64_t>(end - start) / rows);
        std::vector<Timestamp> times;
        for (Timestamp time = start; times.size() < rows && time <= end;
             time += 1 + static_cast<Timestamp>(below(step)))
            times.push_back(time);
        return times;
    }
    void add_values(TestGroup& group) {
        const auto kind = below(4);  // all, some, few or no samples
        auto& values = group.columns.emplace_back(group.times.size());
        for (auto& one : values)
            if (kind == 0 || (kind < 3 && below(kind == 1 ? 2 : 20) == 0)) one = value();
    }
    /// Of the last column.
    void add_names(TestGroup& group) {
        const auto names = below(8) == 0 ? 0 : 1 + below(2);
        for (std::uint64_t i = 0; i < names; ++i) {
            const auto is_windowed = below(4) == 0;
            group.names.push_back({group.columns.size() - 1, labels(below(30)),
                                   is_windowed ? window(group.times) : TimeRange{}});
        }
    }
    TimeRange window(std::span<const Timestamp> times) {
        const auto a = times[below(times.size())];
        const auto b = times[below(times.size())];
        return {std::min(a, b), std::max(a, b)};
    }

    std::mt19937_64 random_;
};

}  // namespace inferscope::tsdb
