// SPDX-License-Identifier: Apache-2.0
// Settings of the host collector and of the GPU's, with their defaults.
#pragma once

#include <cstddef>
#include <string>

#include "base/time.h"
#include "telemetry/labels.h"

namespace inferscope::collect {

struct HostSettings {
    std::string proc_root = "/proc";
    std::string sys_root = "/sys";
    std::string os_release = "/etc/os-release";
    /// On every `gpustack:` series: worker_id, worker_name, instance, and the cluster's labels.
    Labels worker_labels;
    /// On every series under node exporter's names; node exporter itself adds none.
    Labels node_labels;
    /// Above this many CPUs online there are no node_cpu_seconds_total (8 series a CPU): a part of
    /// them would make every sum wrong.
    std::size_t max_cpus = 64;
    /// Network interfaces, and disks: the first ones, in the kernel's order. More are left out and
    /// counted.
    std::size_t max_devices = 64;
    std::size_t max_file_systems = 32;
};

struct NvmlSettings {
    /// Looked for as dlopen(3) does; a path with '/' names one file.
    std::string library = "libnvidia-ml.so.1";
    Nanos interval = std::chrono::seconds(5);
    /// First wait after the driver couldn't be started; doubles up to `longest_back_off`.
    Nanos first_back_off = std::chrono::seconds(5);
    Nanos longest_back_off = std::chrono::minutes(5);
    /// A call that a card lacks isn't made again for this long.
    Nanos retry_unsupported = std::chrono::minutes(10);
    /// What rarely changes (limits, ECC since the card was made, retired pages) is asked for this
    /// often.
    Nanos slow_interval = std::chrono::seconds(60);
};

struct GpuRowSettings {
    /// On every `gpustack:` series: worker_id, worker_name, instance, and the cluster's labels.
    Labels worker_labels;
    /// The DCGM exporter's label `Hostname`.
    std::string host_name;
    /// A snapshot older than this is stale: the driver hangs. Several times NvmlSettings::interval.
    Nanos stale_after = std::chrono::seconds(20);
};

}  // namespace inferscope::collect
