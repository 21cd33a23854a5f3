// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_writer.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "tsdb/wal_format.h"

namespace inferscope::tsdb {
namespace {

/// Full segments that wait for a sync; with more, whoever appends waits for the disk.
constexpr std::size_t kMostFinished = 8;
constexpr std::uint64_t kGatheredBytes = 1 << 20;

}  // namespace

Result<void> WalWriter::SyncTask::run(Files& files, const std::string& folder) {
    for (const auto& file : finished_)
        if (auto synced = file->sync(); !synced) return synced;
    if (current_ != nullptr)
        if (auto synced = current_->sync(); !synced) return synced;
    if (folder_) return files.sync_folder(folder);
    return {};
}

WalWriter::WalWriter(Files& files, std::string folder, const WalSettings& settings,
                     std::uint32_t first)
    : files_(files), folder_(std::move(folder)), settings_(settings), run_(first), next_(first) {}

Result<void> WalWriter::prepare() {
    if (stopped_) return *stopped_;
    if (file_ && size_ + batch_.size() >= settings_.segment_bytes) {
        if (auto rolled = roll(); !rolled) return rolled.error();
    }
    if (!file_) {
        if (auto started = start_segment(); !started) return started;
    }
    if (batch_.empty()) wal::begin_batch(batch_);
    return {};
}

Result<void> WalWriter::commit() {
    const auto enough = gathers_ ? kGatheredBytes : settings_.gather_bytes;
    return batch_.size() >= enough ? flush() : Result<void>();
}

Result<void> WalWriter::flush() {
    if (stopped_) return *stopped_;
    if (batch_.empty()) return {};
    auto written = write_batch();
    batch_.clear();
    if (!written) {
        ++stretch_;
        ++failures_;
        last_failure_ = written.error();
    }
    return written;
}

Result<std::uint32_t> WalWriter::roll() {
    if (auto flushed = flush(); !flushed) return flushed.error();
    finish_segment();
    return next_;
}

std::optional<WalSegment> WalWriter::current() const {
    if (!file_) return std::nullopt;
    return WalSegment{next_ - 1, size_};
}

Result<void> WalWriter::start_segment() {
    if (auto bound = bound_finished(); !bound) return bound;
    const auto path = folder_ + '/' + wal::segment_name(next_);
    std::string header;
    wal::append_header(header, {.segment = next_, .run = run_});
    auto file = files_.open(path, OpenMode::fresh);
    if (!file) return file.error();
    file_ = std::move(*file);
    size_ = allocated_ = 0;
    auto filled = take_room(header.size());
    if (filled) filled = file_->append(header);
    if (!filled) {
        file_.reset();
        // If it stays, the next attempt empties it; a reader takes it for a segment without
        // records.
        static_cast<void>(files_.remove(path));
        return filled;
    }
    size_ = header.size();
    written_ += header.size();
    ++next_;
    ++stretch_;
    sync_folder_ = true;
    return {};
}

Result<void> WalWriter::write_batch() {
    wal::finish_batch(batch_);
    if (auto room = take_room(size_ + batch_.size()); !room) return room;
    if (auto appended = file_->append(batch_); !appended) {
        const auto cut = file_->truncate(size_);
        allocated_ = size_;
        if (!cut) stop(cut.error());
        return appended;
    }
    size_ += batch_.size();
    written_ += batch_.size();
    return {};
}

Result<void> WalWriter::take_room(std::uint64_t bytes) {
    if (bytes <= allocated_) return {};
    const auto wanted = bytes + settings_.allocate_bytes;
    if (auto taken = file_->allocate(wanted); !taken) return taken;
    allocated_ = wanted;
    return {};
}

void WalWriter::finish_segment() {
    if (!file_) return;
    // Room that can't be given back is wasted until the segment is dropped, no more.
    static_cast<void>(file_->truncate(size_));
    finished_.push_back(std::move(file_));
}

Result<void> WalWriter::bound_finished() {
    while (!syncing_ && finished_.size() >= kMostFinished) {
        if (auto synced = finished_.front()->sync(); !synced) {
            stop(synced.error());
            return synced;
        }
        finished_.erase(finished_.begin());
    }
    return {};
}

void WalWriter::stop(const Error& error) {
    if (stopped_) return;
    stopped_ = Error{Errc::io_error, fmt::format("{}: the log takes nothing until a restart: {}",
                                                 folder_, error.text)};
    log::error("{}", stopped_->text);
}

WalWriter::SyncTask WalWriter::begin_sync() {
    CHECK(!syncing_, "one sync at a time");
    syncing_ = true;
    SyncTask task;
    task.finished_ = std::exchange(finished_, {});
    task.current_ = file_.get();
    task.folder_ = std::exchange(sync_folder_, false);
    task.position_ = written_;
    return task;
}

void WalWriter::end_sync(const SyncTask& task, const Result<void>& done) {
    syncing_ = false;
    if (done) {
        synced_ = task.position_;
    } else {
        stop(done.error());
    }
}

}  // namespace inferscope::tsdb
