// SPDX-License-Identifier: Apache-2.0
// The host's collectors: which kernel file is read, and under which names its numbers are
// published.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "collect/config.h"
#include "collect/procfs/stat.h"
#include "telemetry/row_writer.h"

namespace inferscope::collect {

/// What the worker's metrics need from several files; filled in the order of the table.
struct HostFacts {
    struct FileSystem {
        std::string mountpoint;
        std::uint64_t total_bytes = 0;
        std::uint64_t used_bytes = 0;
    };
    std::optional<CpuTimes> cpu_times;
    std::size_t online_cpus = 0;
    std::optional<std::uint64_t> memory_total;
    std::optional<std::uint64_t> memory_available;
    std::optional<double> uptime_seconds;
    std::vector<FileSystem> file_systems;
};

/// One collection, as the collectors see it.
struct Round {
    const HostSettings& settings;
    RowWriter& rows;
    HostFacts& facts;
    Timestamp now = 0;
    /// False: a node exporter publishes these names for this machine.
    bool node_names = true;
    /// Interfaces, disks, file systems that were left out because of a limit.
    std::size_t left_out = 0;
};

/// Turns the text of one kernel file into series and facts.
class Collector {
public:
    virtual ~Collector() = default;
    /// An error is counted and logged once; siblings go on.
    virtual Result<void> collect(std::string_view text, Round& round) = 0;
};

/// One row of the table.
struct CollectorRow {
    std::string_view file;  ///< below /proc
    std::unique_ptr<Collector> (*make)();
};

/// In the order in which they run.
std::vector<CollectorRow> collector_table();

}  // namespace inferscope::collect
