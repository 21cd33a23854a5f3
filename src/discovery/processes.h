// SPDX-License-Identifier: Apache-2.0
// Engines among the processes of this machine: listening sockets first, and only when their set has
// changed the command lines of processes. Cheap enough to ask every ten seconds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "discovery/listening_sockets.h"

namespace inferscope::discovery {

struct FoundEngine {
    int pid = 0;  ///< of its server process; 0: inside of a container whose process isn't known
    std::string kind;
    std::string address;
    std::uint16_t port = 0;          ///< of the API
    std::uint16_t metrics_port = 0;  ///< of the metrics; often the same
    bool metrics_off = false;        ///< its command line leaves them off
    bool tls = false;
    bool listens = true;  ///< false: its process runs, its port (said or usual) isn't open yet
    std::vector<int>
        worker_pids;  ///< its descendants at the time of the look, which hold the GPU; rising
    bool operator==(const FoundEngine&) const = default;
};

/// Thread: confined; reads files and blocks for as long as the kernel takes.
class EngineProcesses {
public:
    /// `proc` is where the process file system stands; tests have their own.
    explicit EngineProcesses(std::string proc = "/proc") : proc_(std::move(proc)) {}

    /// True if the engines changed since the last look.
    bool look();
    /// By port.
    [[nodiscard]] const std::vector<FoundEngine>& engines() const { return engines_; }
    /// Engines' processes whose sockets we may not see (another user's), at the last scan.
    [[nodiscard]] std::size_t unreadable() const { return unreadable_; }
    /// How often all processes were looked through.
    [[nodiscard]] std::uint64_t scans() const { return scans_; }

private:
    std::vector<FoundEngine> scan(const std::vector<ListeningSocket>& sockets);

    std::string proc_;
    std::vector<ListeningSocket> sockets_;
    std::vector<FoundEngine> engines_;
    bool looked_ = false;
    std::size_t unreadable_ = 0;
    std::uint64_t scans_ = 0;
};

}  // namespace inferscope::discovery
