// SPDX-License-Identifier: Apache-2.0
// NVIDIA GPUs, from a thread of its own: a driver that hangs holds up that thread and nothing else.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/time.h"
#include "collect/config.h"
#include "collect/gpu_snapshot.h"
#include "collect/nvml/nvml_session.h"

namespace inferscope::collect {

/// Held by shared_ptr from both sides: `app` puts `run()` on a detached thread that holds one, so
/// that a thread which never comes back from the driver never touches freed memory, and nobody
/// waits for it:
///     auto gpus = std::make_shared<NvmlCollector>(settings);
///     std::thread([gpus] { gpus->run(); }).detach();
class NvmlCollector {
public:
    explicit NvmlCollector(NvmlSettings settings) : settings_(std::move(settings)) {}

    /// Works until stop(). Thread: the driver's own, and only once.
    void run();
    /// Asks run() to end and waits for that, `patience` at most. False: it hasn't ended (the driver
    /// hangs, or is slow); then leave the process by std::quick_exit or _exit, since the library's
    /// own clean-up at exit would meet that thread. Thread: any but run()'s.
    bool stop(Nanos patience);
    /// The newest snapshot; null before the first one. Its age tells whether the driver answers.
    /// Thread: any.
    [[nodiscard]] std::shared_ptr<const GpuSnapshot> newest() const;

    /// One step of run(): starts the library, or asks it, when the time has come. Returns when the
    /// next step is due. Thread: run()'s; tests call it instead.
    SteadyTime step(SteadyTime now);
    /// Takes the events that are there, waiting for `longest` at most; false if none can be had.
    /// Thread: run()'s.
    bool take_events(Millis longest);

private:
    void start_session(SteadyTime now);
    void end_session(SteadyTime now, const std::string& problem);
    void say_lost_gpus(const std::vector<GpuState>& gpus);
    void count_event(const nvml::XidEvent& event);
    /// The session's GPUs, and as lost ones those that were there before and can't be opened now.
    std::vector<GpuState> all_states();
    void publish_running(SteadyTime now);
    void say(const std::string& text, bool is_problem);
    void publish(GpuSnapshot snapshot);
    void wait_until(SteadyTime due);
    [[nodiscard]] bool stopping();

    const NvmlSettings settings_;
    Guarded<std::shared_ptr<const GpuSnapshot>> newest_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;  // under mutex_
    bool running_ = false;   // under mutex_

    // The rest belongs to run()'s thread.
    struct Xids {
        std::uint64_t last = 0;
        std::vector<XidCount> counts;
    };
    std::unique_ptr<nvml::NvmlSession> session_;
    SteadyTime next_start_ = SteadyTime::min();
    SteadyTime next_read_ = SteadyTime::min();
    SteadyTime next_check_ = SteadyTime::min();
    Nanos back_off_{0};
    bool has_run_ = false;
    std::string said_;  ///< the last log line about the driver's state: said once
    std::map<std::string, GpuState> seen_;  ///< by UUID: what each GPU is, without its numbers
    std::set<std::string> lost_;            ///< UUIDs of those last seen lost
    /// By UUID; outlives sessions, since counters must not fall.
    std::map<std::string, Xids> xids_;
};

}  // namespace inferscope::collect
