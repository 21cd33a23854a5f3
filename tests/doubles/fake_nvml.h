// SPDX-License-Identifier: Apache-2.0
// The controls of the double of NVIDIA's library (libfake-nvml.so): what its GPUs say, and how they
// fail.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace inferscope::doubles {

/// Process-wide; the library exports one as `fake_nvml_controls()`. Thread: any.
class FakeNvml {
public:
    struct Process {
        unsigned pid = 0;
        std::uint64_t bytes = 0;
    };

    /// All GPUs healthy, nothing called yet. `gpus` at most 16.
    void reset(unsigned gpus) {
        const std::scoped_lock lock(mutex_);
        gpus_ = gpus;
        results_.clear();
        calls_.clear();
        events_.clear();
        processes_.clear();
        hanging_.clear();
        changed_.notify_all();
    }
    void set_gpus(unsigned gpus) {
        const std::scoped_lock lock(mutex_);
        gpus_ = gpus;
    }
    /// Every call of `function` ("nvmlDeviceGetPowerUsage", or a field: "field 82"; "*" for all)
    /// answers `result`; for one GPU, or (-1) for all. 0 takes it back.
    void set_result(const std::string& function, int result, int gpu = -1) {
        const std::scoped_lock lock(mutex_);
        results_[{function, gpu}] = result;
    }
    /// Calls of `function` don't return until release().
    void hang_in(const std::string& function) {
        const std::scoped_lock lock(mutex_);
        hanging_ = function;
    }
    void release() {
        hang_in({});
        changed_.notify_all();
    }
    void push_xid(unsigned gpu, std::uint64_t xid) {
        const std::scoped_lock lock(mutex_);
        events_.push_back({gpu, xid});
        changed_.notify_all();
    }
    void set_processes(unsigned gpu, std::vector<Process> processes) {
        const std::scoped_lock lock(mutex_);
        processes_[gpu] = std::move(processes);
    }
    [[nodiscard]] int calls(const std::string& function) {
        const std::scoped_lock lock(mutex_);
        return calls_[function];
    }
    /// Waits until somebody hangs.
    void wait_for_hang() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return waiting_ > 0; });
    }

    // --- for the library

    /// Counts the call, hangs if told so, and says what it must answer (0: do your work).
    int enter(const std::string& function, int gpu) {
        std::unique_lock lock(mutex_);
        ++calls_[function];
        if (hanging_ == function) {
            ++waiting_;
            changed_.notify_all();
            changed_.wait(lock, [&] { return hanging_ != function; });
            --waiting_;
        }
        return result_of(function, gpu);
    }
    int field_result(unsigned field, int gpu) {
        const std::scoped_lock lock(mutex_);
        return result_of("field " + std::to_string(field), gpu);
    }
    unsigned gpus() {
        const std::scoped_lock lock(mutex_);
        return gpus_;
    }
    std::vector<Process> processes(unsigned gpu) {
        const std::scoped_lock lock(mutex_);
        return processes_[gpu];
    }
    struct Event {
        unsigned gpu = 0;
        std::uint64_t xid = 0;
    };
    /// False: none within `millis`.
    bool take_event(unsigned millis, Event& event) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::milliseconds(millis),
                          [&] { return !events_.empty(); });
        if (events_.empty()) return false;
        event = events_.front();
        events_.pop_front();
        return true;
    }

private:
    int result_of(const std::string& function, int gpu) const {
        for (const auto& name : {function, std::string("*")}) {
            for (const int which : {gpu, -1}) {
                if (name == "*" && gpu < 0) continue;  // a lost GPU doesn't stop the library
                const auto known = results_.find({name, which});
                if (known != results_.end() && known->second != 0) return known->second;
            }
        }
        return 0;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    unsigned gpus_ = 0;
    int waiting_ = 0;
    std::string hanging_;
    std::map<std::pair<std::string, int>, int> results_;
    std::map<std::string, int> calls_;
    std::deque<Event> events_;
    std::map<unsigned, std::vector<Process>> processes_;
};

}  // namespace inferscope::doubles
