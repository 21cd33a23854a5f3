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
/// Fewer open samples take less room than a chunk of them.
constexpr std::size_t kWorthSealing = 12;

}  // namespace

Timestamp Catalog::Segment::last() const {
    if (to != kForever) return to;
    return epoch->with([&](const Epoch& rows) { return rows.last_of(column); });
}

std::optional<double> Catalog::Segment::find(Timestamp time, Timestamp from) const {
    if (time < from || time > to) return std::nullopt;
    return epoch->with([&](const Epoch& rows) { return rows.find(column, time); });
}

Timestamp Catalog::Series::last() const {
    Timestamp last = single ? single->last() : kNever;
    if (newest) last = std::max({last, newest->floor, newest->last()});
    return last;
}

Timestamp Catalog::from(const Segment& segment) const {
    if (segment.floor == kNever) return kNever;
    return segment.floor - config_.out_of_order_window.count();
}

/// The value that the series has at `time` in its own samples, in `newest` and in what is older.
std::optional<double> Catalog::find(const Series& series, const Segment* newest,
                                    Timestamp time) const {
    if (series.single) {
        if (const auto known = series.single->find(time)) return known;
    }
    for (const auto* segment = newest; segment != nullptr; segment = segment->older.get()) {
        if (const auto known = segment->find(time, from(*segment))) return known;
    }
    return std::nullopt;
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
    auto segment = std::make_unique<Segment>(Segment{.epoch = epoch,
                                                     .column = column,
                                                     .is_owner = true,
                                                     .floor = series.last(),
                                                     .to = kForever,
                                                     .older = nullptr});
    floor = std::max(floor, segment->floor);
    if (series.newest) series.newest->to = series.newest->last();
    segment->older = std::move(series.newest);
    series.newest = std::move(segment);
    return *id;
}

void Catalog::release(std::span<const OwnedName> names) {
    for (const auto& name : names) series_[name.series].newest->is_owner = false;
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
    const Segment& owner = *series.newest;
    if (sample.time < from(owner)) return Verdict::out_of_order;
    if (sample.time <= owner.floor) {
        if (const auto known = find(series, owner.older.get(), sample.time))
            return same_bits(*known, sample.value) ? Verdict::known : Verdict::duplicate;
    }
    return owner.epoch->with([&](Epoch& rows) { return rows.insert(owner.column, sample); });
}

Verdict Catalog::append_by_itself(SeriesId id, Series& series, Sample sample) {
    const Timestamp last = series.last();
    if (sample.time <= last) {
        if (sample.time < last - config_.out_of_order_window.count()) return Verdict::out_of_order;
        if (const auto known = find(series, series.newest.get(), sample.time))
            return same_bits(*known, sample.value) ? Verdict::known : Verdict::duplicate;
    }
    if (series.newest) series.newest->to = series.newest->last();
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
        const Segment& owner = *series.newest;
        if (time > owner.floor || is_stale_marker(value)) continue;
        if (time < from(owner)) {
            ++counts[Verdict::out_of_order];
        } else if (const auto known = find(series, owner.older.get(), time)) {
            if (!same_bits(*known, value)) ++counts[Verdict::duplicate];
        }
    }
    return counts;
}

std::vector<FoundSeries> Catalog::select(std::span<const Matcher> matchers, Timestamp from,
                                         Timestamp to) const {
    std::vector<FoundSeries> all;
    for (const auto id : index_.select(matchers)) {
        if (series_[id].last() >= from) all.push_back(found(id, from, to));
    }
    return all;
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
        for (const auto* segment = series.newest.get(); segment; segment = segment->older.get())
            oldest = std::min(oldest, oldest_row(segment->epoch));
        return oldest <= to_ && series.last() >= std::max(from_, oldest);
    }

private:
    Timestamp oldest_row(const SharedEpoch& epoch) {
        const auto [known, is_new] = oldest_rows_.try_emplace(epoch.get(), kForever);
        if (is_new) known->second = epoch->with([](const Epoch& rows) { return rows.oldest(); });
        return known->second;
    }

    const Catalog& catalog_;
    const Timestamp from_;
    const Timestamp to_;
    absl::flat_hash_map<const void*, Timestamp> oldest_rows_;
};

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
    for (const auto* segment = series.newest.get(); segment; segment = segment->older.get()) {
        const Timestamp begin = std::max(from, this->from(*segment));
        const Timestamp end = std::min(to, segment->to);
        if (begin <= end) found.parts.push_back({segment->epoch, segment->column, begin, end});
    }
    std::ranges::reverse(found.parts);
    return found;
}

SingleWork Catalog::work(SeriesId id, const SingleSeries& single) {
    const auto before = to_merge(single.chunks());
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
        if (single.open().size() >= kTileRows) works.push_back(work(id, single));
    }
    return works;
}

void Catalog::list_if_full(SeriesId id, SingleSeries& single) {
    if (single.open().size() < kTileRows || single.is_waiting()) return;
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
void Catalog::forget_segments(std::unique_ptr<Segment>& newest, IsOver is_over) {
    for (auto* at = &newest; *at != nullptr;) {
        if (!(*at)->is_owner && is_over(**at)) {
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
        if (!series.newest && !series.single) continue;  // nobody's id
        forget_segments(series.newest,
                        [&](const Segment& segment) { return segment.last() < time; });
        if (series.single) series.single->forget_before(time);
        if (series.single && series.single->is_over()) {
            series.single.reset();
            --singles_;
        }
        if (!series.newest && !series.single) gone.push_back(id);
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
        for (const auto* at = series.newest.get(); at != nullptr; at = at->older.get())
            visit(at->epoch, {id, at->column, from(*at), at->to});
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
        if (!series.newest && !series.single) continue;  // nobody's id
        forget_segments(series.newest, [&](const Segment& segment) {
            return segment.epoch->with([&](const Epoch& rows) {
                return rows.is_over() && rows.last_of(segment.column) < time;
            });
        });
        if (series.single && series.single->is_over() && series.single->last() < time) {
            series.single.reset();
            --singles_;
        }
        if (!series.newest && !series.single) gone.push_back(id);
    }
    remove(gone);
}

void Catalog::measure(MemoryUse& use) const {
    use.bytes += index_.heap_bytes() + series_.capacity() * sizeof(Series);
    for (const auto& series : series_) {
        if (series.single) series.single->measure(use);
        for (const auto* at = series.newest.get(); at != nullptr; at = at->older.get())
            use.bytes += sizeof(Segment);
    }
}

}  // namespace inferscope::tsdb
