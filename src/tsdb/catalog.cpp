// SPDX-License-Identifier: Apache-2.0
#include "tsdb/catalog.h"

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/numbers.h"

namespace inferscope::tsdb {
namespace {

/// A chunk of a series by itself takes at most so many open samples, and seven short chunks before.
constexpr std::size_t kMostSamples = 1024;
/// So many open samples of a series by itself wait for sealing.
constexpr std::size_t kFull = 16;
/// Fewer open samples take less room than a chunk of them.
constexpr std::size_t kWorthSealing = 12;

}  // namespace

template <class Visit>
void Catalog::Series::for_each_stay(Visit visit) const {
    if (only.epoch != kNoEpoch) visit(Stay{.home = only});
    for (const auto* at = newest.get(); at != nullptr; at = at->older.get()) visit(at->stay);
}

Timestamp Catalog::last(const Stay& stay) const {
    if (stay.to != kForever) return stay.to;
    return epoch(stay).with([&](const Epoch& rows) { return rows.last_of(stay.home.column); });
}

Timestamp Catalog::last(const Series& series) const {
    Timestamp last = series.single ? series.single->last() : kNever;
    if (series.has_segment()) {
        const Stay newest = series.stay();
        last = std::max({last, newest.floor, this->last(newest)});
    }
    return last;
}

Timestamp Catalog::from(const Stay& stay) const {
    if (stay.floor == kNever) return kNever;
    return stay.floor - config_.out_of_order_window.count();
}

std::optional<double> Catalog::find(const Stay& stay, Timestamp time) const {
    if (time < from(stay) || time > stay.to) return std::nullopt;
    return epoch(stay).with([&](const Epoch& rows) { return rows.find(stay.home.column, time); });
}

/// The value that the series has at `time`.
std::optional<double> Catalog::find(const Series& series, Timestamp time) const {
    if (series.single) {
        if (const auto known = series.single->find(time)) return known;
    }
    std::optional<double> known;
    series.for_each_stay([&](const Stay& stay) {
        if (!known) known = find(stay, time);
    });
    return known;
}

/// The same, but for what its owner has.
std::optional<double> Catalog::find_before_owner(const Series& series, Timestamp time) const {
    if (series.single) {
        if (const auto known = series.single->find(time)) return known;
    }
    if (!series.newest) return std::nullopt;
    for (const auto* at = series.newest->older.get(); at != nullptr; at = at->older.get()) {
        if (const auto known = find(at->stay, time)) return known;
    }
    return std::nullopt;
}

/// Others have the series from now on.
void Catalog::end_segment(Series& series, Timestamp last) {
    if (series.only.epoch != kNoEpoch) {
        series.newest = std::make_unique<Segment>(
            Segment{.stay = {.home = std::exchange(series.only, {})}, .older = nullptr});
    }
    if (series.newest) series.newest->stay.to = last;
}

Result<SeriesId> Catalog::get_or_add(const Labels& labels) {
    if (const auto known = index_.find(labels)) return *known;
    if (labels.bytes().size() > config_.max_label_set_bytes) {
        return Error{Errc::limit_exceeded,
                     fmt::format("a label set of {} bytes; storage.max_label_set_bytes is {}",
                                 labels.bytes().size(), config_.max_label_set_bytes)};
    }
    if (index_.series_count() >= config_.max_series) {
        return Error{Errc::limit_exceeded,
                     fmt::format("{} series in memory; storage.max_series allows no more",
                                 index_.series_count())};
    }
    const SeriesId id = index_.get_or_add(labels).id;
    while (series_.size() <= id) push_back_tight(series_, Series());
    return id;
}

Result<SeriesId> Catalog::publish(const Labels& labels, const SharedEpoch& epoch,
                                  std::uint32_t column, Timestamp& floor) {
    const auto id = get_or_add(labels);
    if (!id) return id;
    Series& series = series_[*id];
    if (series.is_owned())
        return Error{Errc::already_exists, labels.to_text() + " is another column's"};
    const Home home{.epoch = epochs_.use(epoch), .column = column, .is_owner = true};
    const Timestamp last = this->last(series);
    floor = std::max(floor, last);
    if (last == kNever && !series.has_segment()) {
        series.only = home;
        return *id;
    }
    if (series.has_segment()) end_segment(series, this->last(series.stay()));
    series.newest = std::make_unique<Segment>(
        Segment{.stay = {.home = home, .floor = last}, .older = std::move(series.newest)});
    return *id;
}

void Catalog::release(std::span<const OwnedName> names) {
    for (const auto& name : names) series_[name.series].home().is_owner = false;
}

Result<Verdict> Catalog::append(const Labels& labels, Sample sample) {
    const auto id = get_or_add(labels);
    if (!id) return id.error();
    return append(*id, sample);
}

Verdict Catalog::append(SeriesId id, Sample sample) {
    Series& series = series_[id];
    return series.is_owned() ? append_to_owner(series, sample)
                             : append_by_itself(id, series, sample);
}

Result<SeriesId> Catalog::keep(const Labels& labels) {
    auto id = get_or_add(labels);
    if (id) single(series_[*id]).add_user();
    return id;
}

/// A series without samples goes when what is old is forgotten.
void Catalog::let_go(std::span<const SeriesId> ids) {
    for (const auto id : ids) series_[id].single->remove_user();
}

SingleSeries& Catalog::single(Series& series) {
    if (!series.single) {
        series.single = std::make_unique<SingleSeries>();
        ++singles_;
    }
    return *series.single;
}

Verdict Catalog::append_to_owner(const Series& series, Sample sample) {
    const Stay owner = series.stay();
    if (sample.time < from(owner)) return Verdict::out_of_order;
    if (sample.time <= owner.floor) {
        if (const auto known = find_before_owner(series, sample.time))
            return same_bits(*known, sample.value) ? Verdict::known : Verdict::duplicate;
    }
    return epochs_[owner.home.epoch]->with(
        [&](Epoch& rows) { return rows.insert(owner.home.column, sample); });
}

Verdict Catalog::append_by_itself(SeriesId id, Series& series, Sample sample) {
    const Timestamp last = this->last(series);
    if (sample.time <= last) {
        if (sample.time < last - config_.out_of_order_window.count()) return Verdict::out_of_order;
        if (const auto known = find(series, sample.time))
            return same_bits(*known, sample.value) ? Verdict::known : Verdict::duplicate;
    }
    if (series.has_segment()) end_segment(series, this->last(series.stay()));
    SingleSeries& own = single(series);
    own.insert(sample);
    list_if_full(id, own);
    return Verdict::taken;
}

VerdictCounts Catalog::judge(std::span<const OwnedName> names, Timestamp time,
                             std::span<const double> values) const {
    VerdictCounts counts;
    for (const auto& name : names) {
        const double value = values[name.column];
        const Series& series = series_[name.series];
        const Stay owner = series.stay();
        if (time > owner.floor || is_stale_marker(value)) continue;
        if (time < from(owner)) {
            ++counts[Verdict::out_of_order];
        } else if (const auto known = find_before_owner(series, time)) {
            if (!same_bits(*known, value)) ++counts[Verdict::duplicate];
        }
    }
    return counts;
}

/// Tells of series whether their samples in memory reach into a time.
class Catalog::Reach {
public:
    Reach(const Catalog& catalog, Timestamp from, Timestamp to)
        : catalog_(catalog), from_(from), to_(to) {}

    bool operator()(SeriesId id) {
        const Series& series = catalog_.series_[id];
        // After a cut a series is remembered by its last time, though its samples are in blocks.
        Timestamp oldest = series.single ? series.single->oldest() : kForever;
        series.for_each_stay(
            [&](const Stay& stay) { oldest = std::min(oldest, oldest_row(stay.home.epoch)); });
        return oldest <= to_ && catalog_.last(series) >= std::max(from_, oldest);
    }

private:
    Timestamp oldest_row(std::uint32_t epoch) {
        const auto [known, is_new] = oldest_rows_.try_emplace(epoch, kForever);
        if (is_new) {
            known->second =
                catalog_.epochs_[epoch]->with([](const Epoch& rows) { return rows.oldest(); });
        }
        return known->second;
    }

    const Catalog& catalog_;
    const Timestamp from_;
    const Timestamp to_;
    absl::flat_hash_map<std::uint32_t, Timestamp> oldest_rows_;  // by number of the epoch
};

std::vector<FoundSeries> Catalog::select(std::span<const Matcher> matchers, Timestamp from,
                                         Timestamp to) const {
    Reach reaches(*this, from, to);
    std::vector<FoundSeries> all;
    for (const auto id : index_.select(matchers)) {
        if (reaches(id)) all.push_back(found(id, from, to));
    }
    return all;
}

std::vector<Labels> Catalog::label_sets(std::span<const Matcher> matchers, Timestamp from,
                                        Timestamp to) const {
    Reach reaches(*this, from, to);
    std::vector<Labels> all;
    for (const auto id : index_.select(matchers)) {
        if (reaches(id)) all.push_back(index_.labels(id));
    }
    return all;
}

std::vector<std::string> Catalog::label_names(std::span<const Matcher> matchers, Timestamp from,
                                              Timestamp to) const {
    Reach reaches(*this, from, to);
    const auto is_wanted = [&](SeriesId id) { return reaches(id); };
    return index_.label_names(matchers, is_wanted);
}

std::vector<std::string> Catalog::label_values(std::string_view name,
                                               std::span<const Matcher> matchers, Timestamp from,
                                               Timestamp to, std::size_t limit) const {
    Reach reaches(*this, from, to);
    const auto is_wanted = [&](SeriesId id) { return reaches(id); };
    return index_.label_values(name, matchers, limit, is_wanted);
}

FoundSeries Catalog::found(SeriesId id, Timestamp from, Timestamp to) const {
    const Series& series = series_[id];
    FoundSeries found{.labels = index_.labels(id), .own = {}, .parts = {}};
    if (series.single) found.own = series.single->snapshot(from, to);
    series.for_each_stay([&](const Stay& stay) {
        const Timestamp begin = std::max(from, this->from(stay));
        const Timestamp end = std::min(to, stay.to);
        if (begin <= end)
            found.parts.push_back({epochs_[stay.home.epoch], stay.home.column, begin, end});
    });
    std::ranges::reverse(found.parts);
    return found;
}

SingleWork Catalog::work(SeriesId id, const SingleSeries& single) {
    auto before = to_merge(single.chunks());
    if (!before.empty() && &before.back() != &single.chunks().back()) before = {};
    const auto samples = single.open().first(std::min(single.open().size(), kMostSamples));
    return {id, {before.begin(), before.end()}, {samples.begin(), samples.end()}};
}

std::vector<SingleWork> Catalog::full_singles(std::size_t most) {
    std::vector<SingleWork> works;
    for (; !full_.empty() && works.size() < most; full_.pop_back()) {
        const SeriesId id = full_.back();
        if (id >= series_.size() || !series_[id].single) continue;
        SingleSeries& single = *series_[id].single;
        if (!single.is_waiting()) continue;  // it was listed twice, or isn't that series anymore
        single.set_waiting(false);
        if (single.open().size() >= kFull) works.push_back(work(id, single));
    }
    return works;
}

void Catalog::list_if_full(SeriesId id, SingleSeries& single) {
    if (single.open().size() < kFull || single.is_waiting()) return;
    single.set_waiting(true);
    full_.push_back(id);
}

std::vector<SingleWork> Catalog::idle_singles(SeriesId begin, SeriesId end, Timestamp time) const {
    std::vector<SingleWork> works;
    for (SeriesId id = begin; id < end && id < series_.size(); ++id) {
        const auto& single = series_[id].single;
        if (single && single->open().size() >= kWorthSealing && single->last() < time)
            works.push_back(work(id, *single));
    }
    return works;
}

void Catalog::put(const SingleWork& work, SealedChunk chunk) {
    auto& single = *series_[work.series].single;
    single.put(work.before.size(), work.samples.size(), std::move(chunk));
    list_if_full(work.series, single);
}

/// Segments are dropped whole.
template <class IsOver>
void Catalog::forget_segments(Series& series, IsOver is_over) {
    const auto is_done = [&](const Stay& stay) { return !stay.home.is_owner && is_over(stay); };
    if (series.only.epoch != kNoEpoch && is_done(series.stay()))
        epochs_.leave(std::exchange(series.only, {}).epoch);
    for (auto* at = &series.newest; *at != nullptr;) {
        if (is_done((*at)->stay)) {
            epochs_.leave((*at)->stay.home.epoch);
            *at = std::move((*at)->older);
        } else {
            at = &(*at)->older;
        }
    }
}

void Catalog::forget_before(Timestamp time, SeriesId begin, SeriesId end) {
    std::vector<SeriesId> gone;
    for (SeriesId id = begin; id < end && id < series_.size(); ++id) {
        Series& series = series_[id];
        if (series.is_empty()) continue;  // nobody's id
        forget_segments(series, [&](const Stay& stay) { return last(stay) < time; });
        if (series.single) series.single->forget_before(time);
        if (series.single && series.single->is_over()) {
            series.single.reset();
            --singles_;
        }
        if (series.is_empty()) gone.push_back(id);
    }
    remove(gone);
}

void Catalog::remove(std::span<const SeriesId> ids) {
    index_.remove(ids);
    if (series_.size() > index_.id_limit()) {
        series_.resize(index_.id_limit());
        series_.shrink_to_fit();
    }
}

void Catalog::freeze(SeriesId begin, SeriesId end, VisitName visit) {
    for (SeriesId id = begin; id < end && id < series_.size(); ++id) {
        const Series& series = series_[id];
        if (series.single) series.single->freeze();
        series.for_each_stay([&](const Stay& stay) {
            visit(epochs_[stay.home.epoch], {id, stay.home.column, from(stay), stay.to});
        });
    }
}

void Catalog::for_each_frozen(SeriesId begin, SeriesId end, VisitSingle visit) const {
    for (SeriesId id = begin; id < end && id < series_.size(); ++id) {
        if (!series_[id].single) continue;
        const auto samples = series_[id].single->frozen();
        if (!samples.empty()) visit(index_.labels(id), samples);
    }
}

void Catalog::drop_frozen(SeriesId begin, SeriesId end) {
    for (SeriesId id = begin; id < end && id < series_.size(); ++id) {
        if (series_[id].single) series_[id].single->drop();
    }
}

void Catalog::thaw(SeriesId begin, SeriesId end) {
    for (SeriesId id = begin; id < end && id < series_.size(); ++id) {
        if (series_[id].single) series_[id].single->thaw();
    }
}

void Catalog::forget_silent(Timestamp time, SeriesId begin, SeriesId end) {
    std::vector<SeriesId> gone;
    for (SeriesId id = begin; id < end && id < series_.size(); ++id) {
        Series& series = series_[id];
        if (series.is_empty()) continue;  // nobody's id
        forget_segments(series, [&](const Stay& stay) {
            return epoch(stay).with([&](const Epoch& rows) {
                return rows.is_over() && rows.last_of(stay.home.column) < time;
            });
        });
        if (series.single && series.single->is_over() && series.single->last() < time) {
            series.single.reset();
            --singles_;
        }
        if (series.is_empty()) gone.push_back(id);
    }
    remove(gone);
}

void Catalog::measure(MemoryUse& use) const {
    use.bytes += index_.heap_bytes() + series_.capacity() * sizeof(Series) + epochs_.heap_bytes();
    for (const auto& series : series_) {
        if (series.single) series.single->measure(use);
        for (const auto* at = series.newest.get(); at != nullptr; at = at->older.get())
            use.bytes += sizeof(Segment);
    }
}

}  // namespace inferscope::tsdb
