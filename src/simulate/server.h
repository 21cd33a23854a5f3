// SPDX-License-Identifier: Apache-2.0
// A simulated engine on a socket: /metrics, /health, /v1/models, chat completions, as the real one
// answers them. Every answer says that it is a simulation (`Server: inferscope-simulate`,
// `X-Simulated: true`, a version with
// "+simulated").
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "net/async.h"
#include "simulate/config.h"

namespace inferscope::simulate {

/// Several may run in one process. Thread: confined to its executor.
class SimulatedEngine {
public:
    SimulatedEngine(net::Executor executor, SimulateSettings settings);
    ~SimulatedEngine();
    SimulatedEngine(const SimulatedEngine&) = delete;
    SimulatedEngine& operator=(const SimulatedEngine&) = delete;

    /// Checks the settings, starts the simulated process, binds and listens. Comes before
    /// everything else.
    Result<void> listen();
    /// The port bound, for listen port 0.
    [[nodiscard]] std::uint16_t port() const;
    /// Plays until stop().
    net::Task<void> run();
    void stop();

    /// Takes the place of all faults before. Fails as Faults::check().
    Result<void> set_faults(Faults faults);
    /// As if its process had been started again: counters at zero, requests in hand lost.
    void restart();

private:
    class Endpoints;
    net::Executor executor_;
    SimulateSettings settings_;
    std::unique_ptr<Endpoints> endpoints_;  ///< none before listen()
};

}  // namespace inferscope::simulate
