// SPDX-License-Identifier: Apache-2.0
// The states of an engine, as they stand in `inferscope_engine_state{state}` and on the pages.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace inferscope::engines {

enum class EngineState : std::uint8_t {
    alive,      ///< has work and progresses
    idle,       ///< has nothing to do, or sleeps
    saturated,  ///< has work, is slow to answer, and progresses: not to be restarted
    hung,       ///< has work and does not progress, whatever its health look says
    blind,      ///< answers, but doesn't show what it does
    loading,    ///< not ready yet
    down,       ///< nobody listens, or the engine behind the port has died
};

inline constexpr std::array kEngineStates{
    EngineState::alive, EngineState::idle,    EngineState::saturated, EngineState::hung,
    EngineState::blind, EngineState::loading, EngineState::down};

constexpr std::string_view to_string(EngineState state) {
    switch (state) {
        case EngineState::alive:
            return "alive";
        case EngineState::idle:
            return "idle";
        case EngineState::saturated:
            return "saturated";
        case EngineState::hung:
            return "hung";
        case EngineState::blind:
            return "blind";
        case EngineState::loading:
            return "loading";
        case EngineState::down:
            return "down";
    }
    return "";
}

}  // namespace inferscope::engines
