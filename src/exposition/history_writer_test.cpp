// SPDX-License-Identifier: Apache-2.0
#include "exposition/history_writer.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/numbers.h"
#include "exposition/text_writer.h"

namespace inferscope::exposition {
namespace {

/// Series in memory. `most`: what one read() holds.
class FakeStore final : public Queryable {
public:
    std::map<Labels, std::vector<Sample>> all;
    std::vector<FamilyPtr> known;

    [[nodiscard]] Result<Selection> read(std::span<const Matcher> matchers, Timestamp from,
                                         Timestamp to, std::size_t most) const override {
        Selection selection;
        for (const auto& labels : series(matchers, from, to)) {
            auto samples = all.at(labels);
            keep_between(samples, from, to);
            if (samples.size() > most) return too_many_samples(most);
            most -= samples.size();
            selection.series.push_back({labels, {{selection.rows.size(), 0, from, to}}});
            selection.rows.push_back(ColumnRows::of(samples));
        }
        return selection;
    }
    [[nodiscard]] std::vector<Labels> series(std::span<const Matcher> matchers, Timestamp,
                                             Timestamp) const override {
        std::vector<Labels> found;
        for (const auto& [labels, samples] : all) {
            if (std::ranges::all_of(matchers, [&](const Matcher& matcher) {
                    return matcher.matches(labels.get(matcher.name()));
                }))
                found.push_back(labels);
        }
        return found;
    }
    [[nodiscard]] std::vector<std::string> label_names(std::span<const Matcher> matchers,
                                                       Timestamp from, Timestamp to,
                                                       std::size_t) const override {
        std::set<std::string> names;
        for (const auto& labels : series(matchers, from, to))
            for (const auto& label : labels) names.emplace(label.name);
        return {names.begin(), names.end()};
    }
    [[nodiscard]] std::vector<std::string> label_values(std::string_view name,
                                                        std::span<const Matcher> matchers,
                                                        Timestamp from, Timestamp to,
                                                        std::size_t) const override {
        std::set<std::string> values;
        for (const auto& labels : series(matchers, from, to))
            if (labels.has(name)) values.emplace(labels.get(name));
        return {values.begin(), values.end()};
    }
    [[nodiscard]] std::vector<FamilyPtr> families(std::string_view, std::size_t) const override {
        return known;
    }
    [[nodiscard]] std::vector<StoredExemplar> exemplars(std::span<const Matcher>, Timestamp,
                                                        Timestamp) const override {
        return {};
    }

    void add(std::initializer_list<Label> labels, std::vector<Sample> samples) {
        all[Labels::from(labels)] = std::move(samples);
    }
    void know(const char* name, MetricType type, const char* help = "", const char* unit = "") {
        known.push_back(std::make_shared<const Family>(Family{name, type, help, unit}));
    }
};

std::string written(const FakeStore& store, HistoryRequest request = {},
                    std::size_t most_at_once = 1000) {
    std::string text;
    const auto sink = [&](std::string_view piece) -> Result<void> {
        text += piece;
        return {};
    };
    request.to = std::numeric_limits<Timestamp>::max();
    EXPECT_TRUE(HistoryWriter(store, std::move(request), sink, most_at_once).write());
    return text;
}

TEST(HistoryWriter, WritesMetricsByNameAndSeriesByLabels) {
    FakeStore store;
    store.add({{kMetricName, "b"}}, {{1500, 1}, {3000, 2.5}});
    store.add({{kMetricName, "a"}, {"x", "2"}}, {{1000, 3}});
    store.add({{kMetricName, "a"}, {"x", "1"}}, {{2000, 4}});
    store.add({{"nameless", "1"}}, {{2000, 4}});
    EXPECT_EQ(written(store),
              "a{x=\"1\"} 4 2.000\na{x=\"2\"} 3 1.000\nb 1 1.500\nb 2.5 3.000\n# EOF\n");
}

TEST(HistoryWriter, NamesFamiliesAsOpenMetricsDoes) {
    FakeStore store;
    store.add({{kMetricName, "c_total"}}, {{0, 1}});
    store.add({{kMetricName, "h_seconds_count"}}, {{0, 1}});
    store.add({{kMetricName, "h_seconds_other"}}, {{0, 1}});
    store.add({{kMetricName, "h_seconds_sum"}}, {{0, 1}});
    store.add({{kMetricName, "odd"}}, {{0, 1}});
    store.know("c_total", MetricType::counter, "Two\nlines.");
    store.know("h_seconds", MetricType::histogram, "", "seconds");
    store.know("odd", MetricType::counter);  // without _total it is none
    store.know("absent", MetricType::gauge);
    EXPECT_EQ(written(store),
              "# HELP c Two\\nlines.\n# TYPE c counter\nc_total 1 0.000\n"
              "# TYPE h_seconds histogram\n# UNIT h_seconds seconds\nh_seconds_count 1 0.000\n"
              "h_seconds_other 1 0.000\nh_seconds_sum 1 0.000\nodd 1 0.000\n# EOF\n");
}

TEST(HistoryWriter, OfTwoFamiliesWithOneNameTheFirstIsNamed) {
    FakeStore store;
    store.add({{kMetricName, "x"}}, {{0, 1}});
    store.add({{kMetricName, "x_total"}}, {{0, 1}});
    store.know("x", MetricType::gauge);
    store.know("x_total", MetricType::counter);
    EXPECT_EQ(written(store), "# TYPE x gauge\nx 1 0.000\nx_total 1 0.000\n# EOF\n");
}

TEST(HistoryWriter, LeavesStaleMarkersOut) {
    FakeStore store;
    store.add({{kMetricName, "a"}}, {{0, 1}, {1000, kStaleMarker}});
    store.add({{kMetricName, "gone"}}, {{0, kStaleMarker}});
    store.know("gone", MetricType::gauge);
    EXPECT_EQ(written(store), "a 1 0.000\n# EOF\n");
}

TEST(HistoryWriter, WritesTheSameSeriesAfterSeries) {
    FakeStore store;
    for (const auto* value : {"1", "2", "3"})
        store.add({{kMetricName, "a"}, {"x", value}}, {{1000, 1}, {2000, 2}});
    store.add({{kMetricName, "a"}}, {{1000, 1}, {2000, 2}, {3000, 2}});
    EXPECT_EQ(written(store, {}, 2), written(store));
}

TEST(HistoryWriter, WritesASeriesOfTwoSelectorsOnce) {
    FakeStore store;
    store.add({{kMetricName, "a"}, {"x", "1"}}, {{0, 1}});
    store.add({{kMetricName, "a"}, {"x", "2"}}, {{0, 2}});
    store.add({{kMetricName, "b"}, {"x", "3"}}, {{0, 3}});
    const HistoryRequest request{
        .selectors = {{Matcher::equal("x", "1")}, {Matcher::equal(std::string(kMetricName), "a")}}};
    EXPECT_EQ(written(store, request), "a{x=\"1\"} 1 0.000\na{x=\"2\"} 2 0.000\n# EOF\n");
    EXPECT_EQ(written(store, request, 1), written(store, request));
}

TEST(AppendTime, KeepsTheMillisecondWhereReadersTruncate) {
    for (Timestamp time = 1'700'000'000'000; time < 1'700'000'010'000; ++time) {
        std::string page = "a 1";
        append_time(page, time, Format::openmetrics);
        page += "\n# EOF\n";
        LineReader reader(page, Format::openmetrics);
        const auto line = reader.next();
        ASSERT_TRUE(line && *line);
        ASSERT_EQ((*line)->time, time) << page;
    }
}

}  // namespace
}  // namespace inferscope::exposition
