// SPDX-License-Identifier: Apache-2.0
#include "collect/worker_metrics.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cmath>

#include "telemetry/families.h"

namespace inferscope::collect {
KernelInfo read_kernel_info() {
    utsname name{};
    if (::uname(&name) != 0) return {};
    return {name.sysname, name.release, name.version, name.machine};
}

double percent_of(double used, double total) {
    if (total <= 0) return 0;
    return std::round(used / total * 1e6) / 1e4;
}

WorkerMetrics::WorkerMetrics(OsRelease os, KernelInfo kernel)
    : os_(std::move(os)),
      kernel_(std::move(kernel)),
      families_{
          make_gauge("gpustack:worker_node_os_info", "The distribution; always 1."),
          make_gauge("gpustack:worker_node_kernel_info", "The kernel; always 1."),
          make_gauge("gpustack:worker_node_uptime_seconds",
                     "Seconds since the machine was started."),
          make_gauge(
              "gpustack:worker_node_cpu_cores",
              "CPUs online; in a container its quota or its CPU set, where that is less (may be "
              "a fraction)."),
          make_gauge(
              "gpustack:worker_node_cpu_utilization_rate",
              "Percent of the CPUs' time (in a bounded container: of its quota) in use since "
              "the collection "
              "before; waiting for I/O is not use."),
          make_gauge("gpustack:worker_node_memory_total_bytes",
                     "Memory of the machine; in a container its limit, where that is less."),
          make_gauge("gpustack:worker_node_memory_used_bytes",
                     "Memory that isn't available to new programs; in a bounded container its use "
                     "without the page "
                     "cache that can be dropped at once."),
          make_gauge("gpustack:worker_node_memory_utilization_rate",
                     "Percent of the memory in use."),
          make_counter("container_cpu_cfs_periods_total",
                       "Periods of the container's CPU quota that have passed (cAdvisor's name)."),
          make_counter(
              "container_cpu_cfs_throttled_periods_total",
              "Periods in which the container's CPU quota was used up (cAdvisor's name).")},
      file_system_families_{
          make_gauge("gpustack:worker_node_filesystem_total_bytes",
                     "Size of a local file system; each device once, at its shortest mount point."),
          make_gauge("gpustack:worker_node_filesystem_used_bytes",
                     "Bytes in use on a local file system."),
          make_gauge("gpustack:worker_node_filesystem_utilization_rate",
                     "Percent of a local file system in use.")} {}

void WorkerMetrics::write(const HostFacts& facts, const ContainerLimits& limits, SteadyTime now,
                          const Labels& labels, RowWriter& rows) {
    std::vector<Label> all(labels.begin(), labels.end());
    const std::size_t own = all.size();
    all.insert(all.end(), {{"name", os_.name}, {"version", os_.version}});
    set(os_info, all, 1, rows);
    all.resize(own);
    all.insert(all.end(), {{"name", kernel_.name},
                           {"release", kernel_.release},
                           {"version", kernel_.version},
                           {"architecture", kernel_.architecture}});
    set(kernel_info, all, 1, rows);
    all.resize(own);
    if (facts.uptime_seconds) set(uptime_seconds, all, *facts.uptime_seconds, rows);
    write_cpu(facts, limits, now, all, rows);
    write_memory(facts, limits, all, rows);
    write_file_systems(facts, all, rows);
}

void WorkerMetrics::set(Series series, std::vector<Label>& labels, double value, RowWriter& rows) {
    rows.set(refs_[series], families_[series], families_[series]->name, labels, value);
}

void WorkerMetrics::write_cpu(const HostFacts& facts, const ContainerLimits& limits, SteadyTime now,
                              std::vector<Label>& labels, RowWriter& rows) {
    if (facts.online_cpus > 0) {
        set(cpu_cores, labels, limits.cpu_cores.value_or(static_cast<double>(facts.online_cpus)),
            rows);
    }
    if (const auto percent = cpu_percent(facts, limits, now)) {
        set(cpu_utilization_rate, labels, *percent, rows);
    }
    if (!limits.cpu_periods || !limits.cpu_throttled_periods) return;
    set(throttle_periods, labels, static_cast<double>(*limits.cpu_periods), rows);
    set(throttled_periods, labels, static_cast<double>(*limits.cpu_throttled_periods), rows);
}

std::optional<double> WorkerMetrics::cpu_percent(const HostFacts& facts,
                                                 const ContainerLimits& limits, SteadyTime now) {
    const auto before_times = std::exchange(last_cpu_times_, facts.cpu_times);
    const auto before_micros = std::exchange(last_cpu_used_micros_, limits.cpu_used_micros);
    const double elapsed = to_seconds(now - std::exchange(last_time_, now));
    if (limits.cpu_cores && before_micros && limits.cpu_used_micros && elapsed > 0) {
        const auto micros =
            *limits.cpu_used_micros - std::min(*before_micros, *limits.cpu_used_micros);
        const double ratio = static_cast<double>(micros) / 1e6 / (elapsed * *limits.cpu_cores);
        last_percent_ = percent_of(std::min(ratio, 1.0), 1);
    } else if (!limits.cpu_cores && before_times && facts.cpu_times &&
               before_times->ticks !=
                   facts.cpu_times->ticks) {  // else: the same tick, the same answer
        last_percent_ = percent_of(facts.cpu_times->busy_ratio_since(*before_times), 1);
    }
    return last_percent_;
}

void WorkerMetrics::write_memory(const HostFacts& facts, const ContainerLimits& limits,
                                 std::vector<Label>& labels, RowWriter& rows) {
    auto total = facts.memory_total;
    std::optional<std::uint64_t> used;
    if (total && facts.memory_available) used = *total - std::min(*total, *facts.memory_available);
    if (limits.memory_bytes) {
        total = limits.memory_bytes;
        used = limits.memory_used;
    }
    if (!total) return;
    set(memory_total_bytes, labels, static_cast<double>(*total), rows);
    if (!used) return;
    set(memory_used_bytes, labels, static_cast<double>(*used), rows);
    set(memory_utilization_rate, labels,
        percent_of(static_cast<double>(*used), static_cast<double>(*total)), rows);
}

void WorkerMetrics::write_file_systems(const HostFacts& facts, std::vector<Label>& labels,
                                       RowWriter& rows) {
    for (std::size_t i = 0; i < facts.file_systems.size(); ++i) {
        const auto& file_system = facts.file_systems[i];
        auto& refs = file_system_refs_.at(i, file_system.mountpoint);
        const auto total = static_cast<double>(file_system.total_bytes);
        const auto used = static_cast<double>(file_system.used_bytes);
        const std::array<double, 3> values = {total, used, percent_of(used, total)};
        labels.push_back({"mountpoint", file_system.mountpoint});
        for (std::size_t j = 0; j < values.size(); ++j) {
            rows.set(refs[j], file_system_families_[j], file_system_families_[j]->name, labels,
                     values[j]);
        }
        labels.pop_back();
    }
}

}  // namespace inferscope::collect
