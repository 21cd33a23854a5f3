// SPDX-License-Identifier: Apache-2.0
// What the store has in memory: it takes rows and samples from all sources and answers selections.
//
// Locks, in the order in which they may be held together: background work; the catalog (which
// series there are) or the list of epochs; an epoch (the rows of one group). Others are leaves. A
// row that is in order takes its own group's lock only, and in one of twelve rows, for up to 1 ms,
// the sealer's, so groups hardly wait for each other, and not for selections.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.h"
#include "telemetry/appender.h"
#include "telemetry/change_log.h"
#include "telemetry/selection.h"
#include "tsdb/catalog.h"
#include "tsdb/chunk_cache.h"
#include "tsdb/config.h"
#include "tsdb/exemplar_ring.h"
#include "tsdb/family_table.h"
#include "tsdb/head_cut.h"

namespace inferscope::tsdb {

struct SeriesSamples {
    Labels labels;
    std::vector<Sample> samples;  ///< by time; stale markers are samples
};

struct HeadStats {
    std::size_t series = 0;   ///< label sets in the index
    std::size_t singles = 0;  ///< of them with samples that came by themselves
    std::size_t groups = 0;   ///< open
    std::size_t epochs = 0;   ///< with rows in memory, ended ones included
    std::size_t exemplars = 0;
    VerdictCounts samples;
    std::uint64_t names_owned_elsewhere = 0;  ///< label sets not published, ever
    std::uint64_t refused_by_bounds = 0;      ///< groups, columns, label sets and samples, ever
    MemoryUse memory;                         ///< as far as the store counts it
};

/// Thread: any; of one group, one at a time. A sample of a row or by itself fares as Prometheus has
/// it, judged by its series' last one (see Verdict); a call fails with invalid_argument and
/// Prometheus's words if nothing of it was taken, and with limit_exceeded, the bound and its
/// setting if one is passed.
class Head final : public PieceAppender {
public:
    explicit Head(const HeadConfig& config = {});
    ~Head() override;

    GroupId open_group(std::string_view source) override;
    void start_epoch(GroupId group) override;
    void add_columns(GroupId group, std::span<const Column> columns) override;
    Result<void> append_row(GroupId group, const Row& row) override;
    void append_gap(GroupId group, Timestamp time) override;
    /// Samples join the column that owns their label set, or a series by itself.
    Result<void> append_timed(GroupId group, std::span<const TimedSample> samples) override;
    void append_exemplars(GroupId group, std::span<const Exemplar> exemplars) override;
    /// At kNever without stale markers: its series may go on elsewhere.
    void close_group(GroupId group, Timestamp time) override;

    GroupId open_loose_group(std::string_view source) override;
    Result<VerdictCounts> append_cells(GroupId group, Timestamp time,
                                       std::span<const Cell> cells) override;
    void add_families(std::span<const FamilyPtr> families) override;
    void begin_batch() override {}
    Result<void> end_batch() override { return {}; }

    /// Times are inclusive, ms. Copies open rows under the locks; decodes without them. Fails with
    /// limit_exceeded if there were more than `most_samples` values to hold.
    [[nodiscard]] Result<Selection> read(std::span<const Matcher> matchers, Timestamp from,
                                         Timestamp to, std::size_t most_samples) const;
    /// What was appended and forgotten.
    [[nodiscard]] ChangeLog& changes() { return changes_; }
    /// Time of the newest sample that was ever appended; kNever if there is none.
    [[nodiscard]] Timestamp newest() const { return newest_.load(std::memory_order_relaxed); }
    /// The same, merged for each series, by label set; without series that have nothing then.
    [[nodiscard]] std::vector<SeriesSamples> select(std::span<const Matcher> matchers,
                                                    Timestamp from, Timestamp to) const;
    /// Series whose samples in memory reach into the time between `from` and `to`, inclusive; by
    /// label set.
    [[nodiscard]] std::vector<Labels> series(std::span<const Matcher> matchers, Timestamp from,
                                             Timestamp to) const;
    /// Names and values that stand on such series, sorted; the first `limit` unless it is 0.
    [[nodiscard]] std::vector<std::string> label_names(std::span<const Matcher> matchers,
                                                       Timestamp from, Timestamp to) const;
    [[nodiscard]] std::vector<std::string> label_values(std::string_view name,
                                                        std::span<const Matcher> matchers,
                                                        Timestamp from, Timestamp to,
                                                        std::size_t limit = 0) const;
    /// TYPE, HELP, UNIT of `name`, or of all.
    [[nodiscard]] std::vector<FamilyPtr> families(std::string_view name = {},
                                                  std::size_t limit = 0) const;
    [[nodiscard]] std::vector<StoredExemplar> exemplars(std::span<const Matcher> matchers,
                                                        Timestamp from, Timestamp to) const;
    /// Walks over all series for `bytes`: some ms for a million.
    [[nodiscard]] HeadStats stats() const;
    /// What became of samples, ever: cheap.
    [[nodiscard]] VerdictCounts sample_counts() const {
        return counters_.with([](const Counters& counters) { return counters.samples; });
    }
    [[nodiscard]] IndexStats index_stats(std::size_t most) const;

    /// Background work, for a pool thread: locks that others need are held for short steps only.
    /// Seals what waits for it; returns how many chunks it made.
    std::size_t seal();
    /// Seals also what is open but had no row since `time`.
    std::size_t seal_idle(Timestamp time);
    /// Forgets samples older than `time`, and series that have no others.
    void forget_before(Timestamp time);
    /// Takes all that is in memory now out of it: `write` puts it into blocks, and it stays
    /// readable until that returns. If it fails everything is as before. Samples that come
    /// meanwhile stay. Nothing of it is sealed during the call. `range`: of a block.
    Result<void> cut(Millis range, absl::FunctionRef<Result<void>(const HeadCut&)> write);
    /// Forgets series that have nothing in memory and had their last sample before `time`: it isn't
    /// known anymore when that was.
    void forget_silent(Timestamp time);

private:
    struct Group;
    struct Groups {
        absl::flat_hash_map<GroupId, std::unique_ptr<Group>> open;
        std::uint32_t next = 0;
    };
    struct Counters {
        VerdictCounts samples;
        std::uint64_t names_owned_elsewhere = 0;
        std::uint64_t refused_by_bounds = 0;
    };

    GroupId open(std::string_view source, bool is_loose);
    [[nodiscard]] Group& group(GroupId id);
    [[nodiscard]] SharedEpoch new_epoch();
    [[nodiscard]] bool in_bounds(Timestamp time) const;
    void publish(Group& group, std::span<const Column> columns, std::uint32_t first);
    void keep_loose(Group& group, std::span<const Column> columns);
    void release(const Group& group);
    VerdictCounts append_one_by_one(const Group& group, Timestamp time,
                                    std::span<const Cell> cells);
    void remember_families(std::span<const Column> columns);
    void end_epochs(Group& group, Timestamp time);
    VerdictCounts append_by_themselves(std::span<const TimedSample> samples, Result<void>& bound);
    void count(const VerdictCounts& counts);
    /// To be called once the samples can be read.
    void note(Timestamp oldest, Timestamp newest);
    std::size_t seal_epochs(Sealer& sealer);
    std::size_t seal_singles(Sealer& sealer);
    std::size_t seal_works(Sealer& sealer, std::span<const SingleWork> works);
    [[nodiscard]] std::vector<SharedEpoch> epochs() const;
    HeadCut freeze(Millis range);
    void forget_ended_epochs();
    /// Calls `work(catalog, begin, end)` with the catalog's lock for one slice of ids after the
    /// other.
    template <class Work>
    void for_each_slice(Work work) {
        SeriesId limit = 1;
        for (SeriesId at = 0; at < limit; at += kSeriesAtOnce) {
            catalog_.with([&](Catalog& catalog) {
                work(catalog, at, at + kSeriesAtOnce);
                limit = catalog.index().id_limit();
            });
        }
    }
    /// If all of them go, that takes about 1 ms.
    static constexpr SeriesId kSeriesAtOnce = 1024;

    const HeadConfig config_;
    std::atomic<Timestamp> oldest_;  // what is older has been forgotten
    std::atomic<Timestamp> newest_{kNever};
    ChangeLog changes_;
    Guarded<Sealer> background_;
    Guarded<Sealer> sealer_;  // of full tiles; no epoch outlives it
    Guarded<Catalog> catalog_;
    Guarded<Groups> groups_;
    Guarded<std::vector<SharedEpoch>> epochs_;
    Guarded<ExemplarRing> exemplars_;
    mutable OpenSealedChunks opened_;
    Guarded<FamilyTable> families_;
    Guarded<Counters> counters_;
};

}  // namespace inferscope::tsdb
