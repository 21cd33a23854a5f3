// SPDX-License-Identifier: Apache-2.0
// The store, what fills it from outside, and the threads that look after it: "disk" (sealing,
// blocks, compaction) and "wal" (fsync).
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/files.h"
#include "base/guarded.h"
#include "base/time.h"
#include "net/async.h"
#include "remote/intake.h"
#include "tsdb/store.h"

namespace inferscope::app {

/// Thread: io, unless said otherwise.
class Storage {
public:
    /// Opens the store in `folder` (docs/formats). Fails with what the user must mend: another
    /// process has it, or it can't be written.
    static Result<std::unique_ptr<Storage>> open(const std::string& folder, const Config& config,
                                                 const Clock& clock);
    ~Storage();
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;

    [[nodiscard]] tsdb::Store& store() { return *store_; }
    [[nodiscard]] remote::Intake& intake() { return *intake_; }

    /// Starts the background work.
    void start();
    /// Ends it, and puts on the disk what was appended; blocks until then.
    void stop();

    /// These run on the thread "disk".
    net::Task<Result<void>> flush();
    net::Task<Result<void>> delete_series(std::vector<Matcher> matchers, tsdb::TimeRange times);
    /// Returns the name of the snapshot, a folder in `folder`/snapshots.
    net::Task<Result<std::string>> snapshot();

    /// As of the last round of background work: gathering it walks over all series.
    [[nodiscard]] tsdb::StoreStats stats() const;

private:
    Storage(std::string folder, const Clock& clock);
    net::Task<void> maintain();
    net::Task<void> sync();

    const std::string folder_;
    const Clock& clock_;
    DiskFiles files_;
    std::unique_ptr<tsdb::Store> store_;
    std::unique_ptr<remote::Intake> intake_;
    Guarded<tsdb::StoreStats> stats_;
    boost::asio::thread_pool disk_{1};
    boost::asio::thread_pool wal_{1};
    boost::asio::steady_timer maintain_timer_;
    boost::asio::steady_timer sync_timer_;
    std::atomic<bool> is_stopping_{false};
};

}  // namespace inferscope::app
