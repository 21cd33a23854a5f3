// SPDX-License-Identifier: Apache-2.0
// A double of NVIDIA's management library: the same C symbols, GPUs whose numbers follow from their
// index. The number of GPUs is FAKE_NVML_GPUS (environment, default 2) until the controls change
// it. Built a second time with FAKE_NVML_OLD, which leaves out the functions that drivers before
// 2022 lack.
#include "doubles/fake_nvml.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "collect/nvml/nvml_api.h"

namespace inferscope::collect::nvml {

struct DeviceTag {
    unsigned index;
};
struct EventSetTag {
    std::vector<unsigned> gpus;
};
struct GpmSampleTag {
    unsigned gpu;
};

}  // namespace inferscope::collect::nvml

namespace {

using namespace inferscope::collect::nvml;
using inferscope::doubles::FakeNvml;

constexpr unsigned kMaxGpus = 16;
constexpr std::uint64_t kGibibyte = std::uint64_t{1} << 30;

std::array<DeviceTag, kMaxGpus>& devices() {
    static std::array<DeviceTag, kMaxGpus> all = [] {
        std::array<DeviceTag, kMaxGpus> made{};
        for (unsigned i = 0; i < kMaxGpus; ++i) made[i].index = i;
        return made;
    }();
    return all;
}

FakeNvml& fake() {
    static FakeNvml controls;
    static const bool once = [] {
        const char* gpus = std::getenv("FAKE_NVML_GPUS");
        controls.reset(gpus != nullptr ? static_cast<unsigned>(std::atoi(gpus)) : 2);
        return true;
    }();
    static_cast<void>(once);
    return controls;
}

int enter(const char* function, Device device) {
    return fake().enter(function, device != nullptr ? static_cast<int>(device->index) : -1);
}

/// Answers `value` unless told otherwise.
template <class Into, class From>
int answer(const char* function, Device device, Into* into, From value) {
    const int result = enter(function, device);
    if (result == kSuccess) *into = static_cast<Into>(value);
    return result;
}

int answer_text(const char* function, Device device, char* into, unsigned size,
                const std::string& text) {
    if (const int result = enter(function, device); result != kSuccess) return result;
    if (size <= text.size()) return kInsufficientSize;
    std::memcpy(into, text.c_str(), text.size() + 1);
    return kSuccess;
}

/// What a field says: 1000 * id + GPU; 18 links that each counted 7 bytes; no memory sensor on odd
/// GPUs.
std::uint64_t field_value(const FieldValue& request, unsigned gpu) {
    if (request.field == kFieldNvlinkCount) return 18;
    if (request.field == kFieldNvlink5TxBytes) return 7;
    if (request.field == kFieldNvlink5RxBytes) return 9;
    if (request.field == kFieldMemoryTemperature) return gpu % 2 == 0 ? 60 : 0;
    return std::uint64_t{1000} * request.field + gpu;
}

template <class Info>
int list_processes(const char* function, Device device, unsigned* count, Info* infos) {
    if (const int result = enter(function, device); result != kSuccess) return result;
    const auto processes = fake().processes(device->index);
    const auto room = *count;
    *count = static_cast<unsigned>(processes.size());
    if (room < processes.size()) return kInsufficientSize;
    for (std::size_t i = 0; i < processes.size(); ++i) {
        infos[i].pid = processes[i].pid;
        infos[i].used_bytes = processes[i].bytes;
    }
    return kSuccess;
}

}  // namespace

extern "C" {

FakeNvml* fake_nvml_controls() { return &fake(); }

int nvmlInit_v2() { return enter("nvmlInit_v2", nullptr); }
int nvmlShutdown() { return enter("nvmlShutdown", nullptr); }
int nvmlSystemGetDriverVersion(char* into, unsigned size) {
    return answer_text("nvmlSystemGetDriverVersion", nullptr, into, size, "580.65.06");
}
int nvmlDeviceGetCount_v2(unsigned* count) {
    return answer("nvmlDeviceGetCount_v2", nullptr, count, fake().gpus());
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device* device) {
    if (index >= fake().gpus()) return kInvalidArgument;
    *device = &devices()[index];
    return enter("nvmlDeviceGetHandleByIndex_v2", *device);
}
int nvmlDeviceGetUUID(Device device, char* into, unsigned size) {
    return answer_text("nvmlDeviceGetUUID", device, into, size,
                       "GPU-" + std::to_string(device->index));
}
int nvmlDeviceGetName(Device device, char* into, unsigned size) {
    return answer_text("nvmlDeviceGetName", device, into, size, "Fake H100");
}
int nvmlDeviceGetMinorNumber(Device device, unsigned* minor) {
    return answer("nvmlDeviceGetMinorNumber", device, minor, 7 - device->index);
}
int nvmlDeviceGetPciInfo_v3(Device device, PciInfo* pci) {
    if (const int result = enter("nvmlDeviceGetPciInfo_v3", device); result != kSuccess)
        return result;
    *pci = {};
    std::snprintf(pci->bus_id, sizeof pci->bus_id, "00000000:%02X:00.0", device->index);
    return kSuccess;
}
int nvmlDeviceGetNumGpuCores(Device device, unsigned* cores) {
    return answer("nvmlDeviceGetNumGpuCores", device, cores, 16896);
}
int nvmlDeviceGetUtilizationRates(Device device, Utilization* utilization) {
    return answer("nvmlDeviceGetUtilizationRates", device, utilization,
                  Utilization{.gpu = 90 + device->index, .memory = 40});
}
int nvmlDeviceGetEncoderUtilization(Device device, unsigned* percent, unsigned* period) {
    *period = 1000;
    return answer("nvmlDeviceGetEncoderUtilization", device, percent, 3);
}
int nvmlDeviceGetDecoderUtilization(Device device, unsigned* percent, unsigned* period) {
    *period = 1000;
    return answer("nvmlDeviceGetDecoderUtilization", device, percent, 4);
}
int nvmlDeviceGetMemoryInfo(Device device, Memory* memory) {
    return answer("nvmlDeviceGetMemoryInfo", device, memory,
                  Memory{.total = 80 * kGibibyte, .free = 19 * kGibibyte, .used = 61 * kGibibyte});
}
int nvmlDeviceGetTemperature(Device device, int, unsigned* celsius) {
    return answer("nvmlDeviceGetTemperature", device, celsius, 50 + device->index);
}
int nvmlDeviceGetTemperatureThreshold(Device device, int threshold, unsigned* celsius) {
    return answer("nvmlDeviceGetTemperatureThreshold", device, celsius,
                  threshold == kThresholdSlowdown ? 87 : 92);
}
int nvmlDeviceGetPowerUsage(Device device, unsigned* milliwatts) {
    return answer("nvmlDeviceGetPowerUsage", device, milliwatts, 650500 + device->index);
}
int nvmlDeviceGetPowerManagementLimit(Device device, unsigned* milliwatts) {
    return answer("nvmlDeviceGetPowerManagementLimit", device, milliwatts, 700000);
}
int nvmlDeviceGetEnforcedPowerLimit(Device device, unsigned* milliwatts) {
    return answer("nvmlDeviceGetEnforcedPowerLimit", device, milliwatts, 690000);
}
int nvmlDeviceGetTotalEnergyConsumption(Device device, unsigned long long* millijoules) {
    return answer("nvmlDeviceGetTotalEnergyConsumption", device, millijoules, 123456789012ULL);
}
int nvmlDeviceGetClockInfo(Device device, int clock, unsigned* megahertz) {
    return answer("nvmlDeviceGetClockInfo", device, megahertz, clock == kClockSm ? 1755 : 2619);
}
int nvmlDeviceGetMaxClockInfo(Device device, int clock, unsigned* megahertz) {
    return answer("nvmlDeviceGetMaxClockInfo", device, megahertz, clock == kClockSm ? 1980 : 2619);
}
int nvmlDeviceGetCurrentClocksThrottleReasons(Device device, unsigned long long* mask) {
    return answer("nvmlDeviceGetCurrentClocksThrottleReasons", device, mask, 0x24);
}
int nvmlDeviceGetPerformanceState(Device device, int* state) {
    return answer("nvmlDeviceGetPerformanceState", device, state, 0);
}
int nvmlDeviceGetFanSpeed(Device device, unsigned* percent) {
    return answer("nvmlDeviceGetFanSpeed", device, percent, 30);
}
int nvmlDeviceGetPcieThroughput(Device device, int direction, unsigned* kilobytes) {
    return answer("nvmlDeviceGetPcieThroughput", device, kilobytes,
                  direction == kPcieTx ? 1500 : 2500);
}
int nvmlDeviceGetPcieReplayCounter(Device device, unsigned* count) {
    return answer("nvmlDeviceGetPcieReplayCounter", device, count, 5);
}
int nvmlDeviceGetCurrPcieLinkGeneration(Device device, unsigned* generation) {
    return answer("nvmlDeviceGetCurrPcieLinkGeneration", device, generation, 4);
}
int nvmlDeviceGetCurrPcieLinkWidth(Device device, unsigned* width) {
    return answer("nvmlDeviceGetCurrPcieLinkWidth", device, width, 8);
}
int nvmlDeviceGetMaxPcieLinkGeneration(Device device, unsigned* generation) {
    return answer("nvmlDeviceGetMaxPcieLinkGeneration", device, generation, 5);
}
int nvmlDeviceGetMaxPcieLinkWidth(Device device, unsigned* width) {
    return answer("nvmlDeviceGetMaxPcieLinkWidth", device, width, 16);
}
int nvmlDeviceGetTotalEccErrors(Device device, int type, int counter, unsigned long long* count) {
    return answer("nvmlDeviceGetTotalEccErrors", device, count, 10 * counter + type + 1);
}
int nvmlDeviceGetFieldValues(Device device, int count, FieldValue* values) {
    if (const int result = enter("nvmlDeviceGetFieldValues", device); result != kSuccess)
        return result;
    for (int i = 0; i < count; ++i) {
        values[i].result = fake().field_result(values[i].field, static_cast<int>(device->index));
        values[i].type = kTypeUnsignedLongLong;
        values[i].value.as_unsigned_long_long = field_value(values[i], device->index);
    }
    return kSuccess;
}
int nvmlDeviceGetComputeRunningProcesses(Device device, unsigned* count, ProcessInfoV1* infos) {
    return list_processes("nvmlDeviceGetComputeRunningProcesses", device, count, infos);
}
int nvmlEventSetCreate(EventSet* set) {
    *set = new EventSetTag;
    return enter("nvmlEventSetCreate", nullptr);
}
int nvmlEventSetFree(EventSet set) {
    delete set;
    return enter("nvmlEventSetFree", nullptr);
}
int nvmlDeviceRegisterEvents(Device device, unsigned long long types, EventSet set) {
    if (types != kXidEvent) return kInvalidArgument;
    const int result = enter("nvmlDeviceRegisterEvents", device);
    if (result == kSuccess) set->gpus.push_back(device->index);
    return result;
}
int nvmlEventSetWait_v2(EventSet, EventData* data, unsigned millis) {
    if (const int result = enter("nvmlEventSetWait_v2", nullptr); result != kSuccess) return result;
    FakeNvml::Event event;
    if (!fake().take_event(millis, event)) return kTimeout;
    *data = {.device = &devices()[event.gpu],
             .type = kXidEvent,
             .data = event.xid,
             .gpu_instance = ~0U,
             .compute_instance = ~0U};
    return kSuccess;
}

#ifndef FAKE_NVML_OLD
int nvmlDeviceGetMemoryInfo_v2(Device device, MemoryV2* memory) {
    if (memory->version != struct_version<MemoryV2>(2)) return kVersionMismatch;
    const auto version = memory->version;
    return answer("nvmlDeviceGetMemoryInfo_v2", device, memory,
                  MemoryV2{.version = version,
                           .total = 80 * kGibibyte,
                           .reserved = kGibibyte,
                           .free = 19 * kGibibyte,
                           .used = 60 * kGibibyte});
}
int nvmlDeviceGetTemperatureV(Device device, Temperature* temperature) {
    if (temperature->version != struct_version<Temperature>(1)) return kVersionMismatch;
    return answer("nvmlDeviceGetTemperatureV", device, &temperature->celsius, 50 + device->index);
}
int nvmlDeviceGetCurrentClocksEventReasons(Device device, unsigned long long* mask) {
    return answer("nvmlDeviceGetCurrentClocksEventReasons", device, mask, 0x24);
}
int nvmlDeviceGetRemappedRows(Device device, unsigned* corrected, unsigned* uncorrected,
                              unsigned* pending, unsigned* failed) {
    *uncorrected = 2;
    *pending = 1;
    *failed = 0;
    return answer("nvmlDeviceGetRemappedRows", device, corrected, 3);
}
int nvmlDeviceGetComputeRunningProcesses_v3(Device device, unsigned* count, ProcessInfo* infos) {
    return list_processes("nvmlDeviceGetComputeRunningProcesses_v3", device, count, infos);
}
int nvmlGpmQueryDeviceSupport(Device device, GpmSupport* support) {
    return answer("nvmlGpmQueryDeviceSupport", device, &support->is_supported, 1);
}
int nvmlGpmSampleAlloc(GpmSample* sample) {
    *sample = new GpmSampleTag{};
    return enter("nvmlGpmSampleAlloc", nullptr);
}
int nvmlGpmSampleFree(GpmSample sample) {
    delete sample;
    return enter("nvmlGpmSampleFree", nullptr);
}
int nvmlGpmSampleGet(Device device, GpmSample sample) {
    sample->gpu = device->index;
    return enter("nvmlGpmSampleGet", device);
}
int nvmlGpmMetricsGet(GpmMetricsGet* request) {
    if (const int result = enter("nvmlGpmMetricsGet", nullptr); result != kSuccess) return result;
    if (request->version != 1 || request->earlier == request->later) return kInvalidArgument;
    for (unsigned i = 0; i < request->count; ++i) {
        request->metrics[i].result = kSuccess;
        request->metrics[i].value = request->metrics[i].metric;
    }
    return kSuccess;
}
#endif

}  // extern "C"
