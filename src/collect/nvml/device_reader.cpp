// SPDX-License-Identifier: Apache-2.0
#include "collect/nvml/device_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "collect/nvml/device_calls.h"

namespace inferscope::collect::nvml {
namespace {

constexpr double kKibibyte = 1024;

/// The text before the first NUL, however the library filled the buffer.
template <std::size_t Size>
std::string text_of(const std::array<char, Size>& buffer) {
    return {buffer.data(), ::strnlen(buffer.data(), buffer.size())};
}

int text_into(int (*function)(Device, char*, unsigned), Device device, std::string& into) {
    if (function == nullptr) return kFunctionNotFound;
    std::array<char, 96> buffer{};  // NVML_DEVICE_NAME_V2_BUFFER_SIZE, the longest of them
    const int result = function(device, buffer.data(), buffer.size());
    if (result == kSuccess) into = text_of(buffer);
    return result;
}

double number_of(const FieldValue& value) {
    switch (value.type) {
        case kTypeDouble:
            return value.value.as_double;
        case kTypeUnsigned:
            return value.value.as_unsigned;
        case kTypeUnsignedLong:
            return static_cast<double>(value.value.as_unsigned_long);
        case kTypeUnsignedLongLong:
            return static_cast<double>(value.value.as_unsigned_long_long);
        case kTypeLongLong:
            return static_cast<double>(value.value.as_long_long);
        case kTypeInt:
            return value.value.as_int;
        case kTypeUnsignedShort:
            return value.value.as_unsigned_short;
        default:
            return 0;
    }
}

FieldValue request_for(unsigned field, unsigned scope) {
    FieldValue request{};
    request.field = field;
    request.scope = scope;
    return request;
}

}  // namespace

DeviceReader::DeviceReader(const Api& api, Device device, unsigned index,
                           const NvmlSettings& settings)
    : api_(api),
      device_(device),
      settings_(settings),
      profiler_(api, device),
      pauses_(device_calls().size()),
      fields_{{kFieldMemoryTemperature, 0, GpuField::memory_temperature_celsius, {}},
              {kFieldRetiredSingleBit, 0, GpuField::retired_pages_single_bit, {}},
              {kFieldRetiredDoubleBit, 0, GpuField::retired_pages_double_bit, {}},
              {kFieldRetiredPending, 0, GpuField::retired_pages_pending, {}},
              {kFieldPolicyPower, 0, GpuField::power_violation_nanos, {}},
              {kFieldPolicyThermal, 0, GpuField::thermal_violation_nanos, {}},
              {kFieldPolicySyncBoost, 0, GpuField::sync_boost_violation_nanos, {}},
              {kFieldPolicyBoardLimit, 0, GpuField::board_limit_violation_nanos, {}},
              {kFieldPolicyLowUtilization, 0, GpuField::low_utilization_violation_nanos, {}},
              {kFieldPolicyReliability, 0, GpuField::reliability_violation_nanos, {}},
              {kFieldSoftwareThermal, 0, GpuField::software_thermal_nanos, {}},
              {kFieldHardwareThermal, 0, GpuField::hardware_thermal_nanos, {}},
              {kFieldPowerBrake, 0, GpuField::power_brake_nanos, {}},
              {kFieldNvlinkFlitErrors, 0, GpuField::nvlink_flit_errors, {}},
              {kFieldNvlinkDataErrors, 0, GpuField::nvlink_data_errors, {}},
              {kFieldNvlinkReplayErrors, 0, GpuField::nvlink_replay_errors, {}},
              {kFieldNvlinkRecoveryErrors, 0, GpuField::nvlink_recovery_errors, {}},
              {kFieldRecoveryAction, 0, GpuField::recovery_action, {}}},
      process_buffer_(16) {
    state_.index = index;
    state_.minor_number = index;
    text_into(api.uuid, device, state_.uuid);
    text_into(api.name, device, state_.name);
    if (api.minor_number != nullptr) {
        unsigned minor = 0;
        if (api.minor_number(device, &minor) == kSuccess) state_.minor_number = minor;
    }
    PciInfo pci{};
    if (api.pci_info != nullptr && api.pci_info(device, &pci) == kSuccess) {
        state_.pci_bus_id.assign(pci.bus_id, ::strnlen(pci.bus_id, sizeof pci.bus_id));
    }
}

Reading DeviceReader::mark(Reading reading) {
    if (reading == Reading::done) return reading;
    state_.lost = true;
    state_.values.clear();
    state_.processes.clear();
    return reading;
}

Reading DeviceReader::read(SteadyTime now) {
    state_.lost = false;
    state_.values.clear();
    if (const auto reading = call_all(now); reading != Reading::done) return mark(reading);
    read_processes(now);
    profiler_.read(now, settings_, state_.values);
    if (profiler_.gives_pcie()) {
        state_.values.set(GpuField::pcie_tx_bytes_per_second,
                          state_.values.get(GpuField::profiled_pcie_tx_bytes_per_second));
        state_.values.set(GpuField::pcie_rx_bytes_per_second,
                          state_.values.get(GpuField::profiled_pcie_rx_bytes_per_second));
    }
    state_.values.fill_from(throughput_);
    state_.values.fill_from(lasting_);
    return Reading::done;
}

Reading DeviceReader::call_all(SteadyTime now) {
    const bool with_rare = now >= next_rare_;
    if (with_rare) {
        next_rare_ = now + settings_.slow_interval;
        lasting_.clear();
    }
    const auto judge = [&](int result, Pause& pause) {
        if (is_lost(result)) return Reading::gpu_lost;
        if (is_driver_gone(result)) return Reading::driver_gone;
        if (is_lacking(result)) pause.until = now + settings_.retry_unsupported;
        return Reading::done;
    };
    const auto calls = device_calls();
    for (std::size_t i = 0; i < calls.size(); ++i) {
        const bool is_rare = calls[i].cadence == Cadence::rarely;
        if ((is_rare && !with_rare) || !pauses_[i].over(now)) continue;
        const int result = calls[i].read(api_, device_, is_rare ? lasting_ : state_.values);
        if (const auto reading = judge(result, pauses_[i]); reading != Reading::done)
            return reading;
    }
    if (fields_pause_.over(now)) {
        const auto reading = judge(read_fields(now, state_.values), fields_pause_);
        if (reading != Reading::done) return reading;
    }
    if (nvlink_pause_.over(now)) {
        const auto reading = judge(read_nvlink(state_.values), nvlink_pause_);
        if (reading != Reading::done) return reading;
    }
    return Reading::done;
}

int DeviceReader::read_fields(SteadyTime now, GpuValues& values) {
    if (api_.field_values == nullptr) return kFunctionNotFound;
    std::vector<FieldValue> requests;
    std::vector<Field*> asked;
    for (auto& field : fields_) {
        if (!field.pause.over(now)) continue;
        requests.push_back(request_for(field.id, field.scope));
        asked.push_back(&field);
    }
    if (requests.empty()) return kSuccess;
    const int result =
        api_.field_values(device_, static_cast<int>(requests.size()), requests.data());
    if (result != kSuccess) return result;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        if (is_lost(requests[i].result)) return requests[i].result;
        if (is_lacking(requests[i].result))
            asked[i]->pause.until = now + settings_.retry_unsupported;
        if (requests[i].result != kSuccess) continue;
        const double value = number_of(requests[i]);
        // Boards without a sensor at their memory say 0.
        if (asked[i]->target == GpuField::memory_temperature_celsius && value == 0) continue;
        values.set(asked[i]->target, value);
    }
    return kSuccess;
}

int DeviceReader::read_nvlink(GpuValues& values) {
    if (api_.field_values == nullptr) return kFunctionNotFound;
    std::array<FieldValue, 3> requests = {request_for(kFieldNvlinkDataTx, kAllLinks),
                                          request_for(kFieldNvlinkDataRx, kAllLinks),
                                          request_for(kFieldNvlinkCount, 0)};
    const int result = api_.field_values(device_, requests.size(), requests.data());
    if (result != kSuccess) return result;
    if (requests[0].result == kSuccess && requests[1].result == kSuccess) {
        values.set(GpuField::nvlink_tx_bytes, number_of(requests[0]) * kKibibyte);
        values.set(GpuField::nvlink_rx_bytes, number_of(requests[1]) * kKibibyte);
        return kSuccess;
    }
    const double links = requests[2].result == kSuccess ? number_of(requests[2]) : 0;
    if (links < 1) return kNotSupported;
    return sum_links(std::min(static_cast<unsigned>(links), kMaxLinks), values);
}

/// NVLink 5 counts bytes for each link, and gives no sum.
int DeviceReader::sum_links(unsigned links, GpuValues& values) {
    std::vector<FieldValue> requests;
    for (unsigned link = 0; link < links; ++link) {
        requests.push_back(request_for(kFieldNvlink5TxBytes, link));
        requests.push_back(request_for(kFieldNvlink5RxBytes, link));
    }
    const int result =
        api_.field_values(device_, static_cast<int>(requests.size()), requests.data());
    if (result != kSuccess) return result;
    double sent = 0;
    double received = 0;
    bool any = false;
    for (const auto& request : requests) {
        if (request.result != kSuccess) continue;  // an inactive link
        (request.field == kFieldNvlink5TxBytes ? sent : received) += number_of(request);
        any = true;
    }
    if (!any) return kNotSupported;
    values.set(GpuField::nvlink_tx_bytes, sent);
    values.set(GpuField::nvlink_rx_bytes, received);
    return kSuccess;
}

namespace {

/// Calls `list(&count, infos)` with room that grows; entries read are in `buffer`.
template <class Info, class List>
int list_processes(std::vector<Info>& buffer, unsigned& count, List list) {
    constexpr std::size_t kMost = 4096;
    while (true) {
        count = static_cast<unsigned>(buffer.size());
        const int result = list(&count, buffer.data());
        if (result != kInsufficientSize || buffer.size() >= kMost) return result;
        buffer.resize(std::min(kMost, std::max<std::size_t>(2 * buffer.size(), count + 8)));
    }
}

}  // namespace

void DeviceReader::read_processes(SteadyTime now) {
    state_.processes.clear();
    state_.lists_processes = false;
    if (!processes_pause_.over(now)) return;
    unsigned count = 0;
    int result = kFunctionNotFound;
    if (api_.processes != nullptr) {
        result = list_processes(process_buffer_, count, [&](unsigned* size, ProcessInfo* infos) {
            return api_.processes(device_, size, infos);
        });
    } else if (api_.processes_v1 != nullptr) {
        std::vector<ProcessInfoV1> old(16);
        result = list_processes(old, count, [&](unsigned* size, ProcessInfoV1* infos) {
            return api_.processes_v1(device_, size, infos);
        });
        process_buffer_.resize(std::max(process_buffer_.size(), old.size()));
        for (unsigned i = 0; i < count && result == kSuccess; ++i) {
            process_buffer_[i] = {old[i].pid, old[i].used_bytes, 0, 0};
        }
    }
    if (is_lacking(result)) processes_pause_.until = now + settings_.retry_unsupported;
    if (result != kSuccess) return;
    state_.lists_processes = true;
    std::ranges::for_each(
        std::span(process_buffer_).first(std::min<std::size_t>(count, process_buffer_.size())),
        [&](const ProcessInfo& info) { add_process(info); });
    std::ranges::sort(state_.processes, [](const GpuProcess& a, const GpuProcess& b) {
        return a.bytes != b.bytes ? a.bytes > b.bytes : a.pid < b.pid;
    });
    if (state_.processes.size() > kMaxGpuProcesses) state_.processes.resize(kMaxGpuProcesses);
}

/// With MIG a process stands there once for each of its instances.
void DeviceReader::add_process(const ProcessInfo& info) {
    if (info.used_bytes == kBytesNotAvailable) return;
    const auto known = std::ranges::find(state_.processes, info.pid, &GpuProcess::pid);
    if (known != state_.processes.end()) {
        known->bytes += info.used_bytes;
    } else {
        state_.processes.push_back({info.pid, info.used_bytes});
    }
}

Reading DeviceReader::read_slow(SteadyTime now) {
    throughput_.clear();
    if (profiler_.gives_pcie() || state_.lost || !throughput_pause_.over(now)) return Reading::done;
    constexpr double kKilobyte = 1000;
    for (const auto& [direction, field] :
         {std::pair(kPcieTx, GpuField::pcie_tx_bytes_per_second),
          std::pair(kPcieRx, GpuField::pcie_rx_bytes_per_second)}) {
        unsigned kilobytes = 0;
        const int result = api_.pcie_throughput == nullptr
                               ? kFunctionNotFound
                               : api_.pcie_throughput(device_, direction, &kilobytes);
        if (is_lost(result)) return mark(Reading::gpu_lost);
        if (is_driver_gone(result)) return mark(Reading::driver_gone);
        if (is_lacking(result)) throughput_pause_.until = now + settings_.retry_unsupported;
        if (result != kSuccess) break;
        throughput_.set(field, kilobytes * kKilobyte);
    }
    return Reading::done;
}

}  // namespace inferscope::collect::nvml
