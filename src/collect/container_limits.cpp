// SPDX-License-Identifier: Apache-2.0
#include "collect/container_limits.h"

#include <unistd.h>

#include <algorithm>

#include "collect/sysfs/cgroup.h"

namespace inferscope::collect {
namespace {

std::optional<std::uint64_t> count_in(KernelFile& file, ReadBuffer& buffer) {
    const auto text = file.read(buffer);
    return text ? parse_byte_count(*text) : std::nullopt;
}

}  // namespace

ContainerLimitsReader::ContainerLimitsReader(const std::string& sys_root)
    : is_version_2_(::access((sys_root + "/fs/cgroup/cgroup.controllers").c_str(), F_OK) == 0),
      quota_(sys_root + (is_version_2_ ? "/fs/cgroup/cpu.max" : "/fs/cgroup/cpu/cpu.cfs_quota_us")),
      period_(sys_root + "/fs/cgroup/cpu/cpu.cfs_period_us"),
      cpu_set_(sys_root + (is_version_2_ ? "/fs/cgroup/cpuset.cpus.effective"
                                         : "/fs/cgroup/cpuset/cpuset.effective_cpus")),
      cpu_stat_(sys_root + (is_version_2_ ? "/fs/cgroup/cpu.stat" : "/fs/cgroup/cpu/cpu.stat")),
      cpu_usage_(sys_root + "/fs/cgroup/cpuacct/cpuacct.usage"),
      memory_limit_(sys_root + (is_version_2_ ? "/fs/cgroup/memory.max"
                                              : "/fs/cgroup/memory/memory.limit_in_bytes")),
      memory_used_(sys_root + (is_version_2_ ? "/fs/cgroup/memory.current"
                                             : "/fs/cgroup/memory/memory.usage_in_bytes")),
      memory_stat_(sys_root +
                   (is_version_2_ ? "/fs/cgroup/memory.stat" : "/fs/cgroup/memory/memory.stat")) {}

ContainerLimits ContainerLimitsReader::read(std::size_t online_cpus,
                                            std::uint64_t machine_memory_bytes,
                                            ReadBuffer& buffer) {
    ContainerLimits limits;
    read_cpu(limits, online_cpus, buffer);
    read_memory(limits, machine_memory_bytes, buffer);
    return limits;
}

std::optional<double> ContainerLimitsReader::quota(ReadBuffer& buffer) {
    const auto text = quota_.read(buffer);
    if (!text) return std::nullopt;
    if (is_version_2_) return parse_cpu_max(*text);
    const std::string micros(*text);  // the buffer is about to be used again
    const auto period = period_.read(buffer);
    return period ? parse_cfs_quota(micros, *period) : std::nullopt;
}

void ContainerLimitsReader::read_cpu(ContainerLimits& limits, std::size_t online_cpus,
                                     ReadBuffer& buffer) {
    auto cores = quota(buffer);
    if (const auto text = cpu_set_.read(buffer)) {
        if (const auto cpus = count_cpu_list(*text))
            cores = std::min<double>(*cpus, cores.value_or(*cpus));
    }
    if (!cores || *cores >= static_cast<double>(online_cpus)) return;
    limits.cpu_cores = cores;
    if (const auto text = cpu_stat_.read(buffer)) {
        limits.cpu_periods = find_flat_key(*text, "nr_periods");
        limits.cpu_throttled_periods = find_flat_key(*text, "nr_throttled");
        limits.cpu_used_micros = find_flat_key(*text, "usage_usec");
    }
    if (is_version_2_) return;
    if (const auto nanos = count_in(cpu_usage_, buffer)) limits.cpu_used_micros = *nanos / 1000;
}

void ContainerLimitsReader::read_memory(ContainerLimits& limits, std::uint64_t machine_bytes,
                                        ReadBuffer& buffer) {
    const auto bytes = count_in(memory_limit_, buffer);
    if (!bytes || *bytes >= machine_bytes) return;
    limits.memory_bytes = bytes;
    limits.memory_used = count_in(memory_used_, buffer);
    if (!limits.memory_used) return;
    const auto text = memory_stat_.read(buffer);
    if (!text) return;
    const auto* key = is_version_2_ ? "inactive_file" : "total_inactive_file";
    *limits.memory_used -= std::min(find_flat_key(*text, key).value_or(0), *limits.memory_used);
}

}  // namespace inferscope::collect
