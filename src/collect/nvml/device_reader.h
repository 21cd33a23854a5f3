// SPDX-License-Identifier: Apache-2.0
// Asks one GPU for all that it gives. A call that the card or the driver lacks costs its own
// numbers only.
#pragma once

#include <vector>

#include "collect/config.h"
#include "collect/gpu_snapshot.h"
#include "collect/nvml/nvml_api.h"
#include "collect/nvml/profiler.h"

namespace inferscope::collect::nvml {

/// How a reading ended.
enum class Reading {
    done,         ///< some numbers may be missing
    gpu_lost,     ///< this GPU answers no more; others do
    driver_gone,  ///< the library must be started anew
};

/// Thread: confined to the driver's.
class DeviceReader {
public:
    /// `api` and `settings` outlive it. Asks for what never changes: UUID, name, bus, cores.
    DeviceReader(const Api& api, Device device, unsigned index, const NvmlSettings& settings);

    /// Asks for everything but what `read_slow` does.
    Reading read(SteadyTime now);
    /// PCIe throughput where only the call that takes 20 ms for each direction gives it; shown by
    /// the next read.
    Reading read_slow(SteadyTime now);

    /// Whether XID events of this GPU reach us; for the state.
    void set_watched(bool watched) { state_.watched = watched; }
    [[nodiscard]] const GpuState& state() const { return state_; }
    [[nodiscard]] Device device() const { return device_; }

private:
    /// A number that has an id instead of a function; each is dropped by itself.
    struct Field {
        unsigned id;
        unsigned scope;
        GpuField target;
        Pause pause;
    };

    Reading call_all(SteadyTime now);
    int read_fields(SteadyTime now, GpuValues& values);
    int read_nvlink(GpuValues& values);
    int sum_links(unsigned links, GpuValues& values);
    void read_processes(SteadyTime now);
    void add_process(const ProcessInfo& info);
    Reading mark(Reading reading);

    const Api& api_;
    Device device_;
    const NvmlSettings& settings_;
    GpuState state_;
    Profiler profiler_;
    GpuValues lasting_;     ///< what is asked for rarely
    GpuValues throughput_;  ///< PCIe, from read_slow
    SteadyTime next_rare_ = SteadyTime::min();
    std::vector<Pause> pauses_;  ///< one for each call of the table
    std::vector<Field> fields_;
    Pause fields_pause_;
    Pause nvlink_pause_;
    Pause processes_pause_;
    Pause throughput_pause_;
    std::vector<ProcessInfo> process_buffer_;
};

}  // namespace inferscope::collect::nvml
