// SPDX-License-Identifier: Apache-2.0
// What a command line says about an inference engine. Pure. A command line may hold secrets
// (--api-key): nothing of it leaves but what stands in this struct.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace inferscope::discovery {

struct EngineCommand {
    enum class Role {
        server,  ///< answers HTTP
        proxy,   ///< Docker's: forwards `port` of this machine to `container_port`
    };
    Role role = Role::server;
    std::string_view kind;             ///< as in engine_kinds(); a literal. Empty for a proxy
    std::uint16_t port = 0;            ///< of the API: said, or the engine's default
    std::uint16_t metrics_port = 0;    ///< 0: the API's
    std::uint16_t container_port = 0;  ///< proxy only
    bool metrics_off = false;          ///< the flags leave them off
    bool tls = false;

    bool operator==(const EngineCommand&) const = default;
};

/// `command_line` as /proc/PID/cmdline holds it: arguments, each ended by a NUL. Nothing for what
/// is no engine's server: also an engine's own worker processes, shells and routers.
std::optional<EngineCommand> recognise_command(std::string_view command_line);

}  // namespace inferscope::discovery
