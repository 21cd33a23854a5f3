// SPDX-License-Identifier: Apache-2.0
#include "tsdb/store.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "tsdb/block_selection.h"

namespace inferscope::tsdb {
namespace {

/// The head is cut so much after a block's range is over: what is late by less comes along.
constexpr Timestamp kPatience = 60 * 1000;
/// Order of a series is judged by its last sample for at least so long, and for as long as late
/// samples are taken.
constexpr Timestamp kRemembered = 10 * 60 * 1000;
/// Tiles of groups without a row for so long are sealed as they are, looked at so often.
constexpr Timestamp kIdle = 10 * 60 * 1000;
constexpr Timestamp kLookForIdle = 60 * 1000;

/// A sample may be so much ahead of the clock before it doesn't count as the present.
constexpr Timestamp kAhead = 10 * 60 * 1000;

/// Adds a selection of lower priority, each series once.
void merge(Selection& all, Selection more) {
    if (all.series.empty()) {
        std::ranges::move(all.warnings, std::back_inserter(more.warnings));
        all = std::move(more);
        return;
    }
    const std::size_t rows = all.rows.size();
    std::ranges::move(more.rows, std::back_inserter(all.rows));
    std::ranges::move(more.warnings, std::back_inserter(all.warnings));
    absl::flat_hash_map<Labels, std::size_t> places;
    places.reserve(all.series.size() + more.series.size());
    for (std::size_t i = 0; i < all.series.size(); ++i) places.emplace(all.series[i].labels, i);
    for (auto& series : more.series) {
        for (auto& part : series.parts) part.rows += rows;
        const auto place = places.find(series.labels);
        if (place == places.end()) {
            all.is_sorted = false;
            all.series.push_back(std::move(series));
        } else {
            auto& parts = all.series[place->second].parts;
            parts.insert(parts.end(), series.parts.begin(), series.parts.end());
        }
    }
}

std::size_t count_values(const Selection& selection) {
    std::size_t values = 0;
    for (const auto& rows : selection.rows) values += rows.times().size() * rows.columns();
    return values;
}

/// Sorted lists as one, each entry once; the first `limit` unless it is 0.
template <class T>
std::vector<T> unite(std::vector<std::vector<T>> lists, std::size_t limit = 0) {
    std::vector<T> all;
    for (auto& list : lists) {
        std::vector<T> merged;
        merged.reserve(all.size() + list.size());
        std::ranges::set_union(std::make_move_iterator(all.begin()),
                               std::make_move_iterator(all.end()),
                               std::make_move_iterator(list.begin()),
                               std::make_move_iterator(list.end()), std::back_inserter(merged));
        all = std::move(merged);
    }
    if (limit > 0 && all.size() > limit) all.resize(limit);
    return all;
}

bool overlaps(const Block& block, Timestamp from, Timestamp to) {
    return block.meta().times.overlaps({from, to});
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(Files& files, const std::string& folder,
                                           const StoreConfig& config) {
    std::unique_ptr<Store> store(new Store(files, folder, config));
    if (auto opened = store->open_parts(); !opened) return opened.error();
    return store;
}

Result<std::unique_ptr<const Store>> Store::open_for_reading(Files& files,
                                                             const std::string& folder) {
    std::unique_ptr<Store> store(new Store(files, folder, {}));
    if (auto opened = store->open_parts_for_reading(); !opened) return opened.error();
    return store;
}

Store::Store(Files& files, std::string folder, const StoreConfig& config)
    : files_(files), folder_(std::move(folder)), config_(config), head_(config.head) {}

Store::~Store() = default;

Result<void> Store::open_parts() {
    auto log = LogAppender::open(files_, folder_ + "/wal", config_.wal, head_);
    if (!log) return log.error();
    log_ = std::move(*log);
    auto blocks = Blocks::open(files_, folder_ + "/blocks", config_.blocks);
    if (!blocks) return blocks.error();
    blocks_ = std::move(*blocks);
    if (auto replayed = replay(Access::owner); !replayed) return replayed;
    cut_time_ = kNever;
    for (const auto& block : *blocks_->list())
        cut_time_ = std::max(cut_time_, block->meta().times.to);
    if (cut_time_ == kNever) cut_time_ = head_.newest();
    return {};
}

/// The log first: what the owner cuts out of it meanwhile is in a block by then.
Result<void> Store::open_parts_for_reading() {
    if (auto replayed = replay(Access::reader); !replayed) return replayed;
    auto blocks = Blocks::open(files_, folder_ + "/blocks", config_.blocks, Access::reader);
    if (!blocks) return blocks.error();
    blocks_ = std::move(*blocks);
    return {};
}

Result<void> Store::replay(Access access) {
    const auto report = replay_log(files_, folder_ + "/wal", head_, [&] { head_.seal(); }, access);
    if (!report) return report.error();
    for (const auto group : report->open_groups) head_.close_group(group, kNever);
    head_.seal();
    return {};
}

Timestamp Store::newest() const {
    Timestamp newest = head_.newest();
    for (const auto& block : *blocks_->list()) newest = std::max(newest, block->meta().times.to);
    return newest;
}

Timestamp Store::present(Timestamp newest, Timestamp now) {
    return newest == kNever ? kNever : std::min(newest, now + kAhead);
}

// The head is read before the list of blocks: what leaves it meanwhile is in a block by then.

Result<Selection> Store::read(std::span<const Matcher> matchers, Timestamp from, Timestamp to,
                              std::size_t most_samples) const {
    auto in_memory = head_.read(matchers, from, to, most_samples);
    if (!in_memory) return in_memory;
    const auto left = most_samples - std::min(most_samples, count_values(*in_memory));
    const auto blocks = blocks_->list();
    BlockSelection stored({from, to}, left);
    for (const auto& block : *blocks) stored.add(*block, matchers);
    auto selection = stored.read();
    if (!selection) {
        return selection.error().code == Errc::limit_exceeded ? too_many_samples(most_samples)
                                                              : selection.error();
    }
    if (!in_memory->series.empty()) merge(*selection, *std::move(in_memory));
    return selection;
}

std::vector<Labels> Store::series(std::span<const Matcher> matchers, Timestamp from,
                                  Timestamp to) const {
    std::vector<std::vector<Labels>> lists;
    lists.push_back(head_.series(matchers, from, to));
    for (const auto& block : *blocks_->list()) {
        if (overlaps(*block, from, to)) lists.push_back(block->series(matchers, from, to));
    }
    return unite(std::move(lists));
}

std::vector<std::string> Store::label_names(std::span<const Matcher> matchers, Timestamp from,
                                            Timestamp to, std::size_t limit) const {
    std::vector<std::vector<std::string>> lists{head_.label_names(matchers, from, to)};
    for (const auto& block : *blocks_->list()) {
        if (overlaps(*block, from, to)) lists.push_back(block->label_names(matchers));
    }
    return unite(std::move(lists), limit);
}

std::vector<std::string> Store::label_values(std::string_view name,
                                             std::span<const Matcher> matchers, Timestamp from,
                                             Timestamp to, std::size_t limit) const {
    std::vector<std::vector<std::string>> lists{
        head_.label_values(name, matchers, from, to, limit)};
    for (const auto& block : *blocks_->list()) {
        if (overlaps(*block, from, to)) lists.push_back(block->label_values(name, matchers, limit));
    }
    return unite(std::move(lists), limit);
}

std::vector<FamilyPtr> Store::families(std::string_view name, std::size_t limit) const {
    return head_.families(name, limit);
}

std::vector<StoredExemplar> Store::exemplars(std::span<const Matcher> matchers, Timestamp from,
                                             Timestamp to) const {
    return head_.exemplars(matchers, from, to);
}

Result<void> Store::counted(Result<void> done) {
    if (!done) ++failures_;
    return done;
}

Result<void> Store::maintain(Timestamp now) {
    const std::scoped_lock turn(working_);
    head_.seal();
    if (now - sealed_idle_ >= kLookForIdle || sealed_idle_ > now) {
        sealed_idle_ = now;
        const Timestamp time = present(head_.newest(), now);
        if (time != kNever) head_.seal_idle(time - kIdle);
    }
    if (!is_cut_due(now)) return {};
    if (auto done = cut(now); !done) return counted(done);
    return counted(tidy_blocks(now));
}

bool Store::is_cut_due(Timestamp now) {
    const Timestamp time = present(head_.newest(), now);
    if (time == kNever) return false;
    cut_time_ = cut_time_ == kNever ? time : std::min(cut_time_, time);
    const Timestamp range = config_.blocks.range.count();
    const auto number = [&](Timestamp time) {
        return (time - (time % range + range) % range) / range;
    };
    return number(time - kPatience) > number(cut_time_) ||
           log_->written() - log_began_ > config_.wal_bytes ||
           head_.stats().memory.bytes > config_.head_bytes;
}

Result<void> Store::flush(Timestamp now) {
    const std::scoped_lock turn(working_);
    head_.seal();
    if (auto done = cut(now); !done) return counted(done);
    return counted(tidy_blocks(now));
}

Result<void> Store::delete_series(std::span<const Matcher> matchers, const TimeRange& times,
                                  Timestamp now) {
    const std::scoped_lock turn(working_);
    if (auto done = cut(now); !done) return counted(done);
    auto done = blocks_->delete_series(matchers, times, now);
    changes().note(ChangeLog::kEverything);
    return counted(std::move(done));
}

Result<void> Store::snapshot(const std::string& target, Timestamp now) {
    const std::scoped_lock turn(working_);
    if (auto done = cut(now); !done) return counted(done);
    return counted(blocks_->snapshot(target + "/blocks"));
}

Result<void> Store::cut(Timestamp now) {
    const Timestamp time = present(head_.newest(), now);
    const auto segment = log_->roll();
    if (!segment) return segment.error();
    log_->add_families(head_.families());
    auto done =
        head_.cut(config_.blocks.range, [&](const HeadCut& cut) { return write_blocks(cut, now); });
    if (!done) return done;
    ++cuts_;
    cut_time_ = time;
    log_began_ = log_->written();
    const Timestamp window = config_.head.out_of_order_window.count();
    if (time != kNever) head_.forget_silent(time - std::max(kRemembered, window));
    return log_->drop_before(*segment);
}

/// The blocks join the set once all of them are written.
Result<void> Store::write_blocks(const HeadCut& cut, Timestamp now) {
    std::vector<std::unique_ptr<BlockWriter>> writers;
    for (const auto& range : cut.ranges()) {
        auto writer = blocks_->start_block(now);
        if (!writer) return writer.error();
        if (auto written = cut.write(range, **writer); !written) return written;
        writers.push_back(*std::move(writer));
    }
    for (auto& writer : writers) {
        if (auto added = blocks_->add(std::move(writer)); !added) return added;
    }
    return {};
}

Result<void> Store::tidy_blocks(Timestamp now) {
    while (true) {
        const auto merged = blocks_->compact(now);
        if (!merged) return merged.error();
        if (!*merged) break;
        ++compactions_;
    }
    auto done = blocks_->apply_retention(present(newest(), now), now);
    changes().note(ChangeLog::kEverything);
    return done;
}

StoreStats Store::stats() const {
    StoreStats stats;
    stats.head = head_.stats();
    stats.blocks = blocks_->stats();
    if (log_) {
        stats.wal_written = log_->written();
        if (const auto segments = log_->segments()) {
            for (const auto& segment : *segments) stats.wal_bytes += segment.bytes;
        }
    }
    stats.cuts = cuts_;
    stats.compactions = compactions_;
    stats.failures = failures_;
    stats.newest = newest();
    return stats;
}

}  // namespace inferscope::tsdb
