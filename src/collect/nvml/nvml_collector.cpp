// SPDX-License-Identifier: Apache-2.0
#include "collect/nvml/nvml_collector.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace inferscope::collect {
namespace {

/// So often run() looks whether it is to stop while it waits for events.
constexpr Millis kEventSlice{200};
constexpr std::uint64_t kOtherXid = 999;

}  // namespace

void NvmlCollector::run() {
    const SystemClock clock;
    {
        const std::scoped_lock lock(mutex_);
        running_ = true;
    }
    while (!stopping()) {
        const SteadyTime due = step(clock.steady());
        bool has_events = true;
        while (has_events && !stopping() && clock.steady() < due) {
            const auto left = std::chrono::ceil<Millis>(due - clock.steady());
            has_events = take_events(std::min(left, kEventSlice));
        }
        wait_until(due);
    }
    session_.reset();
    const std::scoped_lock lock(mutex_);
    running_ = false;
    changed_.notify_all();
}

bool NvmlCollector::stop(Nanos patience) {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    return changed_.wait_for(lock, patience, [&] { return !running_; });
}

bool NvmlCollector::stopping() {
    const std::scoped_lock lock(mutex_);
    return stopping_;
}

void NvmlCollector::wait_until(SteadyTime due) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, due, [&] { return stopping_; });
}

std::shared_ptr<const GpuSnapshot> NvmlCollector::newest() const {
    return newest_.with([](const auto& snapshot) { return snapshot; });
}

void NvmlCollector::publish(GpuSnapshot snapshot) {
    auto made = std::make_shared<const GpuSnapshot>(std::move(snapshot));
    newest_.with(
        [&](auto& newest) { newest.swap(made); });  // the old one is freed outside of the lock
}

SteadyTime NvmlCollector::step(SteadyTime now) {
    if (!session_) {
        if (now < next_start_) return next_start_;
        start_session(now);
        if (!session_) return next_start_;
    }
    if (now < next_read_) return next_read_;
    if (now >= next_check_) {
        next_check_ = now + settings_.slow_interval;
        if (!session_->is_complete()) {
            log::debug("the list of GPUs has changed, or one is lost: starting anew");
            session_.reset();
            start_session(now);
            if (!session_) return next_start_;
        }
    }
    next_read_ = now + settings_.interval;
    if (session_->read(now) == nvml::Reading::driver_gone) {
        end_session(now, "the GPU driver was unloaded");
        return next_start_;
    }
    publish_running(now);
    if (session_->read_slow(now) == nvml::Reading::driver_gone) {
        end_session(now, "the GPU driver was unloaded");
        return next_start_;
    }
    return next_read_;
}

void NvmlCollector::start_session(SteadyTime now) {
    auto library = nvml::Library::load(settings_.library);
    if (!library) {
        end_session(now, library.error().text);
        return;
    }
    const auto before = newest();
    if (!before || before->driver == DriverState::absent) {
        publish({.taken = now,
                 .driver = DriverState::starting,
                 .problem = {},
                 .driver_version = {},
                 .gpus = {}});
    }
    auto session = nvml::NvmlSession::start(std::move(*library), settings_);
    if (!session) {
        has_run_ |=
            session.error().code != Errc::not_found;  // it is there, and says that it is broken
        end_session(now, session.error().text);
        return;
    }
    session_ = std::move(*session);
    has_run_ = true;
    back_off_ = Nanos::zero();
    next_read_ = now;
    next_check_ = now + settings_.slow_interval;
    say("GPU metrics: " + session_->description(), false);
}

void NvmlCollector::end_session(SteadyTime now, const std::string& problem) {
    session_.reset();
    back_off_ = std::clamp(2 * back_off_, settings_.first_back_off, settings_.longest_back_off);
    next_start_ = now + back_off_;
    say((has_run_ ? "GPU metrics stop: " : "no NVIDIA GPU metrics: ") + problem, has_run_);
    publish({.taken = now,
             .driver = has_run_ ? DriverState::failed : DriverState::absent,
             .problem = problem,
             .driver_version = {},
             .gpus = {}});
}

void NvmlCollector::say(const std::string& text, bool is_problem) {
    if (text == said_) return;
    said_ = text;
    log::write(is_problem ? log::Level::warning : log::Level::info, text);
}

void NvmlCollector::say_lost_gpus(const std::vector<GpuState>& gpus) {
    for (const auto& gpu : gpus) {
        if (!gpu.lost) {
            lost_.erase(gpu.uuid);
        } else if (lost_.insert(gpu.uuid).second) {
            log::warning("GPU {} ({}) is lost: it has fallen off the bus, or needs a reset",
                         gpu.index, gpu.uuid);
        }
    }
}

std::vector<GpuState> NvmlCollector::all_states() {
    auto gpus = session_->states();
    for (const auto& [uuid, identity] : seen_) {
        if (std::ranges::find(gpus, uuid, &GpuState::uuid) == gpus.end()) gpus.push_back(identity);
    }
    for (const auto& gpu : gpus) {
        if (seen_.contains(gpu.uuid)) continue;
        auto& identity = seen_[gpu.uuid] = gpu;
        identity.lost = true;
        identity.values.clear();
        identity.lists_processes = false;
        identity.processes.clear();
    }
    return gpus;
}

void NvmlCollector::publish_running(SteadyTime now) {
    GpuSnapshot snapshot{.taken = now,
                         .driver = DriverState::running,
                         .problem = {},
                         .driver_version = session_->driver_version(),
                         .gpus = all_states()};
    say_lost_gpus(snapshot.gpus);
    for (auto& gpu : snapshot.gpus) {
        const auto known = xids_.find(gpu.uuid);
        if (known != xids_.end()) gpu.xids = known->second.counts;
        if (gpu.lost || !gpu.watched) continue;
        gpu.values.set(GpuField::last_xid, known == xids_.end() ? 0 : known->second.last);
    }
    publish(std::move(snapshot));
}

bool NvmlCollector::take_events(Millis longest) {
    if (!session_) return false;
    std::vector<nvml::XidEvent> events;
    const bool has_events = session_->wait_for_events(longest, events);
    for (const auto& event : events) count_event(event);
    return has_events;
}

void NvmlCollector::count_event(const nvml::XidEvent& event) {
    log::warning("GPU {}: XID {}", event.uuid, event.xid);
    auto& xids = xids_[event.uuid];
    xids.last = event.xid;
    auto known = std::ranges::find(xids.counts, event.xid, &XidCount::xid);
    if (known == xids.counts.end() && xids.counts.size() >= kMaxXids) {
        known = std::ranges::find(xids.counts, kOtherXid, &XidCount::xid);
    }
    if (known != xids.counts.end()) {
        ++known->events;
    } else {
        const bool is_last_place = xids.counts.size() + 1 >= kMaxXids;
        xids.counts.push_back({is_last_place ? kOtherXid : event.xid, 1});
    }
}

}  // namespace inferscope::collect
