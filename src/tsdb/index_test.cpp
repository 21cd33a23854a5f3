// SPDX-License-Identifier: Apache-2.0
// Selections: what both indexes answer, against each other and against trying every series.
#include "tsdb/index.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <random>
#include <set>

#include "tsdb/index_block.h"
#include "tsdb/index_head.h"
#include "tsdb/index_writer.h"

namespace inferscope::tsdb {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

/// The same series in both indexes.
class BothIndexes {
public:
    explicit BothIndexes(std::vector<Labels> series) : series_(std::move(series)) {
        IndexWriter writer;
        for (std::uint64_t i = 0; i < series_.size(); ++i) {
            head_.get_or_add(series_[i]);
            writer.add(series_[i], std::vector{ColumnPlace{i / 10, i % 10}});
        }
        auto bytes = writer.finish();
        EXPECT_TRUE(bytes);
        bytes_ = std::move(*bytes);
        auto block = BlockIndex::open(bytes_);
        EXPECT_TRUE(block) << block.error().text;
        block_ = std::make_unique<BlockIndex>(std::move(*block));
    }

    [[nodiscard]] std::vector<const Index*> all() const { return {&head_, block_.get()}; }
    [[nodiscard]] const std::vector<Labels>& series() const { return series_; }

private:
    std::vector<Labels> series_;
    HeadIndex head_;
    std::string bytes_;
    std::unique_ptr<BlockIndex> block_;
};

bool all_match(std::span<const Matcher> matchers, const Labels& labels) {
    return std::ranges::all_of(matchers, [&](const Matcher& matcher) {
        return matcher.matches(labels.get(matcher.name()));
    });
}

std::set<std::string> texts(const Index& index, const Ids& ids) {
    EXPECT_EQ(std::ranges::adjacent_find(ids, std::greater_equal<>()), ids.end());
    std::set<std::string> texts;
    for (const auto id : ids) texts.insert(index.labels(id).to_text());
    return texts;
}

Matcher matcher(std::string_view name, std::string_view op, std::string_view value) {
    for (const auto known :
         {MatchOp::equal, MatchOp::not_equal, MatchOp::regex, MatchOp::not_regex}) {
        if (to_string(known) != op) continue;
        auto made = Matcher::make(std::string(name), known, std::string(value));
        EXPECT_TRUE(made);
        return std::move(made).value();
    }
    ADD_FAILURE() << op;
    return Matcher::equal("", "");
}

/// The series and the cases that Prometheus's querier must answer about labels that are absent.
TEST(Index, TakesAbsentLabelsAsEmpty) {
    const BothIndexes both({Labels::from({{"n", "1"}}), Labels::from({{"n", "1"}, {"i", "a"}}),
                            Labels::from({{"n", "1"}, {"i", "b"}}),
                            Labels::from({{"n", "1"}, {"i", "\n"}}), Labels::from({{"n", "2"}}),
                            Labels::from({{"n", "2.5"}})});
    const std::string n1 = R"({n="1"})";
    const std::string a = R"({i="a",n="1"})";
    const std::string b = R"({i="b",n="1"})";
    const std::string newline = R"({i="\n",n="1"})";
    const std::string n2 = R"({n="2"})";
    const std::string n25 = R"({n="2.5"})";
    struct Case {
        std::vector<Matcher> matchers;
        std::set<std::string> expected;
    };
    const std::set<std::string> every{n1, a, b, newline, n2, n25};
    const std::vector<Case> cases{
        {{}, every},
        {{matcher("n", "=", "1")}, {n1, a, b, newline}},
        {{matcher("n", "=", "1"), matcher("i", "=", "a")}, {a}},
        {{matcher("n", "=", "1"), matcher("i", "=", "missing")}, {}},
        {{matcher("missing", "=", "")}, every},
        {{matcher("missing", "=", "x")}, {}},
        {{matcher("missing", "!=", "")}, {}},
        {{matcher("missing", "=~", ".+")}, {}},
        {{matcher("missing", "=~", ".*")}, every},
        {{matcher("n", "!=", "1")}, {n2, n25}},
        {{matcher("i", "!=", "")}, {a, b, newline}},
        {{matcher("n", "=", "1"), matcher("i", "!=", "a")}, {n1, b, newline}},
        {{matcher("n", "=", "1"), matcher("i", "!=", "")}, {a, b, newline}},
        {{matcher("n", "=", "1"), matcher("i", "=", "")}, {n1}},
        {{matcher("i", "=", "")}, {n1, n2, n25}},
        {{matcher("n", "=~", "^1$")}, {n1, a, b, newline}},
        {{matcher("n", "=", "1"), matcher("i", "=~", "^a$")}, {a}},
        {{matcher("n", "=", "1"), matcher("i", "=~", "^a?$")}, {n1, a}},
        {{matcher("i", "=~", "^$")}, {n1, n2, n25}},
        {{matcher("n", "=", "1"), matcher("i", "=~", "^.*$")}, {n1, a, b, newline}},
        {{matcher("n", "=", "1"), matcher("i", "=~", "^.+$")}, {a, b, newline}},
        {{matcher("n", "!~", "^1$")}, {n2, n25}},
        {{matcher("n", "!~", "1|2")}, {n25}},
        {{matcher("n", "!~", "1|2.5")}, {n2}},
        {{matcher("n", "!~", "(1|2.5)")}, {n2}},
        {{matcher("n", "=", "1"), matcher("i", "!~", "^a$")}, {n1, b, newline}},
        {{matcher("n", "=", "1"), matcher("i", "!~", "^a?$")}, {b, newline}},
        {{matcher("n", "=", "1"), matcher("i", "!~", "^$")}, {a, b, newline}},
        {{matcher("n", "=", "1"), matcher("i", "!~", "^.*$")}, {}},
        {{matcher("n", "=", "1"), matcher("i", "!~", "^.+$")}, {n1}},
        {{matcher("n", "=", "1"), matcher("i", "!=", ""), matcher("i", "=", "a")}, {a}},
        {{matcher("n", "=", "1"), matcher("i", "!=", "b"), matcher("i", "=~", "^(b|a).*$")}, {a}},
        {{matcher("n", "=~", "1|2")}, {n1, a, b, newline, n2}},
        {{matcher("n", "=~", "x|2")}, {n2}},
        {{matcher("n", "=~", "(2|2.5)")}, {n2, n25}},
        {{matcher("i", "=~", "c||d")}, {n1, n2, n25}},
        {{matcher("i", "=~", "|a")}, {n1, a, n2, n25}},
        {{matcher("i", "!~", "|a")}, {b, newline}},
        {{matcher("i", "!~", "(c||d)")}, {a, b, newline}},
        {{matcher("n", "!=", "1"), matcher("n", "!=", "2")}, {n25}},
        {{matcher("n", "=~", "2.*"), matcher("n", "=~", ".*5")}, {n25}},
    };
    for (const auto& one : cases) {
        std::string selector;
        for (const auto& part : one.matchers) selector += part.to_text() + " ";
        for (const auto* index : both.all()) {
            EXPECT_EQ(texts(*index, index->select(one.matchers)), one.expected) << selector;
        }
    }
}

TEST(Index, TellsNamesAndValues) {
    const BothIndexes both({Labels::from({{"a", "1"}, {"b", "x"}}),
                            Labels::from({{"a", "2"}, {"b", "x"}}),
                            Labels::from({{"a", "10"}, {"c", "y"}})});
    const std::vector with_b{Matcher::equal("b", "x")};
    for (const auto* index : both.all()) {
        EXPECT_THAT(index->label_names({}), ElementsAre("a", "b", "c"));
        EXPECT_THAT(index->label_names(with_b), ElementsAre("a", "b"));
        EXPECT_THAT(index->label_values("a", {}), ElementsAre("1", "10", "2"));
        EXPECT_THAT(index->label_values("a", {}, 2), ElementsAre("1", "10"));
        EXPECT_THAT(index->label_values("a", with_b), ElementsAre("1", "2"));
        EXPECT_THAT(index->label_values("a", with_b, 1), ElementsAre("1"));
        EXPECT_THAT(index->label_values("c", with_b), IsEmpty());
        EXPECT_THAT(index->label_values("d", {}), IsEmpty());
    }
}

TEST(Index, AnswersWithoutAnySeries) {
    const BothIndexes both({});
    for (const auto* index : both.all()) {
        EXPECT_THAT(index->select({}), IsEmpty());
        EXPECT_THAT(index->label_names({}), IsEmpty());
        EXPECT_THAT(index->select(std::vector{Matcher::equal("a", "")}), IsEmpty());
    }
}

/// Label sets and matchers by chance: few values, so that they meet; lengths that differ, so that
/// every way of selecting is taken.
class Chance {
public:
    explicit Chance(unsigned seed) : random_(seed) {}

    std::vector<Labels> series(std::size_t count) {
        std::set<Labels> sets;
        while (sets.size() < count) {
            LabelsBuilder labels;
            labels.set("id", fmt::format("{:04x}", random_() % 5000));
            for (const auto name : {"a", "b", "c", "d"}) {
                if (random_() % 3 != 0) labels.set(name, value());
            }
            sets.insert(labels.build());
        }
        std::vector<Labels> series(sets.begin(), sets.end());
        std::ranges::shuffle(series, random_);
        return series;
    }

    std::vector<Matcher> matchers() {
        std::vector<Matcher> matchers;
        for (auto count = random_() % 4; count > 0; --count) {
            const std::string name(1, "abcde"[random_() % 5]);
            matchers.push_back(random_() % 6 == 0 ? matcher("id", op(), id_pattern())
                                                  : matcher(name, op(), pattern()));
        }
        return matchers;
    }

private:
    std::string value() { return random_() % 2 == 0 ? "x" : fmt::format("v{}", random_() % 40); }
    std::string op() {
        const auto choice = random_() % 4;
        return choice == 0 ? "=" : choice == 1 ? "!=" : choice == 2 ? "=~" : "!~";
    }
    std::string pattern() {
        constexpr std::array<std::string_view, 14> kPatterns{
            "",     "x",   "v1",         "v2|x",   ".*",  ".+",      "v.*",
            "v1.*", "|v3", "v(1|2|3).?", "[xv].*", ".*1", "nothing", "(?i)X"};
        return std::string(kPatterns[random_() % kPatterns.size()]);
    }
    std::string id_pattern() {
        return random_() % 2 == 0 ? fmt::format("{:02x}.*", random_() % 0x14)
                                  : fmt::format("{:04x}", random_() % 5000);
    }
    std::mt19937 random_;
};

TEST(Index, SelectsWhatTryingEverySeriesFinds) {
    for (const unsigned seed : {1U, 2U, 3U}) {
        Chance chance(seed);
        BothIndexes both(chance.series(seed * 400));
        for (int round = 0; round < 150; ++round) {
            const auto matchers = chance.matchers();
            std::set<std::string> expected;
            std::set<std::string> names;
            std::set<std::string> values;
            for (const auto& labels : both.series()) {
                if (!all_match(matchers, labels)) continue;
                expected.insert(labels.to_text());
                for (const auto& label : labels) names.insert(std::string(label.name));
                if (labels.has("a")) values.insert(std::string(labels.get("a")));
            }
            for (const auto* index : both.all()) {
                const auto ids = index->select(matchers);
                ASSERT_EQ(texts(*index, ids), expected);
                ASSERT_EQ(ids.size(), expected.size());
                ASSERT_THAT(index->label_names(matchers), ElementsAreArray(names));
                ASSERT_THAT(index->label_values("a", matchers), ElementsAreArray(values));
            }
        }
    }
}

TEST(Index, SelectsRightlyWhileSeriesComeAndGo) {
    Chance chance(4);
    HeadIndex index;
    std::mt19937 random{1};
    std::vector<std::pair<SeriesId, Labels>> alive;
    for (int round = 0; round < 40; ++round) {
        for (const auto& labels : chance.series(200)) {
            const auto added = index.get_or_add(labels);
            if (added.is_new) alive.emplace_back(added.id, labels);
        }
        std::ranges::shuffle(alive, random);
        Ids gone;
        for (std::size_t i = alive.size() / 3; i < alive.size(); ++i)
            gone.push_back(alive[i].first);
        alive.resize(alive.size() - gone.size());
        index.remove(gone);
        for (int i = 0; i < 10; ++i) {
            const auto matchers = chance.matchers();
            Ids expected;
            for (const auto& [id, labels] : alive) {
                if (all_match(matchers, labels)) expected.push_back(id);
            }
            std::ranges::sort(expected);
            ASSERT_EQ(index.select(matchers), expected);
        }
    }
}

}  // namespace
}  // namespace inferscope::tsdb
