// SPDX-License-Identifier: Apache-2.0
// Which series there are and where their samples lie. A series is a label set; over time it may be
// a column of several groups, and a series by itself in between.
//
//   series = samples of its own + segments, newest first: (epoch, column) from a time to a time
//
// While its newest segment's epoch runs, that column *owns* the label set: nobody else may publish
// it. What a segment's column stored is the series' only from `floor - window` on, where `floor` is
// the series' last sample when the segment began; of two samples with one time, the one by itself
// comes first, then that of the older segment. So each name of a column is judged on its own.
//
// There may be millions, and nearly all of them are one column since they began: such a series is
// an epoch's number and a column, 8 bytes. Others have a list of segments.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "telemetry/labels.h"
#include "telemetry/matcher.h"
#include "tsdb/config.h"
#include "tsdb/epoch.h"
#include "tsdb/epoch_numbers.h"
#include "tsdb/index_head.h"
#include "tsdb/single_series.h"

namespace inferscope::tsdb {

/// A label set that a column of a running epoch owns.
struct OwnedName {
    SeriesId series = 0;
    std::uint32_t column = 0;
};

/// A selected series, before its samples are read.
struct FoundSeries {
    struct Part {
        SharedEpoch epoch;
        std::uint32_t column = 0;
        Timestamp from = 0;
        Timestamp to = 0;
    };
    Labels labels;
    SingleSnapshot own;
    std::vector<Part> parts;  ///< oldest first
};

/// Open samples of a series by itself that are to be sealed.
struct SingleWork {
    SeriesId series = 0;
    std::vector<SealedChunk> before;
    std::vector<Sample> samples;
};

/// Thread: the head's lock; it takes locks of epochs inside.
class Catalog {
public:
    explicit Catalog(const HeadConfig& config) : config_(config) {}

    /// Makes the column the label set's owner. Fails with already_exists if another one owns it,
    /// with limit_exceeded and the bound otherwise. `floor`: raised to the series' last time.
    Result<SeriesId> publish(const Labels& labels, const SharedEpoch& epoch, std::uint32_t column,
                             Timestamp& floor);
    /// Their epoch has ended.
    void release(std::span<const OwnedName> names);
    /// A sample by itself: it goes to the label set's owner, or to the series of its own. Fails
    /// with limit_exceeded and the bound.
    Result<Verdict> append(const Labels& labels, Sample sample);
    /// The same for a series that is kept.
    Verdict append(SeriesId id, Sample sample);
    /// Makes the series if it isn't there, and keeps it until it is let go as often. Fails with
    /// limit_exceeded and the bound.
    Result<SeriesId> keep(const Labels& labels);
    void let_go(std::span<const SeriesId> ids);
    /// What each name says to a row, which its epoch has taken, of a time up to a floor: refusals
    /// only.
    [[nodiscard]] VerdictCounts judge(std::span<const OwnedName> names, Timestamp time,
                                      std::span<const double> values) const;

    /// Series that may have samples between `from` and `to`, inclusive.
    [[nodiscard]] std::vector<FoundSeries> select(std::span<const Matcher> matchers, Timestamp from,
                                                  Timestamp to) const;
    /// Series whose samples in memory reach into the time between `from` and `to`, inclusive.
    [[nodiscard]] std::vector<Labels> label_sets(std::span<const Matcher> matchers, Timestamp from,
                                                 Timestamp to) const;
    /// Names and values that stand on such series, sorted; the first `limit` unless it is 0.
    [[nodiscard]] std::vector<std::string> label_names(std::span<const Matcher> matchers,
                                                       Timestamp from, Timestamp to) const;
    [[nodiscard]] std::vector<std::string> label_values(std::string_view name,
                                                        std::span<const Matcher> matchers,
                                                        Timestamp from, Timestamp to,
                                                        std::size_t limit) const;
    [[nodiscard]] const HeadIndex& index() const { return index_; }
    [[nodiscard]] std::size_t singles() const { return singles_; }

    /// At most so many series by themselves that have a tile's worth of samples.
    std::vector<SingleWork> full_singles(std::size_t most);
    /// Those of the ids [begin, end) without a sample since `time`.
    [[nodiscard]] std::vector<SingleWork> idle_singles(SeriesId begin, SeriesId end,
                                                       Timestamp time) const;
    void put(const SingleWork& work, SealedChunk chunk);
    /// Drops what is older than `time` of the series with ids [begin, end), and those of them that
    /// have nothing left.
    void forget_before(Timestamp time, SeriesId begin, SeriesId end);

    /// A series that is a column of an epoch, between two times.
    struct Name {
        SeriesId series = 0;
        std::uint32_t column = 0;
        Timestamp from = 0;
        Timestamp to = 0;
    };
    using VisitName = absl::FunctionRef<void(const SharedEpoch&, const Name&)>;
    using VisitSingle = absl::FunctionRef<void(const Labels&, std::span<const Sample>)>;
    /// Of the ids [begin, end): freezes series by themselves, and tells what series are columns of.
    void freeze(SeriesId begin, SeriesId end, VisitName visit);
    /// Tells those that have something frozen.
    void for_each_frozen(SeriesId begin, SeriesId end, VisitSingle visit) const;
    /// What was frozen is in a block, or isn't.
    void drop_frozen(SeriesId begin, SeriesId end);
    void thaw(SeriesId begin, SeriesId end);
    /// Forgets those that have nothing here anymore, and had their last sample before `time`.
    void forget_silent(Timestamp time, SeriesId begin, SeriesId end);
    void measure(MemoryUse& use) const;

private:
    class Reach;
    struct Home {
        std::uint32_t epoch = kNoEpoch;  // its number
        std::uint32_t column : 31 = 0;
        bool is_owner : 1 = false;
    };
    static_assert(sizeof(Home) == 8);
    struct Stay {
        Home home;
        Timestamp floor = kNever;  // the series' last time before
        Timestamp to = kForever;   // its last time, once another one has taken the series
    };
    struct Segment {
        Stay stay;
        std::unique_ptr<Segment> older;
    };
    struct Series {
        Home only;  // the one segment, without floor and end; or
        std::unique_ptr<Segment> newest;
        std::unique_ptr<SingleSeries> single;

        [[nodiscard]] bool has_segment() const { return only.epoch != kNoEpoch || newest; }
        [[nodiscard]] bool is_empty() const { return !has_segment() && !single; }
        [[nodiscard]] Home& home() { return newest ? newest->stay.home : only; }
        [[nodiscard]] Stay stay() const { return newest ? newest->stay : Stay{.home = only}; }
        [[nodiscard]] bool is_owned() const { return has_segment() && stay().home.is_owner; }
        /// Calls `visit(stay)` for each segment, newest first.
        template <class Visit>
        void for_each_stay(Visit visit) const;
    };

    Result<SeriesId> get_or_add(const Labels& labels);
    SingleSeries& single(Series& series);
    void list_if_full(SeriesId id, SingleSeries& single);
    [[nodiscard]] const Guarded<Epoch>& epoch(const Stay& stay) const {
        return *epochs_[stay.home.epoch];
    }
    [[nodiscard]] Timestamp from(const Stay& stay) const;
    [[nodiscard]] Timestamp last(const Stay& stay) const;
    [[nodiscard]] Timestamp last(const Series& series) const;
    [[nodiscard]] std::optional<double> find(const Stay& stay, Timestamp time) const;
    [[nodiscard]] std::optional<double> find(const Series& series, Timestamp time) const;
    [[nodiscard]] std::optional<double> find_before_owner(const Series& series,
                                                          Timestamp time) const;
    static void end_segment(Series& series, Timestamp last);
    Verdict append_to_owner(const Series& series, Sample sample);
    Verdict append_by_itself(SeriesId id, Series& series, Sample sample);
    [[nodiscard]] FoundSeries found(SeriesId id, Timestamp from, Timestamp to) const;
    [[nodiscard]] static SingleWork work(SeriesId id, const SingleSeries& single);
    template <class IsOver>
    void forget_segments(Series& series, IsOver is_over);
    void remove(std::span<const SeriesId> ids);

    HeadConfig config_;
    HeadIndex index_;
    EpochNumbers epochs_;
    std::vector<Series> series_;  // by id
    std::size_t singles_ = 0;
    std::vector<SeriesId> full_;  // series by themselves that wait for sealing; perhaps gone since
};

}  // namespace inferscope::tsdb
