// SPDX-License-Identifier: Apache-2.0
// The driver's library between its start and its end: the GPUs it lists, and their events.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "collect/nvml/device_reader.h"
#include "collect/nvml/library.h"

namespace inferscope::collect::nvml {

/// One XID event.
struct XidEvent {
    std::string uuid;
    std::uint64_t xid = 0;
};

/// Thread: confined to the driver's.
class NvmlSession {
public:
    /// Loads and starts the library, lists the GPUs, registers for their events. A GPU that can't
    /// be listed is left out and logged. Fails with not_found (no library, or no driver loaded),
    /// unavailable (the driver is broken).
    static Result<std::unique_ptr<NvmlSession>> start(std::unique_ptr<Library> library,
                                                      const NvmlSettings& settings);
    ~NvmlSession();
    NvmlSession(const NvmlSession&) = delete;
    NvmlSession& operator=(const NvmlSession&) = delete;

    /// Asks all GPUs. `driver_gone`: end this session and start another one.
    Reading read(SteadyTime now);
    /// What takes long; after `read`, when its numbers have been handed over.
    Reading read_slow(SteadyTime now);
    /// False when the library now lists another number of GPUs, or one was lost: worth a new
    /// session.
    [[nodiscard]] bool is_complete() const;
    /// Waits for events, `longest` at most; returns early with those that came. False: no events
    /// can be had, so nothing was waited for.
    bool wait_for_events(Millis longest, std::vector<XidEvent>& events);

    [[nodiscard]] std::vector<GpuState> states() const;
    [[nodiscard]] const std::string& driver_version() const { return driver_version_; }
    /// "driver 580.65.06, 8 GPUs", and which of them can't be opened, and why.
    [[nodiscard]] std::string description() const;

private:
    NvmlSession(std::unique_ptr<Library> library, const NvmlSettings& settings);
    Result<void> list_devices();
    void register_events();

    std::unique_ptr<Library> library_;
    const NvmlSettings& settings_;
    std::string driver_version_;
    unsigned count_ = 0;
    std::string unopened_;
    std::vector<std::unique_ptr<DeviceReader>> devices_;
    EventSet event_set_ = nullptr;
    bool watches_any_ = false;
};

}  // namespace inferscope::collect::nvml
