// SPDX-License-Identifier: Apache-2.0
// The files below /sys/fs/cgroup that bound a container: versions 2 (cpu.max, memory.max ...) and 1
// (cpu/cpu.cfs_*, memory/memory.*). Source: kernel, Documentation/admin-guide/cgroup-v2.rst,
// cgroup-v1/, scheduler/sched-bwc.rst.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace inferscope::collect {

/// cpu.max, "QUOTA PERIOD" or "max PERIOD": CPUs' worth of time; nothing if unlimited or damaged.
std::optional<double> parse_cpu_max(std::string_view text);
/// cpu.cfs_quota_us (-1 = none) and cpu.cfs_period_us.
std::optional<double> parse_cfs_quota(std::string_view quota, std::string_view period);
/// memory.max, memory.current, memory.limit_in_bytes ...: one number; nothing for "max" or damage.
std::optional<std::uint64_t> parse_byte_count(std::string_view text);
/// cpuset.cpus.effective, "0-3,8": how many CPUs; nothing if empty or damaged.
std::optional<int> count_cpu_list(std::string_view text);
/// A file of "KEY NUMBER" lines (memory.stat, cpu.stat): the key's number.
std::optional<std::uint64_t> find_flat_key(std::string_view text, std::string_view key);

}  // namespace inferscope::collect
