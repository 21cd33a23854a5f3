// SPDX-License-Identifier: Apache-2.0
#include "collect/procfs/stat.h"

#include <algorithm>

#include "collect/scanner.h"

namespace inferscope::collect {
namespace {

/// Kernels before 2.6.33 print fewer modes: what is missing is 0.
bool read_times(std::string_view line, CpuTimes& times) {
    std::size_t count = 0;
    for (auto& ticks : times.ticks) {
        const auto value = take_unsigned(line);
        if (!value) break;
        ticks = *value;
        ++count;
    }
    return count >= 4;
}

void read_single(std::string_view key, std::string_view line, Stat& stat) {
    std::uint64_t* target = nullptr;
    if (key == "intr") target = &stat.interrupts;
    if (key == "ctxt") target = &stat.context_switches;
    if (key == "btime") target = &stat.boot_time;
    if (key == "processes") target = &stat.forks;
    if (key == "procs_running") target = &stat.running;
    if (key == "procs_blocked") target = &stat.blocked;
    if (target != nullptr) *target = take_unsigned(line).value_or(0);
}

}  // namespace

double CpuTimes::busy_ratio_since(const CpuTimes& before) const {
    std::uint64_t busy = 0;
    std::uint64_t idle = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(CpuMode::guest); ++i) {
        const auto passed = ticks[i] - std::min(before.ticks[i], ticks[i]);
        const auto mode = static_cast<CpuMode>(i);
        (mode == CpuMode::idle || mode == CpuMode::iowait ? idle : busy) += passed;
    }
    if (busy + idle == 0) return 0;
    return static_cast<double>(busy) / static_cast<double>(busy + idle);
}

Result<Stat> parse_stat(std::string_view text) {
    Stat stat;
    bool has_total = false;
    while (auto line = take_line(text)) {
        const auto key = take_word(*line);
        if (key == "cpu") {
            has_total = read_times(*line, stat.total);
        } else if (key.starts_with("cpu")) {
            Stat::Cpu cpu{.number = key.substr(3), .times = {}};
            if (to_unsigned(cpu.number) && read_times(*line, cpu.times)) stat.cpus.push_back(cpu);
        } else {
            read_single(key, *line, stat);
        }
    }
    if (!has_total) return Error{Errc::invalid_argument, "no line 'cpu' with at least 4 numbers"};
    return stat;
}

}  // namespace inferscope::collect
