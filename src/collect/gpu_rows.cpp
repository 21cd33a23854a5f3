// SPDX-License-Identifier: Apache-2.0
#include "collect/gpu_rows.h"

#include <fmt/format.h>

#include <numeric>

#include "collect/worker_metrics.h"
#include "telemetry/families.h"

namespace inferscope::collect {
namespace {

constexpr double kMebibyte = 1048576;

/// A number under the DCGM exporter's name: the field in our unit, divided by `divisor`, is what
/// that name means.
struct DcgmRow {
    GpuField field;
    const char* name;
    MetricType type;
    double divisor;
    const char* help;
};

constexpr auto kGauge = MetricType::gauge;
constexpr auto kCounter = MetricType::counter;

// Names, types and units: dcgm-exporter, etc/default-counters.csv, before the renames of
// release 4.9; the PCIe throughput as the field catalogue has it that dashboards use (bytes per
// second, where DCGM itself has KB/s).
constexpr auto kDcgmRows = std::to_array<DcgmRow>({
    {GpuField::sm_clock_mhz, "DCGM_FI_DEV_SM_CLOCK", kGauge, 1, "SM clock frequency (in MHz)."},
    {GpuField::memory_clock_mhz, "DCGM_FI_DEV_MEM_CLOCK", kGauge, 1,
     "Memory clock frequency (in MHz)."},
    {GpuField::max_sm_clock_mhz, "DCGM_FI_DEV_MAX_SM_CLOCK", kGauge, 1,
     "Highest SM clock of this card (in MHz)."},
    {GpuField::max_memory_clock_mhz, "DCGM_FI_DEV_MAX_MEM_CLOCK", kGauge, 1,
     "Highest memory clock of this card (in MHz)."},
    {GpuField::temperature_celsius, "DCGM_FI_DEV_GPU_TEMP", kGauge, 1, "GPU temperature (in C)."},
    {GpuField::memory_temperature_celsius, "DCGM_FI_DEV_MEMORY_TEMP", kGauge, 1,
     "Memory temperature (in C)."},
    {GpuField::slowdown_temperature_celsius, "DCGM_FI_DEV_SLOWDOWN_TEMP", kGauge, 1,
     "Temperature at which the hardware slows down (in C)."},
    {GpuField::shutdown_temperature_celsius, "DCGM_FI_DEV_SHUTDOWN_TEMP", kGauge, 1,
     "Temperature at which the card shuts down (in C)."},
    {GpuField::power_milliwatts, "DCGM_FI_DEV_POWER_USAGE", kGauge, 1000, "Power draw (in W)."},
    {GpuField::power_limit_milliwatts, "DCGM_FI_DEV_POWER_MGMT_LIMIT", kGauge, 1000,
     "Power limit set (in W)."},
    {GpuField::enforced_power_limit_milliwatts, "DCGM_FI_DEV_ENFORCED_POWER_LIMIT", kGauge, 1000,
     "Power limit in force, the lowest of all limiters' (in W)."},
    {GpuField::energy_millijoules, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", kCounter, 1,
     "Energy used since the driver was loaded (in mJ)."},
    {GpuField::utilization_percent, "DCGM_FI_DEV_GPU_UTIL", kGauge, 1,
     "Share of time in which any kernel ran (in %): 100 doesn't mean a full GPU."},
    {GpuField::memory_activity_percent, "DCGM_FI_DEV_MEM_COPY_UTIL", kGauge, 1,
     "Share of time with memory traffic (in %), not the memory's fill level."},
    {GpuField::encoder_percent, "DCGM_FI_DEV_ENC_UTIL", kGauge, 1, "Encoder utilization (in %)."},
    {GpuField::decoder_percent, "DCGM_FI_DEV_DEC_UTIL", kGauge, 1, "Decoder utilization (in %)."},
    {GpuField::memory_total_bytes, "DCGM_FI_DEV_FB_TOTAL", kGauge, kMebibyte,
     "Memory of the card (in MiB)."},
    {GpuField::memory_free_bytes, "DCGM_FI_DEV_FB_FREE", kGauge, kMebibyte,
     "Memory free (in MiB)."},
    {GpuField::memory_used_bytes, "DCGM_FI_DEV_FB_USED", kGauge, kMebibyte,
     "Memory used (in MiB), without what the driver has reserved (drivers before 510 count that, "
     "too)."},
    {GpuField::memory_reserved_bytes, "DCGM_FI_DEV_FB_RESERVED", kGauge, kMebibyte,
     "Memory that the driver and the firmware keep for themselves (in MiB)."},
    {GpuField::pcie_tx_bytes_per_second, "DCGM_FI_DEV_PCIE_TX_THROUGHPUT", kGauge, 1,
     "PCIe traffic from the GPU (in bytes/s: not a counter)."},
    {GpuField::pcie_rx_bytes_per_second, "DCGM_FI_DEV_PCIE_RX_THROUGHPUT", kGauge, 1,
     "PCIe traffic to the GPU (in bytes/s: not a counter)."},
    {GpuField::pcie_replays, "DCGM_FI_DEV_PCIE_REPLAY_COUNTER", kCounter, 1,
     "PCIe packets sent again."},
    {GpuField::pcie_generation, "DCGM_FI_DEV_PCIE_LINK_GEN", kGauge, 1,
     "PCIe generation of the link now; idle cards lower it."},
    {GpuField::pcie_width, "DCGM_FI_DEV_PCIE_LINK_WIDTH", kGauge, 1, "PCIe lanes of the link now."},
    {GpuField::max_pcie_generation, "DCGM_FI_DEV_PCIE_MAX_LINK_GEN", kGauge, 1,
     "Highest PCIe generation of card and slot."},
    {GpuField::max_pcie_width, "DCGM_FI_DEV_PCIE_MAX_LINK_WIDTH", kGauge, 1,
     "Most PCIe lanes of card and slot."},
    {GpuField::ecc_corrected_volatile, "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", kCounter, 1,
     "Corrected (single-bit) ECC errors since the driver was loaded."},
    {GpuField::ecc_uncorrected_volatile, "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", kCounter, 1,
     "Uncorrected (double-bit) ECC errors since the driver was loaded."},
    {GpuField::ecc_corrected_aggregate, "DCGM_FI_DEV_ECC_SBE_AGG_TOTAL", kCounter, 1,
     "Corrected (single-bit) ECC errors in the card's life."},
    {GpuField::ecc_uncorrected_aggregate, "DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", kCounter, 1,
     "Uncorrected (double-bit) ECC errors in the card's life."},
    {GpuField::retired_pages_single_bit, "DCGM_FI_DEV_RETIRED_SBE", kCounter, 1,
     "Memory pages retired after single-bit errors."},
    {GpuField::retired_pages_double_bit, "DCGM_FI_DEV_RETIRED_DBE", kCounter, 1,
     "Memory pages retired after double-bit errors."},
    {GpuField::retired_pages_pending, "DCGM_FI_DEV_RETIRED_PENDING", kGauge, 1,
     "1 while pages wait for the next reset to be retired."},
    {GpuField::remapped_rows_corrected, "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", kCounter, 1,
     "Memory rows remapped after correctable errors."},
    {GpuField::remapped_rows_uncorrected, "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", kCounter, 1,
     "Memory rows remapped after uncorrectable errors."},
    {GpuField::row_remap_pending, "DCGM_FI_DEV_ROW_REMAP_PENDING", kGauge, 1,
     "1 while rows wait for the next reset to be remapped."},
    {GpuField::row_remap_failure, "DCGM_FI_DEV_ROW_REMAP_FAILURE", kGauge, 1,
     "1 if a row could not be remapped: the card needs service."},
    {GpuField::clock_event_reasons, "DCGM_FI_DEV_CLOCKS_EVENT_REASONS", kGauge, 1,
     "Why the clocks are not higher now, a bit mask: 1 idle, 2 application setting, 4 software "
     "power cap, 8 hardware "
     "slowdown, 16 sync boost, 32 software thermal, 64 hardware thermal, 128 power brake, 256 "
     "display."},
    {GpuField::power_violation_nanos, "DCGM_FI_DEV_POWER_VIOLATION", kCounter, 1,
     "Time throttled by power limits (in ns)."},
    {GpuField::thermal_violation_nanos, "DCGM_FI_DEV_THERMAL_VIOLATION", kCounter, 1,
     "Time throttled by temperature (in ns)."},
    {GpuField::sync_boost_violation_nanos, "DCGM_FI_DEV_SYNC_BOOST_VIOLATION", kCounter, 1,
     "Time throttled by sync boost (in ns)."},
    {GpuField::board_limit_violation_nanos, "DCGM_FI_DEV_BOARD_LIMIT_VIOLATION", kCounter, 1,
     "Time throttled by the board's limit (in ns)."},
    {GpuField::low_utilization_violation_nanos, "DCGM_FI_DEV_LOW_UTIL_VIOLATION", kCounter, 1,
     "Time throttled by low utilization (in ns)."},
    {GpuField::reliability_violation_nanos, "DCGM_FI_DEV_RELIABILITY_VIOLATION", kCounter, 1,
     "Time throttled by the board's reliability limit (in ns)."},
    {GpuField::nvlink_flit_errors, "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", kCounter, 1,
     "NVLink flow-control CRC errors, all links."},
    {GpuField::nvlink_data_errors, "DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL", kCounter, 1,
     "NVLink data CRC errors, all links."},
    {GpuField::nvlink_replay_errors, "DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", kCounter, 1,
     "NVLink retries, all links."},
    {GpuField::nvlink_recovery_errors, "DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", kCounter, 1,
     "NVLink recoveries, all links."},
    {GpuField::recovery_action, "DCGM_FI_DEV_GET_GPU_RECOVERY_ACTION", kGauge, 1,
     "What the driver wants done: 0 nothing, 1 reset, 2 reboot, 3 drain peer-to-peer, 4 drain and "
     "reset."},
    {GpuField::performance_state, "DCGM_FI_DEV_PSTATE", kGauge, 1,
     "Performance state, 0 (highest) to 15."},
    {GpuField::fan_percent, "DCGM_FI_DEV_FAN_SPEED", kGauge, 1, "Fan speed intended (in %)."},
    {GpuField::last_xid, "DCGM_FI_DEV_XID_ERRORS", kGauge, 1,
     "Code of the last XID event, 0 before the first. It stays: use "
     "inferscope_gpu_xid_events_total for alerts."},
    {GpuField::graphics_active_percent, "DCGM_FI_PROF_GR_ENGINE_ACTIVE", kGauge, 100,
     "Ratio of time in which a compute or graphics engine was active."},
    {GpuField::sm_active_percent, "DCGM_FI_PROF_SM_ACTIVE", kGauge, 100,
     "Ratio of SMs that were busy."},
    {GpuField::sm_occupancy_percent, "DCGM_FI_PROF_SM_OCCUPANCY", kGauge, 100,
     "Ratio of warps resident to the most possible."},
    {GpuField::tensor_active_percent, "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", kGauge, 100,
     "Ratio of time in which tensor pipes were active."},
    {GpuField::fp64_active_percent, "DCGM_FI_PROF_PIPE_FP64_ACTIVE", kGauge, 100,
     "Ratio of time in which FP64 pipes were active."},
    {GpuField::fp32_active_percent, "DCGM_FI_PROF_PIPE_FP32_ACTIVE", kGauge, 100,
     "Ratio of time in which FP32 pipes were active."},
    {GpuField::fp16_active_percent, "DCGM_FI_PROF_PIPE_FP16_ACTIVE", kGauge, 100,
     "Ratio of time in which FP16 pipes were active."},
    {GpuField::dram_active_percent, "DCGM_FI_PROF_DRAM_ACTIVE", kGauge, 100,
     "Ratio of memory bandwidth in use to the most possible."},
    {GpuField::profiled_pcie_tx_bytes_per_second, "DCGM_FI_PROF_PCIE_TX_BYTES", kGauge, 1,
     "PCIe traffic from the GPU, headers included (in bytes/s: not a counter)."},
    {GpuField::profiled_pcie_rx_bytes_per_second, "DCGM_FI_PROF_PCIE_RX_BYTES", kGauge, 1,
     "PCIe traffic to the GPU, headers included (in bytes/s: not a counter)."},
    {GpuField::profiled_nvlink_tx_bytes_per_second, "DCGM_FI_PROF_NVLINK_TX_BYTES", kGauge, 1,
     "NVLink traffic from the GPU (in bytes/s: not a counter)."},
    {GpuField::profiled_nvlink_rx_bytes_per_second, "DCGM_FI_PROF_NVLINK_RX_BYTES", kGauge, 1,
     "NVLink traffic to the GPU (in bytes/s: not a counter)."},
});
static_assert(kDcgmRows.size() <= kGpuFields);

/// By bit of the mask. Source: nvml.h, nvmlClocksEventReason...
constexpr std::array<std::string_view, 9> kReasons = {"gpu_idle",
                                                      "applications_clocks_setting",
                                                      "sw_power_cap",
                                                      "hw_slowdown",
                                                      "sync_boost",
                                                      "sw_thermal_slowdown",
                                                      "hw_thermal_slowdown",
                                                      "hw_power_brake_slowdown",
                                                      "display_clock_setting"};

struct TimedReason {
    GpuField nanos;
    std::string_view reason;
};
constexpr std::array<TimedReason, 3> kTimedReasonRows = {{
    {GpuField::software_thermal_nanos, "sw_thermal_slowdown"},
    {GpuField::hardware_thermal_nanos, "hw_thermal_slowdown"},
    {GpuField::power_brake_nanos, "hw_power_brake_slowdown"},
}};

bool is_silent(const GpuSnapshot* snapshot) {
    return snapshot == nullptr || snapshot->driver == DriverState::absent;
}

}  // namespace

GpuRows::GpuRows(GpuRowSettings settings)
    : settings_(std::move(settings)),
      worker_families_{
          make_family("worker_node_gpu_info", kGauge,
                      "A GPU of this worker; always 1. GPUStack's spelling."),
          make_family("gpustack:worker_node_gpu_info", kGauge, "A GPU of this worker; always 1."),
          make_family("gpustack:worker_node_gpu_cores", kGauge, "CUDA cores of the GPU."),
          make_family("gpustack:worker_node_gpu_utilization_rate", kGauge,
                      "Percent of time in which any kernel ran on the GPU."),
          make_family("gpustack:worker_node_gpu_temperature_celsius", kGauge,
                      "Temperature of the GPU."),
          make_family("gpustack:worker_node_gpu_power_used_watts", kGauge,
                      "Power that the GPU draws."),
          make_family("gpustack:worker_node_gpu_power_limit_watts", kGauge,
                      "Power that the GPU may draw."),
          make_family("gpustack:worker_node_gram_total_bytes", kGauge, "Memory of the GPU."),
          make_family("gpustack:worker_node_gram_allocated_bytes", kGauge,
                      "Memory held by compute processes on the GPU, measured; GPUStack gives its "
                      "scheduler's claims here."),
          make_family("gpustack:worker_node_gram_used_bytes", kGauge,
                      "Memory of the GPU in use, without what the driver has reserved."),
          make_family("gpustack:worker_node_gram_utilization_rate", kGauge,
                      "Percent of the GPU's memory in use.")},
      responsive_(
          make_family("inferscope_gpu_driver_responsive", kGauge,
                      "1 if the GPU driver answers; 0 if it hangs or has failed: then there are "
                      "no GPU series.")),
      lost_(make_family(
          "inferscope_gpu_lost", kGauge,
          "1 if the GPU has fallen off the bus or needs a reset: then its other series are gone.")),
      nvlink_sent_(make_family("inferscope_gpu_nvlink_transmit_bytes_total", kCounter,
                               "NVLink data sent by the GPU, all links, without protocol overhead "
                               "(NVLink 5: with it).")),
      nvlink_received_(make_family("inferscope_gpu_nvlink_receive_bytes_total", kCounter,
                                   "NVLink data received by the GPU, all links, without protocol "
                                   "overhead (NVLink 5: with it).")),
      clock_event_active_(make_family("inferscope_gpu_clock_event_active", kGauge,
                                      "1 while this reason keeps the clocks down; the bits of "
                                      "DCGM_FI_DEV_CLOCKS_EVENT_REASONS.")),
      clock_event_seconds_(
          make_family("inferscope_gpu_clock_event_seconds_total", kCounter,
                      "Time in which this reason kept the clocks down; newer drivers only.")),
      process_memory_(make_family(
          "inferscope_gpu_process_memory_bytes", kGauge,
          "GPU memory held by a process with a compute context; pid as the host counts.")),
      xid_events_(
          make_family("inferscope_gpu_xid_events_total", kCounter,
                      "XID events since we started; 999 collects unknown and rare codes.")) {
    for (const auto& row : kDcgmRows)
        dcgm_families_.push_back(make_family(row.name, row.type, row.help));
    static_assert(kReasons.size() == kClockReasons && kTimedReasonRows.size() == kTimedReasons);
}

void GpuRows::write(const GpuSnapshot* snapshot, SteadyTime now, RowWriter& rows) {
    if (is_silent(snapshot)) return;
    const bool is_fresh = now - snapshot->taken <= settings_.stale_after;
    if (snapshot->driver == DriverState::starting && is_fresh) return;
    const bool responsive = snapshot->driver == DriverState::running && is_fresh;
    rows.set(responsive_ref_, responsive_, {}, responsive ? 1 : 0);
    if (!responsive) return;
    for (std::size_t i = 0; i < snapshot->gpus.size(); ++i) {
        const auto& gpu = snapshot->gpus[i];
        const std::string index = fmt::format_int(gpu.index).str();
        const std::string device = fmt::format("nvidia{}", gpu.minor_number);
        std::vector<Label> labels = {{"gpu", index},
                                     {"UUID", gpu.uuid},
                                     {"pci_bus_id", gpu.pci_bus_id},
                                     {"device", device},
                                     {"modelName", gpu.name},
                                     {"Hostname", settings_.host_name},
                                     {"DCGM_FI_DRIVER_VERSION", snapshot->driver_version}};
        if (dcgm_names_) write_dcgm(gpu, i, labels, rows);
        labels.resize(2);  // ours: gpu and UUID
        write_own(gpu, i, labels, rows);
        write_lists(gpu, labels, rows);
        if (!gpu.lost) write_worker(gpu, i, rows);
    }
}

void GpuRows::write_dcgm(const GpuState& gpu, std::size_t position,
                         const std::vector<Label>& labels, RowWriter& rows) {
    auto& refs = dcgm_refs_.at(position, gpu.uuid);
    for (std::size_t i = 0; i < kDcgmRows.size(); ++i) {
        const auto& row = kDcgmRows[i];
        if (!gpu.values.has(row.field)) continue;
        rows.set(refs[i], dcgm_families_[i], row.name, labels,
                 gpu.values.get(row.field) / row.divisor);
    }
}

void GpuRows::write_own(const GpuState& gpu, std::size_t position, std::vector<Label>& labels,
                        RowWriter& rows) {
    auto& refs = own_refs_.at(position, gpu.uuid);
    std::size_t next = 0;
    const auto set = [&](const FamilyPtr& family, bool is_given, double value) {
        auto& ref = refs[next++];
        if (is_given) rows.set(ref, family, family->name, labels, value);
    };
    const auto& values = gpu.values;
    set(lost_, true, gpu.lost ? 1 : 0);
    set(nvlink_sent_, values.has(GpuField::nvlink_tx_bytes), values.get(GpuField::nvlink_tx_bytes));
    set(nvlink_received_, values.has(GpuField::nvlink_rx_bytes),
        values.get(GpuField::nvlink_rx_bytes));
    labels.push_back({"reason", {}});
    const bool has_reasons = values.has(GpuField::clock_event_reasons);
    const auto mask =
        has_reasons ? static_cast<std::uint64_t>(values.get(GpuField::clock_event_reasons)) : 0;
    for (std::size_t bit = 0; bit < kReasons.size(); ++bit) {
        labels.back().value = kReasons[bit];
        set(clock_event_active_, has_reasons, (mask >> bit & 1) != 0 ? 1 : 0);
    }
    for (const auto& timed : kTimedReasonRows) {
        labels.back().value = timed.reason;
        set(clock_event_seconds_, values.has(timed.nanos), values.get(timed.nanos) / 1e9);
    }
    labels.pop_back();
}

void GpuRows::write_lists(const GpuState& gpu, std::vector<Label>& labels, RowWriter& rows) {
    for (const auto& count : gpu.xids) {
        const std::string xid = fmt::format_int(count.xid).str();
        labels.push_back({"xid", xid});
        rows.set(xid_events_, xid_events_->name, labels, static_cast<double>(count.events));
        labels.pop_back();
    }
    for (const auto& process : gpu.processes) {
        const std::string pid = fmt::format_int(process.pid).str();
        const std::array<Label, 2> own = {{{"UUID", gpu.uuid}, {"pid", pid}}};
        rows.set(process_memory_, process_memory_->name, own, static_cast<double>(process.bytes));
    }
}

void GpuRows::set_worker(WorkerRefs& refs, WorkerSeries series, const std::vector<Label>& labels,
                         double value, RowWriter& rows) {
    rows.set(refs[series], worker_families_[series], worker_families_[series]->name, labels, value);
}

void GpuRows::write_worker(const GpuState& gpu, std::size_t position, RowWriter& rows) {
    auto& refs = worker_refs_.at(position, gpu.uuid);
    const std::string index = fmt::format_int(gpu.index).str();
    std::vector<Label> labels(settings_.worker_labels.begin(), settings_.worker_labels.end());
    labels.insert(labels.end(),
                  {{"gpu_index", index}, {"gpu_chip_index", "0"}, {"gpu_name", gpu.name}});
    const auto& values = gpu.values;
    const auto set = [&](WorkerSeries series, GpuField field, double divisor) {
        if (values.has(field)) set_worker(refs, series, labels, values.get(field) / divisor, rows);
    };
    set_worker(refs, gpu_info, labels, 1, rows);
    set_worker(refs, gpu_info_with_prefix, labels, 1, rows);
    set(gpu_cores, GpuField::cores, 1);
    set(gpu_utilization_rate, GpuField::utilization_percent, 1);
    set(gpu_temperature_celsius, GpuField::temperature_celsius, 1);
    set(gpu_power_used_watts, GpuField::power_milliwatts, 1000);
    set(gpu_power_limit_watts, GpuField::power_limit_milliwatts, 1000);
    set(gram_total_bytes, GpuField::memory_total_bytes, 1);
    set(gram_used_bytes, GpuField::memory_used_bytes, 1);
    if (gpu.lists_processes) {
        const auto allocated = std::accumulate(
            gpu.processes.begin(), gpu.processes.end(), std::uint64_t{0},
            [](std::uint64_t sum, const GpuProcess& process) { return sum + process.bytes; });
        set_worker(refs, gram_allocated_bytes, labels, static_cast<double>(allocated), rows);
    }
    if (!values.has(GpuField::memory_used_bytes) || !values.has(GpuField::memory_total_bytes))
        return;
    set_worker(refs, gram_utilization_rate, labels,
               percent_of(values.get(GpuField::memory_used_bytes),
                          values.get(GpuField::memory_total_bytes)),
               rows);
}

}  // namespace inferscope::collect
