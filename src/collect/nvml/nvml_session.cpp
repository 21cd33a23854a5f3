// SPDX-License-Identifier: Apache-2.0
#include "collect/nvml/nvml_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace inferscope::collect::nvml {
namespace {

constexpr unsigned kMaxGpus = 64;

Error driver_error(std::string_view call, int result) {
    const bool absent = result == kDriverNotLoaded || result == kLibraryNotFound;
    return {absent ? Errc::not_found : Errc::unavailable,
            fmt::format("{} answers {}", call, result_name(result))};
}

}  // namespace

Result<std::unique_ptr<NvmlSession>> NvmlSession::start(std::unique_ptr<Library> library,
                                                        const NvmlSettings& settings) {
    if (const int result = library->api().init(); result != kSuccess) {
        return driver_error("nvmlInit_v2", result);
    }
    std::unique_ptr<NvmlSession> session(new NvmlSession(std::move(library), settings));
    auto listed = session->list_devices();
    if (!listed) return listed.error();
    session->register_events();
    return session;
}

NvmlSession::NvmlSession(std::unique_ptr<Library> library, const NvmlSettings& settings)
    : library_(std::move(library)), settings_(settings) {}

NvmlSession::~NvmlSession() {
    const auto& api = library_->api();
    if (event_set_ != nullptr && api.event_set_free != nullptr) api.event_set_free(event_set_);
    devices_.clear();
    api.shutdown();
}

Result<void> NvmlSession::list_devices() {
    const auto& api = library_->api();
    std::array<char, 80> version{};  // NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE
    if (api.driver_version != nullptr &&
        api.driver_version(version.data(), version.size()) == kSuccess) {
        driver_version_.assign(version.data(), ::strnlen(version.data(), version.size()));
    }
    if (const int result = api.device_count(&count_); result != kSuccess) {
        return driver_error("nvmlDeviceGetCount_v2", result);
    }
    for (unsigned index = 0; index < std::min(count_, kMaxGpus); ++index) {
        Device device = nullptr;
        if (const int result = api.device_by_index(index, &device); result != kSuccess) {
            unopened_ += fmt::format("; GPU {} can't be opened: {}", index, result_name(result));
            continue;
        }
        devices_.push_back(std::make_unique<DeviceReader>(api, device, index, settings_));
    }
    return {};
}

void NvmlSession::register_events() {
    const auto& api = library_->api();
    if (api.event_set_create == nullptr || api.event_set_wait == nullptr ||
        api.register_events == nullptr || api.event_set_create(&event_set_) != kSuccess) {
        event_set_ = nullptr;
        return;
    }
    for (const auto& device : devices_) {
        const bool registered =
            api.register_events(device->device(), kXidEvent, event_set_) == kSuccess;
        device->set_watched(registered);
        watches_any_ |= registered;
    }
}

Reading NvmlSession::read(SteadyTime now) {
    for (const auto& device : devices_) {
        if (device->state().lost) continue;  // until the next session
        if (device->read(now) == Reading::driver_gone) return Reading::driver_gone;
    }
    return Reading::done;
}

Reading NvmlSession::read_slow(SteadyTime now) {
    for (const auto& device : devices_) {
        if (device->read_slow(now) == Reading::driver_gone) return Reading::driver_gone;
    }
    return Reading::done;
}

bool NvmlSession::is_complete() const {
    unsigned count = 0;
    if (library_->api().device_count(&count) == kSuccess && count != count_) return false;
    return devices_.size() == std::min(count_, kMaxGpus) &&
           std::ranges::none_of(devices_, [](const auto& device) { return device->state().lost; });
}

bool NvmlSession::wait_for_events(Millis longest, std::vector<XidEvent>& events) {
    constexpr std::size_t kMostAtOnce = 256;
    if (!watches_any_) return false;
    auto patience = static_cast<unsigned>(std::max<std::int64_t>(longest.count(), 0));
    while (events.size() < kMostAtOnce) {
        EventData event{};
        const int result = library_->api().event_set_wait(event_set_, &event, patience);
        if (result == kTimeout) return true;
        if (result != kSuccess)
            return !events.empty();  // a lost GPU answers so at once, again and again
        const auto device = std::ranges::find(devices_, event.device,
                                              [](const auto& reader) { return reader->device(); });
        if (device != devices_.end() && event.type == kXidEvent) {
            events.push_back({(*device)->state().uuid, event.data});
        }
        patience = 0;
    }
    return true;
}

std::string NvmlSession::description() const {
    return fmt::format("driver {}, {} GPUs{}", driver_version_, count_, unopened_);
}

std::vector<GpuState> NvmlSession::states() const {
    std::vector<GpuState> states;
    states.reserve(devices_.size());
    for (const auto& device : devices_) states.push_back(device->state());
    return states;
}

}  // namespace inferscope::collect::nvml
