// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_replay.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "tsdb/bit_packing.h"
#include "tsdb/epoch.h"
#include "tsdb/wal_format.h"
#include "tsdb/wal_labels.h"
#include "tsdb/wal_reader.h"

namespace inferscope::tsdb {
namespace {

using wal::RecordType;

/// Replayed without a break: some ten rows of each of 400 groups.
constexpr std::uint64_t kRecordsAtOnce = 4096;

Timestamp read_time(ByteReader& in, Timestamp before) {
    return static_cast<Timestamp>(unzigzag(in.varint()) + static_cast<std::uint64_t>(before));
}

/// One call of replay_log().
class LogReading {
public:
    LogReading(Files& files, std::string folder, PieceAppender& into,
               absl::FunctionRef<void()> between, Access access)
        : files_(files),
          folder_(std::move(folder)),
          replay_(into),
          between_(between),
          is_ours_(access == Access::owner) {}

    Result<ReplayReport> read() {
        const auto segments = list_segments(files_, folder_);
        if (!segments && is_gone(segments.error())) return ReplayReport{};
        if (!segments) return segments.error();
        for (const auto segment : *segments) {
            auto read = read_segment(segment, segment == segments->back());
            if (!read && !is_gone(read.error())) return read.error();
        }
        if (is_ours_) {
            if (auto synced = files_.sync_folder(folder_); !synced) return synced.error();
        }
        report_.counts = replay_.counts();
        report_.open_groups = replay_.open_groups();
        return std::move(report_);
    }

private:
    /// Dropped by the folder's owner, or never there.
    [[nodiscard]] bool is_gone(const Error& error) const {
        return !is_ours_ && error.code == Errc::not_found;
    }

    Result<void> read_segment(std::uint32_t number, bool is_last) {
        const auto mode = is_ours_ ? OpenMode::existing : OpenMode::reading;
        auto reader = SegmentReader::open(files_, folder_, number, mode);
        if (!reader) return reader.error();
        const auto rows_before = replay_.counts().rows;
        replay_batches(*reader);
        SegmentReport segment{.number = number,
                              .bytes = reader->bytes(),
                              .good_bytes = reader->good_bytes(),
                              .rows = replay_.counts().rows - rows_before};
        report_.bytes += segment.good_bytes;
        const bool is_being_written = !is_ours_ && is_last && reader->has_grown();
        if (segment.good_bytes != segment.bytes && !is_being_written) {
            if (auto left = leave_behind(*reader, is_last, segment); !left) return left;
        }
        if (is_being_written) segment.bytes = segment.good_bytes;
        report_.segments.push_back(segment);
        // Its writer was killed, perhaps: what we go on from must be on the disk.
        return is_ours_ ? reader->file().sync() : Result<void>();
    }

    void replay_batches(SegmentReader& reader) {
        if (reader.good_bytes() > 0) replay_.begin_segment(reader.run());
        std::uint64_t next = replay_.counts().records + kRecordsAtOnce;
        while (const auto records = reader.next()) {
            if (!replay_.apply(*records)) reader.reject();
            if (replay_.counts().records < next) continue;
            between_();
            next = replay_.counts().records + kRecordsAtOnce;
        }
    }

    /// Says and counts what stands behind the good part of a segment. It is cut off only if it is
    /// the end of the log and has no whole batch: what may be good for something is never removed.
    Result<void> leave_behind(SegmentReader& reader, bool is_last, SegmentReport& segment) {
        const auto path = folder_ + '/' + wal::segment_name(segment.number);
        const auto lost = segment.bytes - segment.good_bytes;
        segment.batches_behind = reader.count_batches_behind();
        if (reader.failed()) return *reader.failed();
        const bool cut = is_ours_ && is_last && segment.batches_behind == 0;
        report_.skipped_batches += segment.batches_behind;
        (cut ? report_.cut_bytes : report_.skipped_bytes) += lost;
        if (!cut) {
            log::warning(
                "{}: harmed at byte {} of {}: {} bytes, {} whole batches in them, are skipped",
                path, segment.good_bytes, segment.bytes, lost, segment.batches_behind);
            return {};
        }
        log::warning("{}: torn at byte {} of {}: the last {} bytes are cut off", path,
                     segment.good_bytes, segment.bytes, lost);
        return reader.file().truncate(segment.good_bytes);
    }

    Files& files_;
    const std::string folder_;
    WalReplay replay_;
    absl::FunctionRef<void()> between_;
    const bool is_ours_;
    ReplayReport report_;
};

}  // namespace

void WalReplay::begin_segment(std::uint32_t run) {
    if (run != run_) {
        for (const auto group : open_groups()) into_.close_group(group, kNever);
        groups_.clear();
        run_ = run;
    }
    for (auto& [number, group] : groups_) group.stated = false;
}

bool WalReplay::apply(std::string_view records) {
    ByteReader in(records);
    while (!in.rest().empty()) {
        if (!apply_record(in)) return false;
        ++counts_.records;
    }
    return true;
}

std::vector<GroupId> WalReplay::open_groups() const {
    std::vector<GroupId> open;
    for (const auto& [number, group] : groups_) open.push_back(group.id);
    std::ranges::sort(open);
    return open;
}

bool WalReplay::apply_record(ByteReader& in) {
    const auto type = static_cast<RecordType>(in.byte());
    const auto number = in.varint();
    if (!in.ok() || number > UINT32_MAX) return false;
    if (type == RecordType::group || type == RecordType::loose_group) {
        on_group(static_cast<std::uint32_t>(number), type == RecordType::loose_group, in);
        return in.ok();
    }
    if (type == RecordType::families) {
        on_families(in);
        return in.ok();
    }
    const auto found = groups_.find(static_cast<std::uint32_t>(number));
    if (found == groups_.end() || !found->second.stated) return false;
    Group& group = found->second;
    switch (type) {
        case RecordType::columns:
            on_columns(group, in);
            return in.ok();
        case RecordType::row:
            on_row(group, in);
            return in.ok();
        case RecordType::cells:
            on_cells(group, in);
            return in.ok();
        case RecordType::timed:
            on_timed(group, in);
            return in.ok();
        case RecordType::exemplars:
            on_exemplars(group, in);
            return in.ok();
        case RecordType::gap:
        case RecordType::close: {
            const auto time = read_time(in, 0);
            if (!in.ok()) return false;
            if (type == RecordType::gap) {
                into_.append_gap(group.id, time);
            } else {
                into_.close_group(group.id, time);
                groups_.erase(found);
            }
            return true;
        }
        case RecordType::group:
        case RecordType::loose_group:
        case RecordType::families:
            break;
    }
    return false;
}

void WalReplay::on_group(std::uint32_t number, bool is_loose, ByteReader& in) {
    const auto epoch = in.varint();
    const auto source = in.take(in.varint());
    if (!in.ok()) return;
    const auto [found, fresh] = groups_.try_emplace(number);
    Group& group = found->second;
    if (!fresh && group.is_loose != is_loose) return in.fail();
    if (fresh) {
        group.is_loose = is_loose;
        group.id = is_loose ? into_.open_loose_group(source) : into_.open_group(source);
    } else if (group.epoch != epoch) {
        into_.start_epoch(group.id);
        group.announced = 0;
    }
    group.epoch = epoch;
    group.stated = true;
    group.trusted = false;
    group.before = {};
}

void WalReplay::on_columns(Group& group, ByteReader& in) {
    std::vector<Column> columns;
    wal::LabelsReader reader(in);
    for (auto left = in.varint(); left > 0 && in.ok(); --left) columns.push_back(reader.column());
    if (!in.ok()) return;
    const auto known = group.announced - std::min(group.announced, group.before.values.size());
    group.before.values.resize(group.before.values.size() + columns.size());
    if (known >= columns.size()) return;
    into_.add_columns(group.id, std::span(columns).subspan(known));
    group.trusted = false;
    group.announced = group.before.values.size();
}

void WalReplay::on_row(Group& group, ByteReader& in) {
    if (group.is_loose || group.before.values.size() != group.announced ||
        !wal::read_row(in, group.before, changed_))
        return in.fail();
    Row row{.time = group.before.time, .values = group.before.values, .changed = {}};
    if (group.trusted) row.changed = changed_;
    group.trusted = into_.append_row(group.id, row).has_value();
    ++(group.trusted ? counts_.rows : counts_.refused);
}

void WalReplay::on_cells(Group& group, ByteReader& in) {
    if (group.before.values.size() != group.announced || !wal::read_cells(in, group.before, cells_))
        return in.fail();
    group.trusted = false;
    const auto taken = into_.append_cells(group.id, group.before.time, cells_);
    ++(taken ? counts_.rows : counts_.refused);
}

void WalReplay::on_families(ByteReader& in) {
    std::vector<FamilyPtr> families;
    wal::LabelsReader reader(in);
    for (auto left = in.varint(); left > 0 && in.ok(); --left) {
        if (auto family = reader.family()) families.push_back(std::move(family));
    }
    if (in.ok()) into_.add_families(families);
}

void WalReplay::on_timed(Group& group, ByteReader& in) {
    std::vector<TimedSample> samples;
    wal::LabelsReader reader(in);
    Timestamp before = 0;
    for (auto left = in.varint(); left > 0 && in.ok(); --left) {
        auto& sample = samples.emplace_back();
        sample.labels = reader.labels();
        sample.family = reader.family();
        sample.shown_on = reader.shown_on();
        sample.time = before = read_time(in, before);
        sample.value = in.word<double>();
    }
    if (in.ok() && !into_.append_timed(group.id, samples)) ++counts_.refused;
}

void WalReplay::on_exemplars(Group& group, ByteReader& in) {
    std::vector<Exemplar> exemplars;
    wal::LabelsReader reader(in);
    Timestamp before = 0;
    for (auto left = in.varint(); left > 0 && in.ok(); --left) {
        auto& exemplar = exemplars.emplace_back();
        const auto column = in.varint();
        if (column >= group.announced) return in.fail();
        exemplar.column = static_cast<std::uint32_t>(column);
        exemplar.labels = reader.labels();
        exemplar.time = before = read_time(in, before);
        exemplar.value = in.word<double>();
    }
    if (in.ok()) into_.append_exemplars(group.id, exemplars);
}

Result<ReplayReport> replay_log(Files& files, const std::string& folder, PieceAppender& into,
                                absl::FunctionRef<void()> between, Access access) {
    return LogReading(files, folder, into, between, access).read();
}

}  // namespace inferscope::tsdb
