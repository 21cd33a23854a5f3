// SPDX-License-Identifier: Apache-2.0
#include "app/storage.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <random>
#include <utility>

#include "app/process_memory.h"
#include "base/log.h"
#include "net/offload.h"

namespace inferscope::app {
namespace {

namespace asio = boost::asio;

constexpr auto kMaintainEvery = std::chrono::seconds(2);
/// What a power cut may take.
constexpr auto kSyncEvery = std::chrono::seconds(1);
constexpr Timestamp kCloseIdleEvery = 60 * 1000;

/// Prometheus names snapshots so: the time, and something that no other one has.
std::string snapshot_name(Timestamp now) {
    const auto seconds = std::chrono::sys_seconds(std::chrono::seconds(now / 1000));
    return fmt::format("{:%Y%m%dT%H%M%S}Z-{:08x}", seconds, std::random_device()());
}

}  // namespace

Result<std::unique_ptr<Storage>> Storage::open(const std::string& folder, const Config& config,
                                               const Clock& clock) {
    std::unique_ptr<Storage> storage(new Storage(folder, clock));
    auto store = tsdb::Store::open(storage->files_, folder, config.storage);
    if (!store) return store.error();
    storage->store_ = std::move(*store);
    storage->intake_ =
        std::make_unique<remote::Intake>(storage->store_->appender(), config.remote_write_receiver);
    return storage;
}

Storage::Storage(std::string folder, const Clock& clock)
    : folder_(std::move(folder)),
      clock_(clock),
      maintain_timer_(disk_.get_executor()),
      sync_timer_(wal_.get_executor()) {}

Storage::~Storage() { stop(); }

void Storage::start() {
    asio::co_spawn(disk_, maintain(), asio::detached);
    asio::co_spawn(wal_, sync(), asio::detached);
}

void Storage::stop() {
    if (is_stopping_.exchange(true)) return;
    asio::post(disk_, [this] { maintain_timer_.cancel(); });
    asio::post(wal_, [this] { sync_timer_.cancel(); });
    disk_.join();
    wal_.join();
    if (!store_) return;
    if (const auto synced = store_->sync(); !synced) log::error("{}", synced.error().text);
}

net::Task<void> Storage::maintain() {
    Timestamp looked_for_idle = clock_.wall();
    FreeMemoryWatch memory;
    std::string said;  // so that a disk that stays full is one line
    while (!is_stopping_) {
        const Timestamp now = clock_.wall();
        const auto done = store_->maintain(now);
        const std::string error = done ? std::string() : done.error().text;
        if (!error.empty() && error != said) log::error("the store: {}", error);
        said = error;
        if (now - looked_for_idle >= kCloseIdleEvery || now < looked_for_idle) {
            intake_->close_idle(now);
            looked_for_idle = now;
        }
        stats_.with([&](auto& stats) { stats = store_->stats(); });
        memory.look();
        maintain_timer_.expires_after(kMaintainEvery);
        boost::system::error_code cancelled;
        co_await maintain_timer_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
}

net::Task<void> Storage::sync() {
    while (!is_stopping_) {
        // It says itself in the log that it takes nothing anymore.
        static_cast<void>(store_->sync());
        sync_timer_.expires_after(kSyncEvery);
        boost::system::error_code cancelled;
        co_await sync_timer_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
}

net::Task<Result<void>> Storage::flush() {
    Result<void> done;
    const auto work = [&] {
        done = store_->flush(clock_.wall());
        stats_.with([&](auto& stats) { stats = store_->stats(); });
    };
    co_await net::offload(disk_.get_executor(), work);
    co_return done;
}

net::Task<Result<void>> Storage::delete_series(std::vector<Matcher> matchers,
                                               tsdb::TimeRange times) {
    Result<void> done;
    const auto work = [&] { done = store_->delete_series(matchers, times, clock_.wall()); };
    co_await net::offload(disk_.get_executor(), work);
    co_return done;
}

net::Task<Result<std::string>> Storage::snapshot() {
    auto name = snapshot_name(clock_.wall());
    Result<void> done;
    const auto work = [&] {
        done = store_->snapshot(folder_ + "/snapshots/" + name, clock_.wall());
    };
    co_await net::offload(disk_.get_executor(), work);
    if (!done) co_return done.error();
    co_return name;
}

tsdb::StoreStats Storage::stats() const {
    return stats_.with([](const auto& stats) { return stats; });
}

}  // namespace inferscope::app
