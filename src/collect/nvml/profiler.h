// SPDX-License-Identifier: Apache-2.0
// The profiling counters of Hopper and newer cards (GPM): how much of the chip works, which
// utilization doesn't tell.
#pragma once

#include <memory>

#include "collect/config.h"
#include "collect/gpu_snapshot.h"
#include "collect/nvml/nvml_api.h"

namespace inferscope::collect::nvml {

/// Not to be asked again before a time: what a card lacks today may be there after an update of the
/// driver.
struct Pause {
    SteadyTime until = SteadyTime::min();

    [[nodiscard]] bool over(SteadyTime now) const { return now >= until; }
};

/// Two samples, at least 100 ms apart, make one set of numbers. Thread: confined to the driver's.
class Profiler {
public:
    Profiler(const Api& api, Device device);
    ~Profiler();
    Profiler(const Profiler&) = delete;
    Profiler& operator=(const Profiler&) = delete;

    /// The numbers of the time since the call before: none at the first, nor where the card has no
    /// such counters.
    void read(SteadyTime now, const NvmlSettings& settings, GpuValues& values);
    /// Whether the last numbers held PCIe throughput, so that nobody needs to measure it.
    [[nodiscard]] bool gives_pcie() const { return gives_pcie_; }

private:
    int take_numbers(GpuValues& values);

    const Api& api_;
    Device device_;
    GpmSample earlier_ = nullptr;
    GpmSample later_ = nullptr;
    SteadyTime earlier_time_;
    bool has_earlier_ = false;
    bool gives_pcie_ = false;
    Pause pause_;
    std::unique_ptr<GpmMetricsGet> request_;
};

}  // namespace inferscope::collect::nvml
