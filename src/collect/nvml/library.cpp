// SPDX-License-Identifier: Apache-2.0
#include "collect/nvml/library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <initializer_list>

namespace inferscope::collect::nvml {
namespace {

/// The first of `names` that the library has: newest first.
template <class Function>
void resolve(void* library, Function*& function, std::initializer_list<const char*> names) {
    function = nullptr;
    for (const auto* name : names) {
        if (function == nullptr) function = reinterpret_cast<Function*>(::dlsym(library, name));
    }
}

void resolve_all(void* library, Api& api) {
    resolve(library, api.init, {"nvmlInit_v2", "nvmlInit"});
    resolve(library, api.shutdown, {"nvmlShutdown"});
    resolve(library, api.device_count, {"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"});
    resolve(library, api.device_by_index,
            {"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"});
    resolve(library, api.driver_version, {"nvmlSystemGetDriverVersion"});
    resolve(library, api.uuid, {"nvmlDeviceGetUUID"});
    resolve(library, api.name, {"nvmlDeviceGetName"});
    resolve(library, api.pci_info, {"nvmlDeviceGetPciInfo_v3"});
    resolve(library, api.minor_number, {"nvmlDeviceGetMinorNumber"});
    resolve(library, api.cores, {"nvmlDeviceGetNumGpuCores"});
    resolve(library, api.utilization, {"nvmlDeviceGetUtilizationRates"});
    resolve(library, api.encoder_utilization, {"nvmlDeviceGetEncoderUtilization"});
    resolve(library, api.decoder_utilization, {"nvmlDeviceGetDecoderUtilization"});
    resolve(library, api.memory_v2, {"nvmlDeviceGetMemoryInfo_v2"});
    resolve(library, api.memory, {"nvmlDeviceGetMemoryInfo"});
    resolve(library, api.temperature_v, {"nvmlDeviceGetTemperatureV"});
    resolve(library, api.temperature, {"nvmlDeviceGetTemperature"});
    resolve(library, api.temperature_threshold, {"nvmlDeviceGetTemperatureThreshold"});
    resolve(library, api.power, {"nvmlDeviceGetPowerUsage"});
    resolve(library, api.power_limit, {"nvmlDeviceGetPowerManagementLimit"});
    resolve(library, api.enforced_power_limit, {"nvmlDeviceGetEnforcedPowerLimit"});
    resolve(library, api.energy, {"nvmlDeviceGetTotalEnergyConsumption"});
    resolve(library, api.clock, {"nvmlDeviceGetClockInfo"});
    resolve(library, api.max_clock, {"nvmlDeviceGetMaxClockInfo"});
    resolve(
        library, api.clock_event_reasons,
        {"nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"});
    resolve(library, api.performance_state, {"nvmlDeviceGetPerformanceState"});
    resolve(library, api.fan_speed, {"nvmlDeviceGetFanSpeed"});
    resolve(library, api.pcie_throughput, {"nvmlDeviceGetPcieThroughput"});
    resolve(library, api.pcie_replays, {"nvmlDeviceGetPcieReplayCounter"});
    resolve(library, api.pcie_generation, {"nvmlDeviceGetCurrPcieLinkGeneration"});
    resolve(library, api.pcie_width, {"nvmlDeviceGetCurrPcieLinkWidth"});
    resolve(library, api.max_pcie_generation, {"nvmlDeviceGetMaxPcieLinkGeneration"});
    resolve(library, api.max_pcie_width, {"nvmlDeviceGetMaxPcieLinkWidth"});
    resolve(library, api.ecc_errors, {"nvmlDeviceGetTotalEccErrors"});
    resolve(library, api.remapped_rows, {"nvmlDeviceGetRemappedRows"});
    resolve(library, api.field_values, {"nvmlDeviceGetFieldValues"});
    resolve(library, api.processes,
            {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"});
    resolve(library, api.processes_v1, {"nvmlDeviceGetComputeRunningProcesses"});
    resolve(library, api.event_set_create, {"nvmlEventSetCreate"});
    resolve(library, api.event_set_free, {"nvmlEventSetFree"});
    resolve(library, api.register_events, {"nvmlDeviceRegisterEvents"});
    resolve(library, api.event_set_wait, {"nvmlEventSetWait_v2", "nvmlEventSetWait"});
    resolve(library, api.gpm_support, {"nvmlGpmQueryDeviceSupport"});
    resolve(library, api.gpm_sample_alloc, {"nvmlGpmSampleAlloc"});
    resolve(library, api.gpm_sample_free, {"nvmlGpmSampleFree"});
    resolve(library, api.gpm_sample, {"nvmlGpmSampleGet"});
    resolve(library, api.gpm_metrics, {"nvmlGpmMetricsGet"});
}

}  // namespace

Result<std::unique_ptr<Library>> Library::load(const std::string& name) {
    void* handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        const char* why = ::dlerror();
        return Error{Errc::not_found,
                     why != nullptr ? why : fmt::format("{} can't be loaded", name)};
    }
    std::unique_ptr<Library> library(new Library(handle));
    const auto& api = library->api();
    if (api.init == nullptr || api.shutdown == nullptr || api.device_count == nullptr ||
        api.device_by_index == nullptr) {
        return Error{Errc::unavailable,
                     fmt::format("{} is not the GPU driver's library: it lacks nvmlInit_v2, "
                                 "nvmlShutdown or the functions that list devices",
                                 name)};
    }
    return library;
}

Library::Library(void* handle) : handle_(handle) { resolve_all(handle, api_); }

Library::~Library() { ::dlclose(handle_); }

std::string result_name(int result) {
    switch (result) {
        case kSuccess:
            return "SUCCESS";
        case kUninitialized:
            return "UNINITIALIZED";
        case kInvalidArgument:
            return "INVALID_ARGUMENT";
        case kNotSupported:
            return "NOT_SUPPORTED";
        case kNoPermission:
            return "NO_PERMISSION";
        case kNotFound:
            return "NOT_FOUND";
        case kInsufficientSize:
            return "INSUFFICIENT_SIZE";
        case kDriverNotLoaded:
            return "DRIVER_NOT_LOADED";
        case kTimeout:
            return "TIMEOUT";
        case kLibraryNotFound:
            return "LIBRARY_NOT_FOUND";
        case kFunctionNotFound:
            return "FUNCTION_NOT_FOUND";
        case kGpuIsLost:
            return "GPU_IS_LOST";
        case kResetRequired:
            return "RESET_REQUIRED";
        case kLibraryMismatch:
            return "LIB_RM_VERSION_MISMATCH";
        case kVersionMismatch:
            return "ARGUMENT_VERSION_MISMATCH";
        case kDeprecated:
            return "DEPRECATED";
        case kUnknown:
            return "UNKNOWN";
        default:
            return fmt::format("result {}", result);
    }
}

}  // namespace inferscope::collect::nvml
