// SPDX-License-Identifier: Apache-2.0
// This machine as a source: host and GPUs, collected together.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "telemetry/appender.h"

namespace inferscope::app {

struct MachineSettings {
    bool host = true;
    bool gpu = true;
    Nanos interval = std::chrono::seconds(5);
    Labels place;  ///< cluster_id, cluster_name, worker_id, worker_name
    std::string host_name;
};

/// A process that has memory on a GPU.
struct GpuOfProcess {
    std::string uuid;
    int pid = 0;
};

/// Thread: io; the GPU driver has its own, which is left behind at the end: it may hang.
class Machine {
public:
    Machine(Appender& appender, const Clock& clock, MachineSettings settings);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    /// Starts the driver's thread.
    void start();
    /// False: the driver hangs in a call; then the process must be left without cleaning up.
    bool stop();
    void collect(Timestamp now);
    /// Other exporters publish node exporter's or DCGM's names for this machine: ours are switched
    /// off.
    void set_exporters_present(bool node, bool dcgm);
    [[nodiscard]] std::vector<GpuOfProcess> gpu_processes() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Whether `host` (of a URL) is this machine: loopback, its name, or one of its addresses.
bool is_this_machine(std::string_view host);

}  // namespace inferscope::app
