// SPDX-License-Identifier: Apache-2.0
// This machine as a GPUStack worker: the names `gpustack:worker_node_*` that need no GPU.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/time.h"
#include "collect/collectors.h"
#include "collect/container_limits.h"
#include "collect/os_release.h"
#include "collect/series_table.h"
#include "telemetry/row_writer.h"

namespace inferscope::collect {

/// What uname(2) says.
struct KernelInfo {
    std::string name;
    std::string release;
    std::string version;
    std::string architecture;
};
KernelInfo read_kernel_info();

/// `used` of `total` in percent as GPUStack rounds it: the ratio to 6 digits.
double percent_of(double used, double total);

/// Inside of a container CPUs, memory and their use are those of the container where it is bounded.
/// Thread: confined to one.
class WorkerMetrics {
public:
    WorkerMetrics(OsRelease os, KernelInfo kernel);
    /// The CPU's use is that since the call before; the first one has none.
    void write(const HostFacts& facts, const ContainerLimits& limits, SteadyTime now,
               const Labels& labels, RowWriter& rows);

private:
    enum Series : std::size_t {
        os_info,
        kernel_info,
        uptime_seconds,
        cpu_cores,
        cpu_utilization_rate,
        memory_total_bytes,
        memory_used_bytes,
        memory_utilization_rate,
        throttle_periods,
        throttled_periods,
        series_count
    };
    void set(Series series, std::vector<Label>& labels, double value, RowWriter& rows);
    void write_cpu(const HostFacts& facts, const ContainerLimits& limits, SteadyTime now,
                   std::vector<Label>& labels, RowWriter& rows);
    void write_memory(const HostFacts& facts, const ContainerLimits& limits,
                      std::vector<Label>& labels, RowWriter& rows);
    void write_file_systems(const HostFacts& facts, std::vector<Label>& labels, RowWriter& rows);
    std::optional<double> cpu_percent(const HostFacts& facts, const ContainerLimits& limits,
                                      SteadyTime now);

    OsRelease os_;
    KernelInfo kernel_;
    std::array<FamilyPtr, series_count> families_;
    std::array<SeriesRef, series_count> refs_;
    std::array<FamilyPtr, 3> file_system_families_;
    SeriesTable<3> file_system_refs_;
    std::optional<CpuTimes> last_cpu_times_;
    std::optional<std::uint64_t> last_cpu_used_micros_;
    SteadyTime last_time_;
    std::optional<double> last_percent_;
};

}  // namespace inferscope::collect
