// SPDX-License-Identifier: Apache-2.0
// The bounds of the container in which we run, from /sys/fs/cgroup.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collect/kernel_file.h"

namespace inferscope::collect {

/// What bounds nothing (no limit, or one above what the machine has) is left out, and so is what
/// goes with it.
struct ContainerLimits {
    std::optional<double> cpu_cores;  ///< CPUs' worth of time, or CPUs that may be used
    std::optional<std::uint64_t> cpu_used_micros;  ///< CPU time of everything in the container
    std::optional<std::uint64_t> cpu_periods;      ///< quota periods that have passed
    std::optional<std::uint64_t> cpu_throttled_periods;  ///< of them, those in which it was used up
    std::optional<std::uint64_t> memory_bytes;
    std::optional<std::uint64_t>
        memory_used;  ///< without the page cache that can be dropped at once
};

/// Reads the root of the cgroup tree that we see. On a host that root has no limits; in a container
/// (private cgroup namespace, or version 1's bind mount) it is the container's own. Limits of our
/// own service below the root (systemd's MemoryMax=) don't bound the machine, so they aren't looked
/// at. Thread: confined to one.
class ContainerLimitsReader {
public:
    explicit ContainerLimitsReader(const std::string& sys_root);
    /// The machine's own size tells which limit bounds anything.
    ContainerLimits read(std::size_t online_cpus, std::uint64_t machine_memory_bytes,
                         ReadBuffer& buffer);

private:
    std::optional<double> quota(ReadBuffer& buffer);
    void read_cpu(ContainerLimits& limits, std::size_t online_cpus, ReadBuffer& buffer);
    void read_memory(ContainerLimits& limits, std::uint64_t machine_bytes, ReadBuffer& buffer);

    bool is_version_2_;
    KernelFile quota_;
    KernelFile period_;  ///< version 1 only: 2 has it in the quota's file
    KernelFile cpu_set_;
    KernelFile cpu_stat_;
    KernelFile cpu_usage_;  ///< version 1 only: 2 has it in cpu.stat
    KernelFile memory_limit_;
    KernelFile memory_used_;
    KernelFile memory_stat_;
};

}  // namespace inferscope::collect
