// SPDX-License-Identifier: Apache-2.0
// The head against a model that keeps each series as a map and obeys Prometheus's rules, under
// random operations: what is read must be equal bit for bit.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <deque>
#include <list>
#include <map>
#include <random>

#include "base/numbers.h"
#include "tsdb/head.h"

namespace inferscope::tsdb {
namespace {

constexpr Timestamp kWindow = 100;

struct ModelColumn;

/// A label set that a column publishes or published.
struct ModelName {
    std::string series;
    Timestamp floor = kNever;
    bool takes_samples = true;
};

struct ModelColumn {
    std::vector<ModelName> names;
    bool alive = false;
    Timestamp last = kNever;
};

struct ModelEpoch {
    std::deque<ModelColumn> columns;  // their addresses stay
    Timestamp last_row = kNever;
};

struct ModelGroup {
    ModelEpoch* running = nullptr;
    std::vector<ModelEpoch*> ending;
};

class Model {
public:
    struct Stored {
        double value;
        const ModelColumn* by;
    };
    using Samples = std::map<Timestamp, Stored>;

    ModelGroup open() { return {&epochs_.emplace_back(), {}}; }

    void add_column(ModelGroup& group, const Column& column) {
        ModelColumn added;
        const auto add = [&](const Labels& labels) {
            const auto text = labels.to_text();
            auto& newest = newest_[text];
            if (newest.owned) return;
            const bool twice = std::ranges::any_of(
                added.names, [&](const ModelName& name) { return name.series == text; });
            if (twice) return;
            let_go(text);
            added.names.push_back({text, last(text), true});
        };
        add(column.labels);
        for (const auto& second : column.second_names) add(second.labels);
        auto& columns = group.running->columns;
        columns.push_back(added);
        for (const auto& name : added.names)
            newest_[name.series] = {group.running, columns.size() - 1, true};
    }

    void start_epoch(ModelGroup& group) {
        release(*group.running);
        group.ending.push_back(group.running);
        group.running = &epochs_.emplace_back();
    }

    void row(ModelGroup& group, Timestamp time, const std::vector<double>& values) {
        if (time < oldest_) return;
        end_epochs(group, time);
        append(*group.running, time, values);
    }

    void gap(ModelGroup& group, Timestamp time) {
        if (time < oldest_) return;
        end_epochs(group, time);
        gap(*group.running, time);
    }

    void close(ModelGroup& group, Timestamp time) {
        release(*group.running);
        group.ending.push_back(group.running);
        if (time >= oldest_) end_epochs(group, time);
        group = {};
    }

    void timed(const std::string& series, Timestamp time, double value) {
        if (time < oldest_) return;
        auto& newest = newest_[series];
        if (!newest.owned) {
            if (offer(series, time, value, nullptr)) let_go(series);
            return;
        }
        auto& column = newest.epoch->columns[newest.column];
        const auto name = std::ranges::find(column.names, series, &ModelName::series);
        if (name->floor != kNever && time < name->floor - kWindow) return;
        const auto known = all_[series].find(time);
        if (known != all_[series].end() && known->second.by != key(newest)) return;
        offer(*newest.epoch, newest.column, time, value);
    }

    void forget(Timestamp time) {
        if (time <= oldest_) return;
        oldest_ = time;
        for (auto& [series, samples] : all_)
            samples.erase(samples.begin(), samples.lower_bound(time));
        for (auto& [series, newest] : newest_) {
            if (newest.epoch == nullptr || newest.owned) continue;
            if (newest.epoch->columns[newest.column].last < time) let_go(series);
        }
    }

    [[nodiscard]] std::map<std::string, std::vector<Sample>> select(Timestamp from,
                                                                    Timestamp to) const {
        std::map<std::string, std::vector<Sample>> found;
        for (const auto& [series, samples] : all_) {
            for (auto at = samples.lower_bound(from); at != samples.end() && at->first <= to; ++at)
                found[series].push_back({at->first, at->second.value});
        }
        return found;
    }

private:
    struct Newest {
        ModelEpoch* epoch = nullptr;
        std::size_t column = 0;
        bool owned = false;
    };

    static const ModelColumn* key(const Newest& newest) {
        return newest.epoch == nullptr ? nullptr : &newest.epoch->columns[newest.column];
    }

    Timestamp last(const std::string& series) {
        const auto& samples = all_[series];
        return samples.empty() ? kNever : samples.rbegin()->first;
    }

    /// The column that published the series last gives it no more samples.
    void let_go(const std::string& series) {
        auto& newest = newest_[series];
        if (newest.epoch == nullptr) return;
        for (auto& name : newest.epoch->columns[newest.column].names) {
            if (name.series == series) name.takes_samples = false;
        }
        newest = {};
    }

    void release(const ModelEpoch& epoch) {
        for (auto& [series, newest] : newest_) {
            if (newest.epoch == &epoch) newest.owned = false;
        }
    }

    /// Prometheus's rules; says whether it was new.
    bool offer(const std::string& series, Timestamp time, double value, const ModelColumn* by) {
        const Timestamp newest = last(series);
        if (newest != kNever && time < newest - kWindow) return false;
        return all_[series].try_emplace(time, Stored{value, by}).second;
    }

    void offer(ModelEpoch& epoch, std::size_t index, Timestamp time, double value) {
        auto& column = epoch.columns[index];
        for (const auto& name : column.names) {
            if (name.takes_samples) offer(name.series, time, value, &column);
        }
        column.last = std::max(column.last, time);
    }

    void append(ModelEpoch& epoch, Timestamp time, const std::vector<double>& values) {
        const bool late = time <= epoch.last_row;
        if (!late) epoch.last_row = time;
        for (std::size_t i = 0; i < values.size(); ++i) {
            auto& column = epoch.columns[i];
            if (column.names.empty()) continue;
            const bool stale = is_stale_marker(values[i]);
            const bool ends = column.alive && !late && time > column.last;
            if (!stale || ends) offer(epoch, i, time, values[i]);
            if (!late) column.alive = !stale;
        }
    }

    void gap(ModelEpoch& epoch, Timestamp time) {
        const bool any = std::ranges::any_of(epoch.columns, &ModelColumn::alive);
        if (!any || time <= epoch.last_row) return;
        append(epoch, time, std::vector(epoch.columns.size(), kStaleMarker));
    }

    void end_epochs(ModelGroup& group, Timestamp time) {
        for (auto* epoch : group.ending) gap(*epoch, time);
        group.ending.clear();
    }

    std::map<std::string, Samples> all_;
    std::map<std::string, Newest> newest_;
    std::list<ModelEpoch> epochs_;
    Timestamp oldest_ = kNever;
};

struct Shape {
    int steps = 0;
    int rare = 0;  ///< one of so many steps changes layouts or forgets
};

/// Does the same to the head and to the model, and compares.
class Pair {
public:
    Pair(unsigned seed, Shape shape)
        : random_(seed),
          rare_(shape.rare),
          head_(HeadConfig{.out_of_order_window = Millis(kWindow)}) {}

    void step() {
        if (groups_.empty() || one_of(rare_)) change_layout();
        switch (random_() % 16) {
            case 0:
                gap();
                break;
            case 1:
            case 2:
                timed();
                break;
            case 3:
                seal();
                break;
            case 5:
            case 6:
            case 7:
                piece();
                break;
            case 4:
                compare(now_ - below(2000), now_ + 50);
                look_again();
                break;
            default:
                row();
        }
    }
    void compare_all() {
        compare(kNever, kForever);
        head_.seal();
        compare(kNever, kForever);
        head_.seal_idle(kForever);
        compare(kNever, kForever);
    }

private:
    struct Open {
        GroupId id{};
        ModelGroup model;
        std::vector<double> values;
    };

    bool one_of(int many) { return random_() % static_cast<unsigned>(many) == 0; }
    Timestamp below(int many) {
        return static_cast<Timestamp>(random_() % static_cast<unsigned>(many));
    }
    Labels any_labels() {
        const auto number = fmt::format("{}", random_() % 12);
        return Labels::from({{kMetricName, random_() % 2 == 0 ? "up" : "down"}, {"n", number}});
    }
    double any_value() {
        switch (random_() % 12) {
            case 0:
                return kNormalNaN;
            case 1:
                return -0.0;
            case 2:
                return 0.1 * static_cast<double>(random_() % 100);
            default:
                return static_cast<double>(random_() % 3);
        }
    }
    /// Mostly a bit later; sometimes back, within the window and beyond it.
    Timestamp next_time() {
        if (one_of(12)) return now_ - below(250);
        if (one_of(40)) return now_ + below(300);
        return now_ += below(20);
    }
    struct Pieces {
        GroupId id{};
        ModelGroup model;  // of a loose group: none
        std::vector<Labels> columns;
    };

    Open& any_group() { return groups_[random_() % groups_.size()]; }

    void change_layout() {
        const auto what = random_() % 8;
        if (groups_.empty() || (what == 0 && groups_.size() < 4)) {
            groups_.push_back({head_.open_group("test"), model_.open(), {}});
        } else if (what == 1 && groups_.size() > 1) {
            const auto place = random_() % groups_.size();
            const Timestamp time = next_time();
            head_.close_group(groups_[place].id, time);
            model_.close(groups_[place].model, time);
            groups_.erase(groups_.begin() + static_cast<std::ptrdiff_t>(place));
            return;
        } else if (what == 2) {
            const Timestamp time = now_ - 100 - below(3000);
            head_.forget_before(time);
            model_.forget(time);
            return;
        } else if (what == 3) {
            auto& group = any_group();
            head_.start_epoch(group.id);
            model_.start_epoch(group.model);
            group.values.clear();
        }
        add_columns(any_group());
    }
    void add_columns(Open& group) {
        std::vector<Column> columns(random_() % 5);
        for (auto& column : columns) {
            column.labels = any_labels();
            for (auto names = random_() % 3; names > 0; --names)
                column.second_names.push_back({any_labels(), nullptr, ShownOn::metrics});
            model_.add_column(group.model, column);
            group.values.push_back(kStaleMarker);
        }
        head_.add_columns(group.id, columns);
    }
    void change_pieces() {
        const auto what = random_() % 4;
        if (pieces_.empty() || (what == 0 && pieces_.size() < 4)) {
            const bool is_loose = one_of(2);
            auto& opened = pieces_.emplace_back();
            opened.id = is_loose ? head_.open_loose_group("test") : head_.open_group("test");
            if (!is_loose) opened.model = model_.open();
        } else if (what == 1) {
            const auto place = random_() % pieces_.size();
            head_.close_group(pieces_[place].id, now_);
            if (pieces_[place].model.running != nullptr) model_.close(pieces_[place].model, now_);
            pieces_.erase(pieces_.begin() + static_cast<std::ptrdiff_t>(place));
            return;
        }
        auto& group = pieces_[random_() % pieces_.size()];
        std::vector<Column> columns(1 + random_() % 4);
        for (auto& column : columns) {
            column.labels = any_labels();
            if (group.model.running != nullptr) model_.add_column(group.model, column);
            group.columns.push_back(column.labels);
        }
        head_.add_columns(group.id, columns);
    }
    void piece() {
        if (pieces_.empty() || one_of(rare_)) change_pieces();
        if (pieces_.empty()) return;
        auto& group = pieces_[random_() % pieces_.size()];
        const Timestamp time = next_time();
        std::vector<Cell> cells;
        for (std::uint32_t column = 0; column < group.columns.size(); ++column) {
            const auto others = std::span(group.columns).first(column);
            const bool is_twice = std::ranges::find(others, group.columns[column]) != others.end();
            if (is_twice || one_of(3)) continue;
            cells.push_back({column, one_of(8) ? kStaleMarker : any_value()});
            model_.timed(group.columns[column].to_text(), time, cells.back().value);
        }
        ASSERT_TRUE(head_.append_cells(group.id, time, cells));
    }
    void row() {
        auto& group = any_group();
        for (auto& value : group.values) {
            if (one_of(3)) value = one_of(6) ? kStaleMarker : any_value();
        }
        const Timestamp time = next_time();
        (void)head_.append_row(group.id, {time, group.values, {}});
        model_.row(group.model, time, group.values);
    }
    void gap() {
        auto& group = any_group();
        const Timestamp time = next_time();
        head_.append_gap(group.id, time);
        model_.gap(group.model, time);
    }
    void timed() {
        const TimedSample sample{any_labels(), nullptr, ShownOn::raw, next_time(),
                                 one_of(8) ? kStaleMarker : any_value()};
        (void)head_.append_timed(any_group().id, std::span(&sample, 1));
        model_.timed(sample.labels.to_text(), sample.time, sample.value);
    }
    void seal() {
        if (one_of(4)) {
            head_.seal_idle(now_ - below(200));
        } else {
            head_.seal();
        }
    }
    void compare(Timestamp from, Timestamp to) {
        auto expected = model_.select(from, to);
        for (const auto& [labels, samples] : head_.select({}, from, to)) {
            const auto& other = expected[labels.to_text()];
            ASSERT_EQ(samples.size(), other.size()) << labels.to_text();
            for (std::size_t i = 0; i < samples.size(); ++i) {
                ASSERT_EQ(samples[i].time, other[i].time) << labels.to_text();
                ASSERT_EQ(std::bit_cast<std::uint64_t>(samples[i].value),
                          std::bit_cast<std::uint64_t>(other[i].value))
                    << labels.to_text() << " at " << samples[i].time;
            }
            expected.erase(labels.to_text());
        }
        ASSERT_TRUE(expected.empty()) << expected.begin()->first << " is missing";
    }

    /// What the head says is as it was is so.
    void look_again() {
        if (!look_ || head_.changes().has_changed(look_->mark, look_->until)) {
            const Timestamp until = now_ - below(300);
            look_ = {head_.changes().mark(), until, bits_until(until)};
        } else {
            ASSERT_EQ(bits_until(look_->until), look_->seen);
        }
    }
    /// Times and values of each series.
    std::map<std::string, std::vector<std::pair<Timestamp, std::uint64_t>>> bits_until(
        Timestamp until) const {
        std::map<std::string, std::vector<std::pair<Timestamp, std::uint64_t>>> all;
        for (const auto& [labels, samples] : head_.select({}, kNever, until)) {
            for (const auto& [time, value] : samples)
                all[labels.to_text()].emplace_back(time, std::bit_cast<std::uint64_t>(value));
        }
        return all;
    }

    struct Look {
        ChangeLog::Mark mark = 0;
        Timestamp until = 0;
        std::map<std::string, std::vector<std::pair<Timestamp, std::uint64_t>>> seen;
    };

    std::mt19937 random_;
    int rare_;
    std::optional<Look> look_;
    Head head_;
    Model model_;
    std::vector<Open> groups_;
    std::vector<Pieces> pieces_;
    Timestamp now_ = 1'000'000;
};

void compare_with_model(unsigned seeds, Shape shape) {
    for (unsigned seed = 0; seed < seeds; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        Pair pair(seed, shape);
        for (int i = 0; i < shape.steps; ++i) {
            pair.step();
            ASSERT_FALSE(testing::Test::HasFatalFailure()) << "step " << i;
        }
        pair.compare_all();
        ASSERT_FALSE(testing::Test::HasFatalFailure());
    }
}

TEST(HeadModel, AgreesWhileLayoutsChangeOften) { compare_with_model(300, {300, 8}); }
TEST(HeadModel, AgreesOverRunsThatAreSealedAndMerged) { compare_with_model(12, {4000, 400}); }

}  // namespace
}  // namespace inferscope::tsdb
