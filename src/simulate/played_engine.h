// SPDX-License-Identifier: Apache-2.0
// One engine being played: its model, its clock, its faults, its page. Knows no sockets; real time
// comes from the caller.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "simulate/engine.h"
#include "simulate/http_activity.h"
#include "simulate/model.h"

namespace inferscope::simulate {

/// A request from outside: `life` tells requests before a restart from those after it.
struct Ticket {
    std::uint64_t life = 0;
    RequestId id{};
};

/// What a request from outside gained since it was last asked.
struct Received {
    int tokens = 0;
    std::optional<FinishReason> finished;
};

/// Confined to one thread.
class PlayedEngine {
public:
    /// `speed`: simulated seconds in a real one. `wall`: the start of the simulated process.
    PlayedEngine(EngineSettings settings, double speed, Faults faults, SteadyTime now,
                 Timestamp wall);

    /// Plays until `now`. At most a simulated minute: what is more is lost, so that no call takes
    /// long.
    void advance(SteadyTime now);
    void set_faults(Faults faults, SteadyTime now);
    /// As a process that was started again: counters at zero, what was in hand is lost. Faults
    /// stay.
    void restart(SteadyTime now, Timestamp wall);

    [[nodiscard]] const EngineSettings& settings() const { return settings_; }
    [[nodiscard]] const Faults& faults() const { return faults_; }
    [[nodiscard]] bool is_loading(SteadyTime now) const { return now < ready_; }
    [[nodiscard]] const QueueingModel& model() const { return *model_; }
    [[nodiscard]] HttpActivity& http() { return *http_; }
    [[nodiscard]] std::string page() const;
    /// Real time until something happens in the model; nothing if nothing ever will.
    [[nodiscard]] std::optional<Nanos> until_next_event() const;

    /// Nothing if the waiting queue is full.
    std::optional<Ticket> submit(const Arrival& request);
    /// Nothing once the request is lost by a restart. After `finished` the request is forgotten.
    std::optional<Received> take(Ticket ticket);
    /// Its client left.
    void abort(Ticket ticket);

private:
    EngineSettings settings_;
    double speed_;
    Faults faults_;
    std::optional<QueueingModel> model_;
    std::optional<HttpActivity> http_;
    std::uint64_t life_ = 0;
    std::map<RequestId, Received> received_;
    SteadyTime last_, ready_;
    Timestamp started_ = 0;
};

}  // namespace inferscope::simulate
