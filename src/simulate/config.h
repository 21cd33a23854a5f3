// SPDX-License-Identifier: Apache-2.0
// What a simulated engine's server is told: settings, defaults, checks.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "net/http_server.h"
#include "simulate/engine.h"

namespace inferscope::simulate {

struct SimulateSettings {
    EngineSettings engine;
    net::ListenAddress listen;               ///< port 0: any free one
    std::vector<std::string> allowed_hosts;  ///< as net::ServerSettings
    double speed = 1;                        ///< simulated seconds in a real one: 0.01 to 1000
    Faults faults;
    /// POST /simulate/fault changes the faults (off: 404).
    bool fault_endpoint = false;

    /// Fails with invalid_argument, naming the setting, what came and the bound.
    [[nodiscard]] Result<void> check() const;
};

/// One engine of each kind, each with its own traffic and troubles (a calm one, a bursty one, one
/// whose KV cache is too small), for `serve --demo`. They listen on loopback, on free ports.
std::vector<SimulateSettings> demo_settings();

}  // namespace inferscope::simulate
