// SPDX-License-Identifier: Apache-2.0
// A snapshot of the GPUs as rows: the DCGM exporter's names, GPUStack's, and ours for what neither
// has.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "collect/config.h"
#include "collect/gpu_snapshot.h"
#include "collect/series_table.h"
#include "telemetry/row_writer.h"

namespace inferscope::collect {

/// Thread: confined to one.
class GpuRows {
public:
    explicit GpuRows(GpuRowSettings settings);
    GpuRows(const GpuRows&) = delete;
    GpuRows& operator=(const GpuRows&) = delete;

    /// Sets the series of `snapshot` (null: none yet); the caller flushes. A snapshot older than
    /// `stale_after`, or of a driver that failed, gives `inferscope_gpu_driver_responsive 0` and
    /// nothing else; a machine without GPUs nothing.
    void write(const GpuSnapshot* snapshot, SteadyTime now, RowWriter& rows);

    /// True: a DCGM exporter publishes its names for this machine, so we don't. GPUStack's and ours
    /// stay.
    void set_dcgm_exporter_present(bool present) { dcgm_names_ = !present; }

private:
    enum WorkerSeries : std::size_t {
        gpu_info,
        gpu_info_with_prefix,
        gpu_cores,
        gpu_utilization_rate,
        gpu_temperature_celsius,
        gpu_power_used_watts,
        gpu_power_limit_watts,
        gram_total_bytes,
        gram_allocated_bytes,
        gram_used_bytes,
        gram_utilization_rate,
        worker_series
    };
    static constexpr std::size_t kClockReasons = 9;
    static constexpr std::size_t kTimedReasons = 3;
    /// lost, NVLink sent and received, clock-event reasons, times of three of them
    static constexpr std::size_t kOwnSeries = 3 + kClockReasons + kTimedReasons;
    using WorkerRefs = SeriesTable<worker_series>::Refs;

    void write_dcgm(const GpuState& gpu, std::size_t position, const std::vector<Label>& labels,
                    RowWriter& rows);
    void write_own(const GpuState& gpu, std::size_t position, std::vector<Label>& labels,
                   RowWriter& rows);
    void write_lists(const GpuState& gpu, std::vector<Label>& labels, RowWriter& rows);
    void write_worker(const GpuState& gpu, std::size_t position, RowWriter& rows);
    void set_worker(WorkerRefs& refs, WorkerSeries series, const std::vector<Label>& labels,
                    double value, RowWriter& rows);

    GpuRowSettings settings_;
    bool dcgm_names_ = true;
    std::vector<FamilyPtr> dcgm_families_;  ///< by row of the table
    std::array<FamilyPtr, worker_series> worker_families_;
    FamilyPtr responsive_;
    FamilyPtr lost_;
    FamilyPtr nvlink_sent_;
    FamilyPtr nvlink_received_;
    FamilyPtr clock_event_active_;
    FamilyPtr clock_event_seconds_;
    FamilyPtr process_memory_;
    FamilyPtr xid_events_;
    SeriesRef responsive_ref_;
    SeriesTable<kGpuFields> dcgm_refs_;
    SeriesTable<worker_series> worker_refs_;
    SeriesTable<kOwnSeries> own_refs_;
};

}  // namespace inferscope::collect
