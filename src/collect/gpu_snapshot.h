// SPDX-License-Identifier: Apache-2.0
// What the GPU driver said, once: made whole by the driver's thread, then never changed.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace inferscope::collect {

/// One number of a GPU. Units as named; what has none is a count, a level or a bit mask.
enum class GpuField : std::uint8_t {
    utilization_percent,
    memory_activity_percent,
    encoder_percent,
    decoder_percent,
    memory_total_bytes,
    memory_used_bytes,
    memory_free_bytes,
    memory_reserved_bytes,
    temperature_celsius,
    memory_temperature_celsius,
    slowdown_temperature_celsius,
    shutdown_temperature_celsius,
    power_milliwatts,
    power_limit_milliwatts,
    enforced_power_limit_milliwatts,
    energy_millijoules,
    sm_clock_mhz,
    memory_clock_mhz,
    max_sm_clock_mhz,
    max_memory_clock_mhz,
    clock_event_reasons,
    power_violation_nanos,
    thermal_violation_nanos,
    sync_boost_violation_nanos,
    board_limit_violation_nanos,
    low_utilization_violation_nanos,
    reliability_violation_nanos,
    software_thermal_nanos,
    hardware_thermal_nanos,
    power_brake_nanos,
    pcie_tx_bytes_per_second,
    pcie_rx_bytes_per_second,
    pcie_replays,
    pcie_generation,
    pcie_width,
    max_pcie_generation,
    max_pcie_width,
    ecc_corrected_volatile,
    ecc_uncorrected_volatile,
    ecc_corrected_aggregate,
    ecc_uncorrected_aggregate,
    retired_pages_single_bit,
    retired_pages_double_bit,
    retired_pages_pending,
    remapped_rows_corrected,
    remapped_rows_uncorrected,
    row_remap_pending,
    row_remap_failure,
    nvlink_tx_bytes,
    nvlink_rx_bytes,
    nvlink_flit_errors,
    nvlink_data_errors,
    nvlink_replay_errors,
    nvlink_recovery_errors,
    recovery_action,
    performance_state,
    fan_percent,
    cores,
    last_xid,
    graphics_active_percent,
    sm_active_percent,
    sm_occupancy_percent,
    tensor_active_percent,
    fp64_active_percent,
    fp32_active_percent,
    fp16_active_percent,
    dram_active_percent,
    profiled_pcie_tx_bytes_per_second,
    profiled_pcie_rx_bytes_per_second,
    profiled_nvlink_tx_bytes_per_second,
    profiled_nvlink_rx_bytes_per_second,
    count
};
inline constexpr auto kGpuFields = static_cast<std::size_t>(GpuField::count);

/// NaN: the card or its driver doesn't give this number.
class GpuValues {
public:
    GpuValues() { clear(); }
    void clear() { values_.fill(std::numeric_limits<double>::quiet_NaN()); }
    void set(GpuField field, double value) { values_[static_cast<std::size_t>(field)] = value; }
    void set(GpuField field, std::uint64_t value) { set(field, static_cast<double>(value)); }
    void set(GpuField field, unsigned value) { set(field, static_cast<double>(value)); }
    [[nodiscard]] double get(GpuField field) const {
        return values_[static_cast<std::size_t>(field)];
    }
    [[nodiscard]] bool has(GpuField field) const { return get(field) == get(field); }
    /// Takes from `other` what is missing here.
    void fill_from(const GpuValues& other);

private:
    std::array<double, kGpuFields> values_{};
};

/// A process with a compute context on a GPU. The id is the one that the driver sees: the host's.
struct GpuProcess {
    std::uint32_t pid = 0;
    std::uint64_t bytes = 0;

    bool operator==(const GpuProcess&) const = default;
};

struct XidCount {
    std::uint64_t xid = 0;  ///< 999 where the driver doesn't know the code
    std::uint64_t events = 0;

    bool operator==(const XidCount&) const = default;
};

struct GpuState {
    unsigned index = 0;         ///< the driver's order
    std::string uuid;           ///< "GPU-20c56d28-..."
    std::string name;           ///< "NVIDIA H100 80GB HBM3"
    std::string pci_bus_id;     ///< "00000000:07:00.0"
    unsigned minor_number = 0;  ///< of /dev/nvidiaN
    bool lost = false;          ///< fallen off the bus, or needs a reset: no values
    bool watched = false;       ///< its XID events reach us
    GpuValues values;
    bool lists_processes = false;  ///< `processes` is what the driver said, be it empty
    /// Largest first, each pid once, at most `kMaxGpuProcesses`.
    std::vector<GpuProcess> processes;
    std::vector<XidCount> xids;  ///< since we started; in the order of first events
};
inline constexpr std::size_t kMaxGpuProcesses = 64;
inline constexpr std::size_t kMaxXids = 32;  ///< kinds for each GPU; more are counted as 999

enum class DriverState {
    absent,  ///< no library, or no driver loaded since we started: an ordinary machine without GPUs
    starting,  ///< the library is there and is being started for the first time
    running,
    failed,  ///< it ran before, or says that it is broken
};

struct GpuSnapshot {
    SteadyTime taken;
    DriverState driver = DriverState::absent;
    std::string problem;  ///< why it is absent or has failed, in words
    std::string driver_version;
    std::vector<GpuState> gpus;
};

}  // namespace inferscope::collect
