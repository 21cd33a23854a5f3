// SPDX-License-Identifier: Apache-2.0
#include "collect/nvml/device_calls.h"

#include <array>

namespace inferscope::collect::nvml {
namespace {

int number_into(int (*function)(Device, unsigned*), Device device, GpuField field,
                GpuValues& values) {
    if (function == nullptr) return kFunctionNotFound;
    unsigned value = 0;
    const int result = function(device, &value);
    if (result == kSuccess) values.set(field, value);
    return result;
}

int clock_into(int (*function)(Device, int, unsigned*), Device device, int clock, GpuField field,
               GpuValues& values) {
    if (function == nullptr) return kFunctionNotFound;
    unsigned value = 0;
    const int result = function(device, clock, &value);
    if (result == kSuccess) values.set(field, value);
    return result;
}

int ecc_into(const Api& api, Device device, int type, int counter, GpuField field,
             GpuValues& values) {
    if (api.ecc_errors == nullptr) return kFunctionNotFound;
    unsigned long long count = 0;
    const int result = api.ecc_errors(device, type, counter, &count);
    if (result == kSuccess) values.set(field, std::uint64_t{count});
    return result;
}

int read_utilization(const Api& api, Device device, GpuValues& values) {
    if (api.utilization == nullptr) return kFunctionNotFound;
    Utilization utilization{};
    const int result = api.utilization(device, &utilization);
    if (result != kSuccess) return result;
    values.set(GpuField::utilization_percent, utilization.gpu);
    values.set(GpuField::memory_activity_percent, utilization.memory);
    return result;
}

int read_coder(int (*function)(Device, unsigned*, unsigned*), Device device, GpuField field,
               GpuValues& values) {
    if (function == nullptr) return kFunctionNotFound;
    unsigned percent = 0;
    unsigned period_micros = 0;
    const int result = function(device, &percent, &period_micros);
    if (result == kSuccess) values.set(field, percent);
    return result;
}

/// Version 1 counts what the driver has reserved as used and can't tell how much that is.
int read_memory_v1(const Api& api, Device device, GpuValues& values) {
    if (api.memory == nullptr) return kFunctionNotFound;
    Memory memory{};
    const int result = api.memory(device, &memory);
    if (result != kSuccess) return result;
    values.set(GpuField::memory_total_bytes, memory.total);
    values.set(GpuField::memory_free_bytes, memory.free);
    values.set(GpuField::memory_used_bytes, memory.used);
    return result;
}

int read_memory(const Api& api, Device device, GpuValues& values) {
    if (api.memory_v2 == nullptr) return read_memory_v1(api, device, values);
    MemoryV2 memory{};
    memory.version = struct_version<MemoryV2>(2);
    const int result = api.memory_v2(device, &memory);
    if (result == kFunctionNotFound || result == kVersionMismatch) {
        return read_memory_v1(api, device, values);
    }
    if (result != kSuccess) return result;
    values.set(GpuField::memory_total_bytes, memory.total);
    values.set(GpuField::memory_free_bytes, memory.free);
    values.set(GpuField::memory_used_bytes, memory.used);
    values.set(GpuField::memory_reserved_bytes, memory.reserved);
    return result;
}

int read_temperature(const Api& api, Device device, GpuValues& values) {
    int result = kFunctionNotFound;
    if (api.temperature_v != nullptr) {
        Temperature temperature{
            .version = struct_version<Temperature>(1), .sensor = kTemperatureGpu, .celsius = 0};
        result = api.temperature_v(device, &temperature);
        if (result == kSuccess) {
            values.set(GpuField::temperature_celsius, static_cast<double>(temperature.celsius));
            return result;
        }
    }
    const bool has_older = result == kFunctionNotFound || result == kVersionMismatch;
    if (!has_older || api.temperature == nullptr) return result;
    return clock_into(api.temperature, device, kTemperatureGpu, GpuField::temperature_celsius,
                      values);
}

int read_energy(const Api& api, Device device, GpuValues& values) {
    if (api.energy == nullptr) return kFunctionNotFound;
    unsigned long long millijoules = 0;
    const int result = api.energy(device, &millijoules);
    if (result == kSuccess) values.set(GpuField::energy_millijoules, std::uint64_t{millijoules});
    return result;
}

int read_clock_event_reasons(const Api& api, Device device, GpuValues& values) {
    if (api.clock_event_reasons == nullptr) return kFunctionNotFound;
    unsigned long long mask = 0;
    const int result = api.clock_event_reasons(device, &mask);
    if (result == kSuccess) values.set(GpuField::clock_event_reasons, std::uint64_t{mask});
    return result;
}

int read_performance_state(const Api& api, Device device, GpuValues& values) {
    if (api.performance_state == nullptr) return kFunctionNotFound;
    int state = kStateUnknown;
    const int result = api.performance_state(device, &state);
    if (result == kSuccess && state != kStateUnknown) {
        values.set(GpuField::performance_state, static_cast<double>(state));
    }
    return result;
}

int read_remapped_rows(const Api& api, Device device, GpuValues& values) {
    if (api.remapped_rows == nullptr) return kFunctionNotFound;
    unsigned corrected = 0;
    unsigned uncorrected = 0;
    unsigned pending = 0;
    unsigned failed = 0;
    const int result = api.remapped_rows(device, &corrected, &uncorrected, &pending, &failed);
    if (result != kSuccess) return result;
    values.set(GpuField::remapped_rows_corrected, corrected);
    values.set(GpuField::remapped_rows_uncorrected, uncorrected);
    values.set(GpuField::row_remap_pending, pending);
    values.set(GpuField::row_remap_failure, failed);
    return result;
}

/// What is asked of each GPU by a function of its own; a row that fails leaves its numbers out.
constexpr auto kCalls = std::to_array<Call>({
    {Cadence::always, read_utilization},
    {Cadence::always, read_memory},
    {Cadence::always, read_temperature},
    {Cadence::always, read_energy},
    {Cadence::always, read_clock_event_reasons},
    {Cadence::always, read_performance_state},
    {Cadence::always,
     [](const Api& api, Device device, GpuValues& values) {
         return number_into(api.power, device, GpuField::power_milliwatts, values);
     }},
    {Cadence::always,
     [](const Api& api, Device device, GpuValues& values) {
         return read_coder(api.encoder_utilization, device, GpuField::encoder_percent, values);
     }},
    {Cadence::always,
     [](const Api& api, Device device, GpuValues& values) {
         return read_coder(api.decoder_utilization, device, GpuField::decoder_percent, values);
     }},
    {Cadence::always,
     [](const Api& api, Device device, GpuValues& values) {
         return clock_into(api.clock, device, kClockSm, GpuField::sm_clock_mhz, values);
     }},
    {Cadence::always,
     [](const Api& api, Device device, GpuValues& values) {
         return clock_into(api.clock, device, kClockMemory, GpuField::memory_clock_mhz, values);
     }},
    {Cadence::always,
     [](const Api& api, Device device, GpuValues& values) {
         return number_into(api.pcie_replays, device, GpuField::pcie_replays, values);
     }},
    {Cadence::always,
     [](const Api& api, Device device, GpuValues& values) {
         return number_into(api.pcie_generation, device, GpuField::pcie_generation, values);
     }},
    {Cadence::always,
     [](const Api& api, Device device, GpuValues& values) {
         return number_into(api.pcie_width, device, GpuField::pcie_width, values);
     }},
    {Cadence::always,
     [](const Api& api, Device device, GpuValues& values) {
         return ecc_into(api, device, kErrorCorrected, kEccVolatile, GpuField::ecc_corrected_volatile, values);
     }},
    {Cadence::always,
     [](const Api& api, Device device, GpuValues& values) {
         return ecc_into(api, device, kErrorUncorrected, kEccVolatile, GpuField::ecc_uncorrected_volatile,
                         values);
     }},
    {Cadence::always, read_remapped_rows},
    {Cadence::always,
     [](const Api& api, Device device, GpuValues& values) {
         return number_into(api.fan_speed, device, GpuField::fan_percent, values);
     }},
    {Cadence::rarely,
     [](const Api& api, Device device, GpuValues& values) {
         return number_into(api.power_limit, device, GpuField::power_limit_milliwatts, values);
     }},
    {Cadence::rarely,
     [](const Api& api, Device device, GpuValues& values) {
         return number_into(api.enforced_power_limit, device, GpuField::enforced_power_limit_milliwatts,
                            values);
     }},
    {Cadence::rarely,
     [](const Api& api, Device device, GpuValues& values) {
         return clock_into(api.temperature_threshold, device, kThresholdSlowdown,
                           GpuField::slowdown_temperature_celsius, values);
     }},
    {Cadence::rarely,
     [](const Api& api, Device device, GpuValues& values) {
         return clock_into(api.temperature_threshold, device, kThresholdShutdown,
                           GpuField::shutdown_temperature_celsius, values);
     }},
    {Cadence::rarely,
     [](const Api& api, Device device, GpuValues& values) {
         return clock_into(api.max_clock, device, kClockSm, GpuField::max_sm_clock_mhz, values);
     }},
    {Cadence::rarely,
     [](const Api& api, Device device, GpuValues& values) {
         return clock_into(api.max_clock, device, kClockMemory, GpuField::max_memory_clock_mhz, values);
     }},
    {Cadence::rarely,
     [](const Api& api, Device device, GpuValues& values) {
         return number_into(api.max_pcie_generation, device, GpuField::max_pcie_generation, values);
     }},
    {Cadence::rarely,
     [](const Api& api, Device device, GpuValues& values) {
         return number_into(api.max_pcie_width, device, GpuField::max_pcie_width, values);
     }},
    {Cadence::rarely,
     [](const Api& api, Device device, GpuValues& values) {
         return ecc_into(api, device, kErrorCorrected, kEccAggregate, GpuField::ecc_corrected_aggregate,
                         values);
     }},
    {Cadence::rarely,
     [](const Api& api, Device device, GpuValues& values) {
         return ecc_into(api, device, kErrorUncorrected, kEccAggregate, GpuField::ecc_uncorrected_aggregate,
                         values);
     }},
    {Cadence::rarely,
     [](const Api& api, Device device, GpuValues& values) {
         return number_into(api.cores, device, GpuField::cores, values);
     }},
});

}  // namespace

std::span<const Call> device_calls() { return kCalls; }

bool is_lost(int result) { return result == kGpuIsLost || result == kResetRequired; }
bool is_driver_gone(int result) {
    return result == kUninitialized || result == kDriverNotLoaded || result == kLibraryMismatch;
}

/// The card or the driver will not know it in a second either. What remains (UNKNOWN, TIMEOUT ...)
/// may pass.
bool is_lacking(int result) {
    return result == kNotSupported || result == kFunctionNotFound || result == kInvalidArgument ||
           result == kNoPermission || result == kVersionMismatch || result == kDeprecated ||
           result == kNotFound;
}

}  // namespace inferscope::collect::nvml
