// SPDX-License-Identifier: Apache-2.0
// This host's numbers, read from /proc, /sys and statvfs(2), as rows: GPUStack's worker names and
// node exporter's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "collect/collectors.h"
#include "collect/config.h"
#include "collect/container_limits.h"
#include "collect/kernel_file.h"
#include "collect/worker_metrics.h"
#include "telemetry/row_writer.h"

namespace inferscope::collect {

/// Thread: confined to one. No call blocks on anything but the kernel's memory: network file
/// systems are left out.
class HostCollector {
public:
    /// Reads os-release and uname(2) once. Writes the settings' labels on its series.
    explicit HostCollector(HostSettings settings);
    HostCollector(const HostCollector&) = delete;
    HostCollector& operator=(const HostCollector&) = delete;

    /// Sets all series of this collection; the caller flushes. A file that is absent (no pressure
    /// in this kernel) is no error; one that can't be read or understood costs its own series, is
    /// counted in `inferscope_collect_errors_total{file}` and logged once.
    void collect(Timestamp now, SteadyTime steady, RowWriter& rows);

    /// True: another source publishes node exporter's names for this machine, so we don't.
    void set_node_exporter_present(bool present) { node_names_ = !present; }

private:
    struct Source {
        std::string_view file;
        KernelFile text;
        std::unique_ptr<Collector> collector;
        std::uint64_t errors = 0;
        SeriesRef errors_ref;
    };

    void collect_source(Source& source, Round& round);
    void write_own(const Round& round, RowWriter& rows);

    HostSettings settings_;
    bool node_names_ = true;
    std::vector<Source> sources_;
    ContainerLimitsReader limits_;
    WorkerMetrics worker_;
    ReadBuffer buffer_;
    FamilyPtr errors_;
    FamilyPtr left_out_;
    SeriesRef left_out_ref_;
};

}  // namespace inferscope::collect
