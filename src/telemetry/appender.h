// SPDX-License-Identifier: Apache-2.0
// The one door through which samples leave every source (scrape, probe, collect, later gateway,
// OTLP, rules): rows. A source is a *group*: series that share their times. Its columns are
// announced once; after that a scrape is one time and one value for each column.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "telemetry/labels.h"
#include "telemetry/metadata.h"
#include "telemetry/sample.h"

namespace inferscope {

/// Names a group of one Appender; never used again after close_group().
enum class GroupId : std::uint32_t {};

/// The page on which a label set is shown.
enum class ShownOn : std::uint8_t {
    metrics,  ///< /metrics: unified names, host, GPU, probes, our own
    raw,      ///< /metrics/raw: what targets sent, under their own names
};

/// Another label set under which the same column is published (`gpustack:...` for an engine's own
/// name).
struct SecondName {
    Labels labels;
    FamilyPtr family;
    ShownOn shown_on = ShownOn::metrics;
};

/// One series of a group. Its index is its place in the order of announcement, from 0 in each
/// epoch.
struct Column {
    Labels labels;  ///< with __name__ and the target's labels (job, instance)
    FamilyPtr family;
    ShownOn shown_on = ShownOn::metrics;
    std::vector<SecondName> second_names;  ///< usually none or one; the first rule's first
};

/// One scrape. Views are valid during the call only.
struct Row {
    Timestamp time = 0;
    /// One value for each column announced; `kStaleMarker` where the series wasn't there this time.
    std::span<const double> values;
    /// A bit for each column, lowest first: set where the value may differ from the row before.
    /// Empty = unknown.
    std::span<const std::uint64_t> changed;
};

/// A sample with a time of its own (explicit timestamps on a page): it never joins the page's row.
struct TimedSample {
    Labels labels;
    FamilyPtr family;
    ShownOn shown_on = ShownOn::metrics;
    Timestamp time = 0;
    double value = 0;
};

struct Exemplar {
    std::uint32_t column = 0;
    Labels labels;  ///< the exemplar's own, e.g. trace_id
    double value = 0;
    Timestamp time = 0;
};

/// Thread: each group is used by one thread at a time; different groups may be used by different
/// threads. Errors: a refused call (disk full, limit) changed nothing; the caller counts it and
/// goes on.
class Appender {
public:
    virtual ~Appender() = default;

    /// `source` is for people ("scrape http://10.0.0.7:8000/metrics"): credentials already
    /// redacted.
    virtual GroupId open_group(std::string_view source) = 0;
    /// Forgets all columns of the group: what isn't announced again has ended. For a new mapping or
    /// relabelling (second names must not reach back in time), and when too many columns are dead.
    virtual void start_epoch(GroupId group) = 0;
    /// New columns join the running epoch, behind those announced before. Of a label set that
    /// another column (or second name) already owns, this one is not published; its values are
    /// still expected in each row.
    virtual void add_columns(GroupId group, std::span<const Column> columns) = 0;
    /// `row.values.size()` equals the number of columns announced.
    virtual Result<void> append_row(GroupId group, const Row& row) = 0;
    /// The target didn't answer at `time`: all of its series are stale from then until the next
    /// row.
    virtual void append_gap(GroupId group, Timestamp time) = 0;
    virtual Result<void> append_timed(GroupId group, std::span<const TimedSample> samples) = 0;
    virtual void append_exemplars(GroupId group, std::span<const Exemplar> exemplars) = 0;
    /// The source is gone for good (target removed): as append_gap, and the group is forgotten.
    virtual void close_group(GroupId group, Timestamp time) = 0;
};

/// A value of one column.
struct Cell {
    std::uint32_t column = 0;
    double value = 0;  ///< a stale marker is a value, too
};

/// What the store takes besides: rows in pieces, from senders whose rows we don't see whole (remote
/// write shards by series). A group is filled either by rows or by cells.
class PieceAppender : public Appender {
public:
    /// A group whose columns share no times: series by themselves, cheap to have by the million.
    virtual GroupId open_loose_group(std::string_view source) = 0;
    /// Some columns' values at `time`; `cells` rise by column. Columns that no piece names have no
    /// sample then. Returns what became of each cell; fails, with nothing taken, if the disk is
    /// full or a bound is passed.
    virtual Result<VerdictCounts> append_cells(GroupId group, Timestamp time,
                                               std::span<const Cell> cells) = 0;
    /// TYPE, HELP and UNIT that came without their series.
    virtual void add_families(std::span<const FamilyPtr> families) = 0;
    /// Between these two what is appended may be gathered; when end_batch() returns it is kept, as
    /// far as it was taken. Its failure says that nothing since begin_batch() is. They nest.
    virtual void begin_batch() = 0;
    virtual Result<void> end_batch() = 0;
};

}  // namespace inferscope
