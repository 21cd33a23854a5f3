// SPDX-License-Identifier: Apache-2.0
// The part of NVIDIA's management library that we call, in our own declarations: no NVIDIA header
// is needed to build, and no library to link. Facts (names, layouts, numbers) from nvml.h of
// NVIDIA/go-nvml 2f9e261 (driver 580 and later); layouts are those of 64-bit Linux and are frozen
// there: a new layout gets a new function name or version number.
#pragma once

#include <cstddef>
#include <cstdint>

namespace inferscope::collect::nvml {

// nvmlReturn_t
inline constexpr int kSuccess = 0;
inline constexpr int kUninitialized = 1;
inline constexpr int kInvalidArgument = 2;
inline constexpr int kNotSupported = 3;
inline constexpr int kNoPermission = 4;
inline constexpr int kNotFound = 6;
inline constexpr int kInsufficientSize = 7;
inline constexpr int kDriverNotLoaded = 9;
inline constexpr int kTimeout = 10;
inline constexpr int kLibraryNotFound = 12;
inline constexpr int kFunctionNotFound = 13;
inline constexpr int kGpuIsLost = 15;
inline constexpr int kResetRequired = 16;
inline constexpr int kLibraryMismatch =
    18;  // LIB_RM_VERSION_MISMATCH: the driver was updated under us
inline constexpr int kVersionMismatch = 25;  // ARGUMENT_VERSION_MISMATCH
inline constexpr int kDeprecated = 26;
inline constexpr int kUnknown = 999;

struct DeviceTag;
struct EventSetTag;
struct GpmSampleTag;
using Device = DeviceTag*;        // nvmlDevice_t
using EventSet = EventSetTag*;    // nvmlEventSet_t
using GpmSample = GpmSampleTag*;  // nvmlGpmSample_t

// nvmlPciInfo_t
struct PciInfo {
    char bus_id_legacy[16];
    unsigned domain;
    unsigned bus;
    unsigned device;
    unsigned pci_device_id;
    unsigned pci_subsystem_id;
    char bus_id[32];
};
static_assert(sizeof(PciInfo) == 68);

// nvmlMemory_t: `used` contains what the driver has reserved
struct Memory {
    std::uint64_t total;
    std::uint64_t free;
    std::uint64_t used;
};

// nvmlMemory_v2_t
struct MemoryV2 {
    unsigned version;
    std::uint64_t total;
    std::uint64_t reserved;
    std::uint64_t free;
    std::uint64_t used;
};

/// NVML_STRUCT_VERSION
template <class Struct>
constexpr unsigned struct_version(unsigned version) {
    return static_cast<unsigned>(sizeof(Struct)) | version << 24U;
}
static_assert(struct_version<MemoryV2>(2) == 0x2000028);

// nvmlUtilization_t
struct Utilization {
    unsigned gpu;
    unsigned memory;
};

// nvmlTemperature_v1_t
struct Temperature {
    unsigned version;
    int sensor;
    int celsius;
};

// nvmlProcessInfo_v1_t
struct ProcessInfoV1 {
    unsigned pid;
    std::uint64_t used_bytes;
};

// nvmlProcessInfo_v2_t, also that of ..._v3 functions
struct ProcessInfo {
    unsigned pid;
    std::uint64_t used_bytes;
    unsigned gpu_instance;
    unsigned compute_instance;
};
static_assert(sizeof(ProcessInfo) == 24);
inline constexpr std::uint64_t kBytesNotAvailable = ~std::uint64_t{0};  // NVML_VALUE_NOT_AVAILABLE

// nvmlValue_t
union Value {
    double as_double;
    int as_int;
    unsigned as_unsigned;
    unsigned long as_unsigned_long;
    unsigned long long as_unsigned_long_long;
    long long as_long_long;
    unsigned short as_unsigned_short;
};

// nvmlValueType_t
inline constexpr int kTypeDouble = 0;
inline constexpr int kTypeUnsigned = 1;
inline constexpr int kTypeUnsignedLong = 2;
inline constexpr int kTypeUnsignedLongLong = 3;
inline constexpr int kTypeLongLong = 4;
inline constexpr int kTypeInt = 5;
inline constexpr int kTypeUnsignedShort = 6;

// nvmlFieldValue_t
struct FieldValue {
    unsigned field;
    unsigned scope;
    std::int64_t timestamp_micros;
    std::int64_t latency_micros;
    int type;
    int result;
    Value value;
};
static_assert(sizeof(FieldValue) == 40);

// nvmlEventData_t
struct EventData {
    Device device;
    std::uint64_t type;
    std::uint64_t data;
    unsigned gpu_instance;
    unsigned compute_instance;
};
static_assert(sizeof(EventData) == 32);
inline constexpr std::uint64_t kXidEvent = 8;  // nvmlEventTypeXidCriticalError

// nvmlGpmMetric_t
struct GpmMetric {
    unsigned metric;
    int result;
    double value;
    const char* names[3];
};

// nvmlGpmMetricsGet_t: the header's array grows from release to release (98, then 333 entries); the
// library looks at `count` of them, and ours is longer than all.
struct GpmMetricsGet {
    unsigned version;
    unsigned count;
    GpmSample earlier;
    GpmSample later;
    GpmMetric metrics[512];
};
static_assert(offsetof(GpmMetricsGet, metrics) == 24 && sizeof(GpmMetric) == 40);

// nvmlGpmSupport_t
struct GpmSupport {
    unsigned version;
    unsigned is_supported;
};

inline constexpr int kTemperatureGpu = 0;     // nvmlTemperatureSensors_t
inline constexpr int kThresholdShutdown = 0;  // nvmlTemperatureThresholds_t
inline constexpr int kThresholdSlowdown = 1;
inline constexpr int kClockSm = 1;  // nvmlClockType_t
inline constexpr int kClockMemory = 2;
inline constexpr int kPcieTx = 0;  // nvmlPcieUtilCounter_t
inline constexpr int kPcieRx = 1;
inline constexpr int kErrorCorrected = 0;  // nvmlMemoryErrorType_t
inline constexpr int kErrorUncorrected = 1;
inline constexpr int kEccVolatile = 0;  // nvmlEccCounterType_t
inline constexpr int kEccAggregate = 1;
inline constexpr int kStateUnknown = 32;  // NVML_PSTATE_UNKNOWN

// NVML_FI_DEV_...
inline constexpr unsigned kFieldRetiredSingleBit = 29;
inline constexpr unsigned kFieldRetiredDoubleBit = 30;
inline constexpr unsigned kFieldRetiredPending = 31;
inline constexpr unsigned kFieldNvlinkFlitErrors = 38;
inline constexpr unsigned kFieldNvlinkDataErrors = 45;
inline constexpr unsigned kFieldNvlinkReplayErrors = 52;
inline constexpr unsigned kFieldNvlinkRecoveryErrors = 59;
inline constexpr unsigned kFieldPolicyPower = 74;
inline constexpr unsigned kFieldPolicyThermal = 75;
inline constexpr unsigned kFieldPolicySyncBoost = 76;
inline constexpr unsigned kFieldPolicyBoardLimit = 77;
inline constexpr unsigned kFieldPolicyLowUtilization = 78;
inline constexpr unsigned kFieldPolicyReliability = 79;
inline constexpr unsigned kFieldMemoryTemperature = 82;
inline constexpr unsigned kFieldNvlinkCount = 91;
inline constexpr unsigned kFieldNvlinkDataTx = 138;  // KiB; scope: link, or all ones for the sum
inline constexpr unsigned kFieldNvlinkDataRx = 139;
inline constexpr unsigned kFieldNvlink5TxBytes = 202;  // bytes; scope: link
inline constexpr unsigned kFieldNvlink5RxBytes = 204;
inline constexpr unsigned kFieldRecoveryAction = 230;
inline constexpr unsigned kFieldSoftwareThermal = 269;
inline constexpr unsigned kFieldHardwareThermal = 270;
inline constexpr unsigned kFieldPowerBrake = 271;
inline constexpr unsigned kAllLinks = ~0U;
inline constexpr unsigned kMaxLinks = 36;  // NVML_NVLINK_MAX_LINKS

/// The library's functions; null where it lacks one, but for the first four.
struct Api {
    int (*init)();
    int (*shutdown)();
    int (*device_count)(unsigned*);
    int (*device_by_index)(unsigned, Device*);

    int (*driver_version)(char*, unsigned);
    int (*uuid)(Device, char*, unsigned);
    int (*name)(Device, char*, unsigned);
    int (*pci_info)(Device, PciInfo*);
    int (*minor_number)(Device, unsigned*);
    int (*cores)(Device, unsigned*);

    int (*utilization)(Device, Utilization*);
    int (*encoder_utilization)(Device, unsigned*, unsigned*);
    int (*decoder_utilization)(Device, unsigned*, unsigned*);
    int (*memory_v2)(Device, MemoryV2*);
    int (*memory)(Device, Memory*);
    int (*temperature_v)(Device, Temperature*);
    int (*temperature)(Device, int, unsigned*);
    int (*temperature_threshold)(Device, int, unsigned*);
    int (*power)(Device, unsigned*);
    int (*power_limit)(Device, unsigned*);
    int (*enforced_power_limit)(Device, unsigned*);
    int (*energy)(Device, unsigned long long*);
    int (*clock)(Device, int, unsigned*);
    int (*max_clock)(Device, int, unsigned*);
    int (*clock_event_reasons)(Device, unsigned long long*);
    int (*performance_state)(Device, int*);
    int (*fan_speed)(Device, unsigned*);
    int (*pcie_throughput)(Device, int, unsigned*);
    int (*pcie_replays)(Device, unsigned*);
    int (*pcie_generation)(Device, unsigned*);
    int (*pcie_width)(Device, unsigned*);
    int (*max_pcie_generation)(Device, unsigned*);
    int (*max_pcie_width)(Device, unsigned*);
    int (*ecc_errors)(Device, int, int, unsigned long long*);
    int (*remapped_rows)(Device, unsigned*, unsigned*, unsigned*, unsigned*);
    int (*field_values)(Device, int, FieldValue*);
    int (*processes)(Device, unsigned*, ProcessInfo*);
    int (*processes_v1)(Device, unsigned*, ProcessInfoV1*);

    int (*event_set_create)(EventSet*);
    int (*event_set_free)(EventSet);
    int (*register_events)(Device, unsigned long long, EventSet);
    int (*event_set_wait)(EventSet, EventData*, unsigned);

    int (*gpm_support)(Device, GpmSupport*);
    int (*gpm_sample_alloc)(GpmSample*);
    int (*gpm_sample_free)(GpmSample);
    int (*gpm_sample)(Device, GpmSample);
    int (*gpm_metrics)(GpmMetricsGet*);
};

}  // namespace inferscope::collect::nvml
