// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_appender.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "tsdb/bit_packing.h"
#include "tsdb/bit_varint.h"
#include "tsdb/wal_format.h"
#include "tsdb/wal_labels.h"
#include "tsdb/wal_reader.h"

namespace inferscope::tsdb {
namespace {

using wal::RecordType;

std::uint32_t number(GroupId group) { return static_cast<std::uint32_t>(group); }

void begin_record(std::string& out, RecordType type, GroupId group) {
    out += static_cast<char>(type);
    append_varint(out, number(group));
}

void append_time(std::string& out, Timestamp time, Timestamp before) {
    append_varint(out,
                  zigzag(static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(before)));
}

std::string group_record(GroupId id, bool is_loose, std::uint64_t epoch, std::string_view source) {
    std::string record;
    begin_record(record, is_loose ? RecordType::loose_group : RecordType::group, id);
    append_varint(record, epoch);
    append_varint(record, source.size());
    record += source;
    return record;
}

std::string columns_record(GroupId id, std::span<const Column> columns) {
    std::string record;
    begin_record(record, RecordType::columns, id);
    append_varint(record, columns.size());
    wal::LabelsWriter writer(record);
    for (const auto& column : columns) writer.column(column);
    return record;
}

void append_timed_record(std::string& out, GroupId id, std::span<const TimedSample> samples) {
    begin_record(out, RecordType::timed, id);
    append_varint(out, samples.size());
    wal::LabelsWriter writer(out);
    Timestamp before = 0;
    for (const auto& sample : samples) {
        writer.labels(sample.labels);
        writer.family(sample.family);
        out += static_cast<char>(sample.shown_on);
        append_time(out, sample.time, std::exchange(before, sample.time));
        append_word(out, sample.value);
    }
}

void append_exemplars_record(std::string& out, GroupId id, std::span<const Exemplar> exemplars) {
    begin_record(out, RecordType::exemplars, id);
    append_varint(out, exemplars.size());
    wal::LabelsWriter writer(out);
    Timestamp before = 0;
    for (const auto& exemplar : exemplars) {
        append_varint(out, exemplar.column);
        writer.labels(exemplar.labels);
        append_time(out, exemplar.time, std::exchange(before, exemplar.time));
        append_word(out, exemplar.value);
    }
}

}  // namespace

Result<std::unique_ptr<LogAppender>> LogAppender::open(Files& files, std::string folder,
                                                       const WalSettings& settings,
                                                       PieceAppender& next) {
    if (auto made = files.make_folder(folder); !made) return made.error();
    auto lock = files.lock(folder + "/lock");
    if (!lock) return lock.error();
    const auto present = list_segments(files, folder);
    if (!present) return present.error();
    const std::uint32_t first = present->empty() ? 1 : present->back() + 1;
    WalWriter writer(files, folder, settings, first);
    return std::unique_ptr<LogAppender>(new LogAppender(files, std::move(folder), settings, next,
                                                        std::move(*lock), std::move(writer)));
}

LogAppender::LogAppender(Files& files, std::string folder, const WalSettings& settings,
                         PieceAppender& next, std::unique_ptr<FileLock> lock, WalWriter writer)
    : files_(files),
      folder_(std::move(folder)),
      settings_(settings),
      next_(next),
      lock_(std::move(lock)),
      log_(std::move(writer)) {}

LogAppender::~LogAppender() {
    // Writes what was gathered and gives back the room; who must know whether that went well has
    // called flush() or sync().
    static_cast<void>(roll());
}

void LogAppender::Log::restate(Group& group) {
    if (group.stretch == writer.stretch()) return;
    group.stretch = writer.stretch();
    group.before.restart();
    group.layout.append_to(writer.batch());
}

Result<void> LogAppender::write(GroupId id, absl::FunctionRef<void(Group&, std::string&)> encode) {
    bool is_batch = false;
    auto written = log_.with([&](Log& log) -> Result<void> {
        is_batch = log.batches > 0;
        if (auto ready = log.writer.prepare(); !ready) return ready;
        const auto group = log.groups.find(number(id));
        CHECK(group != log.groups.end(), "the group is open");
        log.restate(group->second);
        encode(group->second, log.writer.batch());
        return log.writer.commit();
    });
    if (!written || settings_.gather_bytes > 0 || is_batch) return written;
    return acknowledge();
}

void LogAppender::state(GroupId id, absl::FunctionRef<std::string(Group&)> change) {
    log_.with([&](Log& log) {
        const bool ready = log.writer.prepare().has_value();
        Group& group = log.groups[number(id)];
        if (ready) log.restate(group);
        const auto record = change(group);
        if (!ready) return;  // the next one that is taken begins a stretch, and states it all
        log.writer.batch() += record;
        static_cast<void>(log.writer.commit());
    });
}

Result<void> LogAppender::acknowledge() {
    return settings_.fsync == WalSettings::Fsync::always ? sync() : Result<void>();
}

GroupId LogAppender::open_group(std::string_view source) {
    const auto id = next_.open_group(source);
    open(id, false, source);
    return id;
}

GroupId LogAppender::open_loose_group(std::string_view source) {
    const auto id = next_.open_loose_group(source);
    open(id, true, source);
    return id;
}

void LogAppender::open(GroupId id, bool is_loose, std::string_view source) {
    state(id, [&](Group& group) {
        group.is_loose = is_loose;
        group.source = source;
        auto record = group_record(id, is_loose, group.epoch, source);
        group.layout.add(record);
        return record;
    });
}

void LogAppender::start_epoch(GroupId group) {
    state(group, [&](Group& changed) {
        auto record = group_record(group, changed.is_loose, ++changed.epoch, changed.source);
        changed.before = {};
        changed.layout = {};
        changed.layout.add(record);
        return record;
    });
    next_.start_epoch(group);
}

void LogAppender::add_columns(GroupId group, std::span<const Column> columns) {
    state(group, [&](Group& changed) {
        auto record = columns_record(group, columns);
        changed.layout.add(record);
        changed.before.values.resize(changed.before.values.size() + columns.size());
        changed.before.is_row = false;  // `changed` of the next row can't speak of these
        return record;
    });
    next_.add_columns(group, columns);
}

Result<void> LogAppender::append_row(GroupId group, const Row& row) {
    const std::shared_lock handing_on(handing_on_);
    Row handed = row;
    const auto written = write(group, [&](Group& its, std::string& out) {
        // After a refused row `changed` compares with one that the next appender hasn't seen.
        if (!its.before.is_row) handed.changed = {};
        begin_record(out, RecordType::row, group);
        wal::append_row(out, row, its.before);
    });
    return written ? next_.append_row(group, handed) : written;
}

Result<VerdictCounts> LogAppender::append_cells(GroupId group, Timestamp time,
                                                std::span<const Cell> cells) {
    if (cells.empty()) return VerdictCounts{};
    const std::shared_lock handing_on(handing_on_);
    const auto written = write(group, [&](Group& its, std::string& out) {
        begin_record(out, RecordType::cells, group);
        wal::append_cells(out, time, cells, its.before);
    });
    if (!written) return written.error();
    return next_.append_cells(group, time, cells);
}

void LogAppender::add_families(std::span<const FamilyPtr> families) {
    if (families.empty()) return;
    log_.with([&](Log& log) {
        if (!log.writer.prepare()) return;
        std::string& out = log.writer.batch();
        begin_record(out, RecordType::families, GroupId{0});
        append_varint(out, families.size());
        wal::LabelsWriter writer(out);
        for (const auto& family : families) writer.family(family);
        static_cast<void>(log.writer.commit());
    });
    next_.add_families(families);
}

void LogAppender::begin_batch() {
    log_.with([](Log& log) {
        if (log.batches++ > 0) return;
        log.failures = log.writer.failures();
        log.writer.set_gathering(true);
    });
}

Result<void> LogAppender::end_batch() {
    const auto flushed = log_.with([](Log& log) -> Result<void> {
        auto written = log.writer.flush();
        if (--log.batches == 0) log.writer.set_gathering(false);
        // Somebody else's call may have tried to write what was gathered.
        if (written && log.writer.failures() != log.failures) return *log.writer.last_failure();
        return written;
    });
    return flushed ? acknowledge() : flushed;
}

void LogAppender::append_gap(GroupId group, Timestamp time) {
    const std::shared_lock handing_on(handing_on_);
    static_cast<void>(write(group, [&](Group&, std::string& out) {
        begin_record(out, RecordType::gap, group);
        append_time(out, time, 0);
    }));
    next_.append_gap(group, time);
}

Result<void> LogAppender::append_timed(GroupId group, std::span<const TimedSample> samples) {
    const std::shared_lock handing_on(handing_on_);
    const auto written =
        write(group, [&](Group&, std::string& out) { append_timed_record(out, group, samples); });
    return written ? next_.append_timed(group, samples) : written;
}

void LogAppender::append_exemplars(GroupId group, std::span<const Exemplar> exemplars) {
    const std::shared_lock handing_on(handing_on_);
    static_cast<void>(write(
        group, [&](Group&, std::string& out) { append_exemplars_record(out, group, exemplars); }));
    next_.append_exemplars(group, exemplars);
}

void LogAppender::close_group(GroupId group, Timestamp time) {
    const std::shared_lock handing_on(handing_on_);
    static_cast<void>(write(group, [&](Group&, std::string& out) {
        begin_record(out, RecordType::close, group);
        append_time(out, time, 0);
    }));
    log_.with([&](Log& log) { log.groups.erase(number(group)); });
    next_.close_group(group, time);
}

Result<void> LogAppender::flush() {
    const auto flushed = log_.with([](Log& log) { return log.writer.flush(); });
    return flushed ? acknowledge() : flushed;
}

Result<void> LogAppender::sync() {
    const std::scoped_lock turn(one_sync_);
    auto task = log_.with([](Log& log) { return log.writer.begin_sync(); });
    const auto done = task.run(files_, folder_);
    return log_.with([&](Log& log) -> Result<void> {
        log.writer.end_sync(task, done);
        return log.writer.stopped() ? Result<void>(*log.writer.stopped()) : Result<void>();
    });
}

std::uint64_t LogAppender::written() const {
    return log_.with([](const Log& log) { return log.writer.written(); });
}

std::uint64_t LogAppender::synced() const {
    return log_.with([](const Log& log) { return log.writer.synced(); });
}

Result<std::vector<WalSegment>> LogAppender::segments() const {
    const auto numbers = list_segments(files_, folder_);
    if (!numbers) return numbers.error();
    std::vector<WalSegment> segments;
    for (const auto segment : *numbers) {
        const auto file =
            files_.open(folder_ + '/' + wal::segment_name(segment), OpenMode::existing);
        if (!file) return file.error();
        const auto bytes = (*file)->size();
        if (!bytes) return bytes.error();
        segments.push_back({segment, *bytes});
    }
    return segments;
}

Result<std::uint32_t> LogAppender::roll() {
    const std::unique_lock handed_on(handing_on_);
    return log_.with([](Log& log) { return log.writer.roll(); });
}

Result<void> LogAppender::drop_before(std::uint32_t segment) {
    const auto numbers = list_segments(files_, folder_);
    if (!numbers) return numbers.error();
    const auto current = log_.with([](const Log& log) { return log.writer.current(); });
    for (const auto number : *numbers) {
        if (number >= segment || (current && number >= current->number)) break;
        if (auto removed = files_.remove(folder_ + '/' + wal::segment_name(number)); !removed)
            return removed;
    }
    return files_.sync_folder(folder_);
}

}  // namespace inferscope::tsdb
