// SPDX-License-Identifier: Apache-2.0
// A series' text, `name{labels} `, is made once, when its column is announced. Texts of one
// announcement stand in one immutable segment, by what they differ in, which pages share; a page is
// a plan (page_plan.h) over segments, kept until a series comes or goes, and an array of values,
// copied for each page.
#include "exposition/latest_rows.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/numbers.h"
#include "exposition/page_plan.h"
#include "exposition/series_texts.h"
#include "exposition/text_writer.h"
#include "telemetry/fingerprint.h"

namespace inferscope::exposition {
namespace {

constexpr std::uint32_t kNotPublished = ~std::uint32_t{0};
/// Milliseconds beyond this (the year 287,396) aren't exact in OpenMetrics' seconds; nobody means
/// them.
constexpr Timestamp kEndOfTime = Timestamp{1} << 53;

/// Neighbours of one family and page.
struct Run {
    FamilyPtr family;
    ShownOn page;
    std::uint32_t end;  ///< the run is [end of the run before, end)
};

/// Label sets of one announcement. Immutable once they are owned.
struct Segment {
    SeriesTexts texts;
    std::vector<std::uint32_t> columns;  ///< of each text; kNotPublished: another segment owns it
    std::vector<Run> runs;
};
using SegmentPtr = std::shared_ptr<const Segment>;

/// A label set of a segment.
struct Published {
    const Segment* segment;
    std::uint32_t index;
    std::uint32_t value;  ///< its place in Snapshot
};

struct Announced {
    const Labels* labels;
    const FamilyPtr* family;
    ShownOn page;
    std::uint32_t column;
};

/// `extra`: the byte that may stand in this kind of name besides letters, digits and `_`; 0 for
/// none.
std::string legacy_name(std::string_view name, char extra) {
    std::string legacy;
    for (const char c : name) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        const bool digit = c >= '0' && c <= '9' && !legacy.empty();
        if (letter || digit || (extra != 0 && c == extra)) {
            legacy += c;
        } else if ((static_cast<unsigned char>(c) & 0xc0) !=
                   0x80) {  // one for each character, not byte
            legacy += '_';
        }
    }
    return legacy.empty() ? "_" : legacy;
}

void append_legacy_series(std::string& out, const Labels& series) {
    const bool legacy = is_legacy_metric_name(series.metric_name()) &&
                        std::all_of(series.begin(), series.end(), [](const Label& label) {
                            return is_legacy_label_name(label.name);
                        });
    if (legacy) return append_series(out, series);
    std::vector<std::string> names;
    for (const auto& label : series) names.push_back(legacy_name(label.name, 0));
    const std::string metric = legacy_name(series.metric_name(), ':');
    std::vector<Label> labels;
    std::size_t at = 0;
    for (const auto& label : series) labels.push_back({names[at++], label.value});
    labels.push_back({kMetricName, metric});
    append_series(out, Labels::from(labels));
}

FamilyPtr legacy_family(const FamilyPtr& family) {
    if (is_legacy_metric_name(family->name)) return family;
    Family renamed = *family;
    renamed.name = legacy_name(family->name, ':');
    return std::make_shared<const Family>(std::move(renamed));
}

void append_run(Segment& segment, const FamilyPtr& family, ShownOn page) {
    const auto end = static_cast<std::uint32_t>(segment.columns.size());
    if (!segment.runs.empty() && segment.runs.back().family == family &&
        segment.runs.back().page == page) {
        segment.runs.back().end = end;
    } else {
        segment.runs.push_back({family, page, end});
    }
}

std::shared_ptr<Segment> make_segment(std::span<const Announced> announced) {
    auto segment = std::make_shared<Segment>();
    segment->columns.reserve(announced.size());
    const FamilyPtr* given = nullptr;
    FamilyPtr family;
    std::string text;
    for (const auto& one : announced) {
        text.clear();
        append_legacy_series(text, *one.labels);
        text += ' ';
        segment->texts.add(text);
        segment->columns.push_back(one.column);
        CHECK(*one.family != nullptr, "a column has a family");
        if (given == nullptr || *given != *one.family) family = legacy_family(*one.family);
        given = one.family;
        append_run(*segment, family, one.page);
    }
    segment->texts.shrink_to_fit();
    segment->runs.shrink_to_fit();
    return segment;
}

/// The columns' own names and second names, those of one page together.
std::vector<Announced> announced_by(std::span<const Column> columns, std::uint32_t first) {
    std::vector<Announced> announced;
    for (const auto page : {ShownOn::metrics, ShownOn::raw}) {
        std::uint32_t index = first;
        for (const auto& column : columns) {
            if (column.shown_on == page)
                announced.push_back({&column.labels, &column.family, page, index});
            for (const auto& second : column.second_names) {
                if (second.shown_on == page)
                    announced.push_back({&second.labels, &second.family, page, index});
            }
            ++index;
        }
    }
    return announced;
}

/// A sample with a time of its own.
struct Timed {
    SegmentPtr segment;  ///< of this one series
    double value = 0;
    Timestamp time = 0;
    std::uint64_t sent_after_rows = 0;  ///< the group's count of rows then
};

/// Shown while at most one row has passed without it: it may come before or behind its page's row.
bool is_fresh(const Timed& timed, std::uint64_t rows) { return timed.sent_after_rows + 1 >= rows; }

struct Group {
    std::vector<SegmentPtr> segments;
    std::vector<double> values;  ///< the newest row; all stale before the first one and in a gap
    std::uint64_t rows = 0;
    absl::flat_hash_map<Labels, Timed> timed;
};

/// A page: its families, whose `begin` and `end` count `series`, and what these point to.
struct KeptPlan {
    std::vector<SegmentPtr> segments;
    std::vector<PlannedFamily> families;
    std::vector<Published> series;
};
using KeptPlanPtr = std::shared_ptr<const KeptPlan>;

struct TimedValue {
    double value;
    Timestamp time;
};

/// All that a page needs of the state. The values of the groups stand one after the other, the
/// timed ones behind.
struct Snapshot {
    KeptPlanPtr plan;  ///< null: to be made from `segments`
    std::vector<double> values;
    std::vector<TimedValue> timed;
    std::uint64_t generation = 0;
    std::vector<std::pair<SegmentPtr, std::uint32_t>>
        segments;  ///< with the place of their first value
};

void write_page(std::string& out, const KeptPlan& plan, const Snapshot& values, Format format) {
    const std::size_t columns = values.values.size();
    for (const auto& family : plan.families) {
        bool headed = false;
        for (std::uint32_t i = family.begin; i != family.end; ++i) {
            const auto& series = plan.series[i];
            const bool timed = series.value >= columns;
            const double value =
                timed ? values.timed[series.value - columns].value : values.values[series.value];
            if (is_stale_marker(value)) continue;
            if (!headed) append_family_lines(out, family.name, family.type, family.family, format);
            headed = true;
            series.segment->texts.append(series.index, out);
            append_number(out, value);
            if (timed) append_time(out, values.timed[series.value - columns].time, format);
            out += '\n';
        }
    }
    if (format == Format::openmetrics) out += "# EOF\n";
}

/// `text` is room for it.
Fingerprint fingerprint(const Segment& segment, std::size_t index, std::string& text) {
    text.clear();
    segment.texts.append(index, text);
    return Fingerprint::of(text);
}

KeptPlanPtr make_plan(const Snapshot& snapshot, ShownOn page, Format format) {
    auto kept = std::make_shared<KeptPlan>();
    std::vector<Published> published;
    std::vector<const Family*> families;
    std::string texts;
    std::vector<std::size_t> ends;
    for (const auto& [segment, first] : snapshot.segments) {
        std::uint32_t at = 0;
        for (const auto& run : segment->runs) {
            for (; at != run.end; ++at) {
                const auto column = segment->columns[at];
                if (run.page != page || column == kNotPublished) continue;
                published.push_back({segment.get(), at, first + column});
                families.push_back(run.family.get());
                segment->texts.append(at, texts);
                ends.push_back(texts.size());
            }
        }
        kept->segments.push_back(segment);
    }
    std::vector<SeriesToPlan> given(published.size());
    for (std::size_t i = 0, begin = 0; i < given.size(); begin = ends[i++])
        given[i] = {std::string_view(texts).substr(begin, ends[i] - begin), families[i]};
    auto plan = plan_page(given, format);
    kept->families = std::move(plan.families);
    kept->series.reserve(plan.series.size());
    for (const auto index : plan.series) kept->series.push_back(published[index]);
    return kept;
}

}  // namespace

struct LatestRows::State {
    std::map<GroupId, Group> groups;  // in order of opening: the first group's families come first
    absl::flat_hash_set<Fingerprint> owned;  // of texts
    std::uint32_t next_group = 0;
    std::uint64_t samples = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t generation = 0;                     // of the set of published series
    std::array<std::array<KeptPlanPtr, 2>, 2> plans;  // [page][format], of this generation
    std::array<std::array<std::size_t, 2>, 2> page_bytes{};

    Group& at(GroupId id) {
        const auto found = groups.find(id);
        CHECK(found != groups.end(), "the group is open");
        return found->second;
    }
    KeptPlanPtr& plan(ShownOn page, Format format) {
        return plans[static_cast<std::size_t>(page)][static_cast<std::size_t>(format)];
    }
    void changed() {
        ++generation;
        plans = {};
    }
    void own(Segment& segment) {
        std::string text;
        for (std::size_t i = 0; i < segment.columns.size(); ++i) {
            if (owned.insert(fingerprint(segment, i, text)).second) continue;
            segment.columns[i] = kNotPublished;
            ++duplicates;
        }
        changed();
    }
    void disown(const Segment& segment) {
        std::string text;
        for (std::size_t i = 0; i < segment.columns.size(); ++i) {
            if (segment.columns[i] != kNotPublished) owned.erase(fingerprint(segment, i, text));
        }
    }
    /// Gives the group's label sets back. What is returned is best destroyed outside of the lock.
    Group forget_columns(Group& group) {
        for (const auto& segment : group.segments) disown(*segment);
        for (const auto& [labels, timed] : group.timed) disown(*timed.segment);
        changed();
        Group forgotten = std::exchange(group, {});
        group.rows = forgotten.rows;
        return forgotten;
    }
    void copy_values(Snapshot& snapshot) const;
    void copy_segments(Snapshot& snapshot) const;
};

void LatestRows::State::copy_values(Snapshot& snapshot) const {
    for (const auto& [id, group] : groups) {
        snapshot.values.insert(snapshot.values.end(), group.values.begin(), group.values.end());
        for (const auto& [labels, timed] : group.timed) {
            snapshot.timed.push_back(
                {is_fresh(timed, group.rows) ? timed.value : kStaleMarker, timed.time});
        }
    }
}

/// In the order of copy_values.
void LatestRows::State::copy_segments(Snapshot& snapshot) const {
    std::uint32_t first = 0;
    for (const auto& [id, group] : groups) {
        for (const auto& segment : group.segments) snapshot.segments.emplace_back(segment, first);
        first += static_cast<std::uint32_t>(group.values.size());
    }
    for (const auto& [id, group] : groups) {
        for (const auto& [labels, timed] : group.timed)
            snapshot.segments.emplace_back(timed.segment, first++);
    }
}

LatestRows::LatestRows() : state_(std::make_unique<Guarded<State>>()) {}
LatestRows::~LatestRows() = default;

GroupId LatestRows::open_group(std::string_view) {
    return state_->with([](State& state) {
        const GroupId id{state.next_group++};
        state.groups.try_emplace(id);
        return id;
    });
}

void LatestRows::start_epoch(GroupId group) {
    const Group forgotten =
        state_->with([&](State& state) { return state.forget_columns(state.at(group)); });
}

void LatestRows::add_columns(GroupId group, std::span<const Column> columns) {
    if (columns.empty()) return;
    // Only the group's own thread adds columns, so their number stands still until this call's
    // second lock.
    const auto first = state_->with(
        [&](State& state) { return static_cast<std::uint32_t>(state.at(group).values.size()); });
    const auto segment = make_segment(announced_by(columns, first));
    state_->with([&](State& state) {
        state.own(*segment);
        Group& owner = state.at(group);
        owner.segments.push_back(segment);
        owner.values.resize(first + columns.size(), kStaleMarker);
    });
}

Result<void> LatestRows::append_row(GroupId group, const Row& row) {
    const auto stale = std::count_if(row.values.begin(), row.values.end(), is_stale_marker);
    state_->with([&](State& state) {
        Group& owner = state.at(group);
        CHECK(row.values.size() == owner.values.size(), "a row has one value for each column");
        std::ranges::copy(row.values, owner.values.begin());
        ++owner.rows;
        state.samples += row.values.size() - static_cast<std::size_t>(stale);
    });
    return {};
}

void LatestRows::append_gap(GroupId group, Timestamp) {
    state_->with([&](State& state) {
        Group& owner = state.at(group);
        std::ranges::fill(owner.values, kStaleMarker);
        owner.rows += 2;  // as if two rows had passed without the timed samples
    });
}

Result<void> LatestRows::append_timed(GroupId group, std::span<const TimedSample> samples) {
    state_->with([&](State& state) {
        Group& owner = state.at(group);
        const auto is_over = [&](const auto& entry) {
            if (is_fresh(entry.second, owner.rows)) return false;
            state.disown(*entry.second.segment);
            return true;
        };
        if (absl::erase_if(owner.timed, is_over) > 0) state.changed();
        for (const auto& sample : samples) {
            if (sample.time >= kEndOfTime || sample.time <= -kEndOfTime) continue;
            const auto [at, is_new] = owner.timed.try_emplace(sample.labels);
            Timed& timed = at->second;
            if (is_new) {
                const Announced announced{&sample.labels, &sample.family, sample.shown_on, 0};
                const auto segment = make_segment(std::span(&announced, 1));
                state.own(*segment);
                timed.segment = segment;
            } else if (sample.time < timed.time && timed.sent_after_rows == owner.rows) {
                continue;  // one label set twice on a page: the newest is shown
            }
            timed.value = sample.value;
            timed.time = sample.time;
            timed.sent_after_rows = owner.rows;
        }
        state.samples += samples.size();
    });
    return {};
}

void LatestRows::append_exemplars(GroupId, std::span<const Exemplar>) {}

void LatestRows::close_group(GroupId group, Timestamp) {
    const Group forgotten = state_->with([&](State& state) {
        Group last = state.forget_columns(state.at(group));
        state.groups.erase(group);
        return last;
    });
}

void LatestRows::render(ShownOn page, Format format, std::string& out) const {
    Snapshot snapshot;
    const auto [values, bytes] = state_->with([&](State& state) {
        std::size_t count = 0;
        for (const auto& [id, group] : state.groups) count += group.values.size();
        return std::pair(
            count,
            state.page_bytes[static_cast<std::size_t>(page)][static_cast<std::size_t>(format)]);
    });
    snapshot.values.reserve(values);
    state_->with([&](State& state) {
        snapshot.plan = state.plan(page, format);
        snapshot.generation = state.generation;
        state.copy_values(snapshot);
        if (snapshot.plan == nullptr) state.copy_segments(snapshot);
    });
    if (snapshot.plan == nullptr) {
        snapshot.plan = make_plan(snapshot, page, format);
        state_->with([&](State& state) {
            if (state.generation == snapshot.generation) state.plan(page, format) = snapshot.plan;
        });
    }
    const std::size_t before = out.size();
    out.reserve(before + bytes + bytes / 16);
    write_page(out, *snapshot.plan, snapshot, format);
    state_->with([&](State& state) {
        state.page_bytes[static_cast<std::size_t>(page)][static_cast<std::size_t>(format)] =
            out.size() - before;
    });
}

std::uint64_t LatestRows::samples_appended() const {
    return state_->with([](State& state) { return state.samples; });
}

std::uint64_t LatestRows::duplicates() const {
    return state_->with([](State& state) { return state.duplicates; });
}

std::size_t LatestRows::series() const {
    return state_->with([](State& state) { return state.owned.size(); });
}

std::size_t LatestRows::groups() const {
    return state_->with([](State& state) { return state.groups.size(); });
}

}  // namespace inferscope::exposition
