// SPDX-License-Identifier: Apache-2.0
#include "collect/nvml/device_calls.h"

#include <array>

namespace inferscope::collect::nvml {
namespace {

using enum GpuField;

/// A function of `Api` that gives one number.
template <auto function, GpuField field>
int number(const Api& api, Device device, GpuValues& values) {
    if (api.*function == nullptr) return kFunctionNotFound;
    unsigned value = 0;
    const int result = (api.*function)(device, &value);
    if (result == kSuccess) values.set(field, value);
    return result;
}

/// One that gives a number of the clock, sensor or threshold `which`.
template <auto function, int which, GpuField field>
int number_of(const Api& api, Device device, GpuValues& values) {
    if (api.*function == nullptr) return kFunctionNotFound;
    unsigned value = 0;
    const int result = (api.*function)(device, which, &value);
    if (result == kSuccess) values.set(field, value);
    return result;
}

/// One that gives a percentage, and the period that it stands for.
template <auto function, GpuField field>
int coder(const Api& api, Device device, GpuValues& values) {
    if (api.*function == nullptr) return kFunctionNotFound;
    unsigned percent = 0;
    unsigned period_micros = 0;
    const int result = (api.*function)(device, &percent, &period_micros);
    if (result == kSuccess) values.set(field, percent);
    return result;
}

/// One that gives 64 bits.
template <auto function, GpuField field>
int long_number(const Api& api, Device device, GpuValues& values) {
    if (api.*function == nullptr) return kFunctionNotFound;
    unsigned long long value = 0;
    const int result = (api.*function)(device, &value);
    if (result == kSuccess) values.set(field, std::uint64_t{value});
    return result;
}

template <int type, int counter, GpuField field>
int ecc(const Api& api, Device device, GpuValues& values) {
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
    values.set(utilization_percent, utilization.gpu);
    values.set(memory_activity_percent, utilization.memory);
    return result;
}

/// Version 1 counts what the driver has reserved as used and can't tell how much that is.
int read_memory_v1(const Api& api, Device device, GpuValues& values) {
    if (api.memory == nullptr) return kFunctionNotFound;
    Memory memory{};
    const int result = api.memory(device, &memory);
    if (result != kSuccess) return result;
    values.set(memory_total_bytes, memory.total);
    values.set(memory_free_bytes, memory.free);
    values.set(memory_used_bytes, memory.used);
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
    values.set(memory_total_bytes, memory.total);
    values.set(memory_free_bytes, memory.free);
    values.set(memory_used_bytes, memory.used);
    values.set(memory_reserved_bytes, memory.reserved);
    return result;
}

int read_temperature(const Api& api, Device device, GpuValues& values) {
    int result = kFunctionNotFound;
    if (api.temperature_v != nullptr) {
        Temperature temperature{
            .version = struct_version<Temperature>(1), .sensor = kTemperatureGpu, .celsius = 0};
        result = api.temperature_v(device, &temperature);
        if (result == kSuccess) {
            values.set(temperature_celsius, static_cast<double>(temperature.celsius));
            return result;
        }
    }
    const bool has_older = result == kFunctionNotFound || result == kVersionMismatch;
    if (!has_older) return result;
    return number_of<&Api::temperature, kTemperatureGpu, temperature_celsius>(api, device, values);
}

int read_performance_state(const Api& api, Device device, GpuValues& values) {
    if (api.performance_state == nullptr) return kFunctionNotFound;
    int state = kStateUnknown;
    const int result = api.performance_state(device, &state);
    if (result == kSuccess && state != kStateUnknown) {
        values.set(performance_state, static_cast<double>(state));
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
    values.set(remapped_rows_corrected, corrected);
    values.set(remapped_rows_uncorrected, uncorrected);
    values.set(row_remap_pending, pending);
    values.set(row_remap_failure, failed);
    return result;
}

/// What is asked of each GPU by a function of its own; a row that fails leaves its numbers out.
constexpr auto kCalls = std::to_array<Call>({
    {Cadence::always, read_utilization},
    {Cadence::always, coder<&Api::encoder_utilization, encoder_percent>},
    {Cadence::always, coder<&Api::decoder_utilization, decoder_percent>},
    {Cadence::always, read_memory},
    {Cadence::always, read_temperature},
    {Cadence::always, number<&Api::power, power_milliwatts>},
    {Cadence::always, long_number<&Api::energy, energy_millijoules>},
    {Cadence::always, number_of<&Api::clock, kClockSm, sm_clock_mhz>},
    {Cadence::always, number_of<&Api::clock, kClockMemory, memory_clock_mhz>},
    {Cadence::always, long_number<&Api::clock_event_reasons, clock_event_reasons>},
    {Cadence::always, read_performance_state},
    {Cadence::always, number<&Api::fan_speed, fan_percent>},
    {Cadence::always, number<&Api::pcie_replays, pcie_replays>},
    {Cadence::always, number<&Api::pcie_generation, pcie_generation>},
    {Cadence::always, number<&Api::pcie_width, pcie_width>},
    {Cadence::always, ecc<kErrorCorrected, kEccVolatile, ecc_corrected_volatile>},
    {Cadence::always, ecc<kErrorUncorrected, kEccVolatile, ecc_uncorrected_volatile>},
    {Cadence::always, read_remapped_rows},
    {Cadence::rarely, ecc<kErrorCorrected, kEccAggregate, ecc_corrected_aggregate>},
    {Cadence::rarely, ecc<kErrorUncorrected, kEccAggregate, ecc_uncorrected_aggregate>},
    {Cadence::rarely, number<&Api::power_limit, power_limit_milliwatts>},
    {Cadence::rarely, number<&Api::enforced_power_limit, enforced_power_limit_milliwatts>},
    {Cadence::rarely,
     number_of<&Api::temperature_threshold, kThresholdSlowdown, slowdown_temperature_celsius>},
    {Cadence::rarely,
     number_of<&Api::temperature_threshold, kThresholdShutdown, shutdown_temperature_celsius>},
    {Cadence::rarely, number_of<&Api::max_clock, kClockSm, max_sm_clock_mhz>},
    {Cadence::rarely, number_of<&Api::max_clock, kClockMemory, max_memory_clock_mhz>},
    {Cadence::rarely, number<&Api::max_pcie_generation, max_pcie_generation>},
    {Cadence::rarely, number<&Api::max_pcie_width, max_pcie_width>},
    {Cadence::rarely, number<&Api::cores, cores>},
});

}  // namespace

std::span<const Call> device_calls() { return kCalls; }

bool is_lost(int result) { return result == kGpuIsLost || result == kResetRequired; }
bool is_driver_gone(int result) {
    return result == kUninitialized || result == kDriverNotLoaded || result == kLibraryMismatch;
}

bool is_lacking(int result) {
    return result == kNotSupported || result == kFunctionNotFound || result == kInvalidArgument ||
           result == kNoPermission || result == kVersionMismatch || result == kDeprecated ||
           result == kNotFound;
}

}  // namespace inferscope::collect::nvml
