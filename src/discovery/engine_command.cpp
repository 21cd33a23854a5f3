// SPDX-License-Identifier: Apache-2.0
#include "discovery/engine_command.h"

#include <algorithm>
#include <charconv>
#include <span>
#include <string>
#include <vector>

#include "discovery/engine_kinds.h"

namespace inferscope::discovery {
namespace {

using Arguments = std::vector<std::string_view>;

Arguments split(std::string_view command_line) {
    Arguments arguments;
    while (!command_line.empty()) {
        const auto end = std::min(command_line.find('\0'), command_line.size());
        arguments.push_back(command_line.substr(0, end));
        command_line.remove_prefix(std::min(end + 1, command_line.size()));
    }
    return arguments;
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// What is run: a program or, behind an interpreter, its script or module. `rest` are its own
/// arguments.
struct Program {
    std::string_view name;  ///< base name, or the dotted module
    std::span<const std::string_view> rest;
};

std::optional<Program> program_of(std::span<const std::string_view> arguments) {
    if (arguments.empty()) return std::nullopt;
    const auto first = base_name(arguments[0]);
    if (!first.starts_with("python")) return Program{first, arguments.subspan(1)};
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        const auto argument = arguments[i];
        if (argument == "-m") {
            if (i + 1 == arguments.size()) return std::nullopt;
            return Program{arguments[i + 1], arguments.subspan(i + 2)};
        }
        if (argument == "-c") return std::nullopt;  // multiprocessing's children
        if (argument == "-X" || argument == "-W") {
            ++i;
        } else if (!argument.starts_with('-')) {
            return Program{base_name(argument), arguments.subspan(i + 1)};
        }
    }
    return std::nullopt;
}

/// Long flags in their two forms, "--name value" and "--name=value"; '_' and '-' are the same, as
/// vLLM has it.
class Flags {
public:
    explicit Flags(std::span<const std::string_view> arguments) : arguments_(arguments) {}

    [[nodiscard]] bool has(std::string_view name) const {
        return std::ranges::any_of(arguments_, [&](auto argument) {
            return is(argument.substr(0, argument.find('=')), name);
        });
    }
    /// The last one counts.
    [[nodiscard]] std::string_view value(std::string_view name) const {
        std::string_view found;
        for (std::size_t i = 0; i < arguments_.size(); ++i) {
            const auto equals = arguments_[i].find('=');
            if (!is(arguments_[i].substr(0, equals), name)) continue;
            if (equals != std::string_view::npos) {
                found = arguments_[i].substr(equals + 1);
            } else if (i + 1 < arguments_.size()) {
                found = arguments_[i + 1];
            }
        }
        return found;
    }
    [[nodiscard]] std::uint16_t port(std::string_view name, std::uint16_t fallback) const {
        const auto text = value(name);
        std::uint16_t port = 0;
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
        return ec == std::errc() && end == text.data() + text.size() && port != 0 ? port : fallback;
    }

private:
    static bool is(std::string_view argument, std::string_view name) {
        return std::ranges::equal(argument, name,
                                  [](char a, char b) { return (a == '_' ? '-' : a) == b; });
    }
    std::span<const std::string_view> arguments_;
};

EngineCommand server(std::string_view kind, const Flags& flags,
                     std::string_view port_flag = "--port") {
    const auto* const known = find_engine_kind(kind);
    EngineCommand command;
    command.kind = known->kind;
    command.port = flags.port(port_flag, known->port);
    command.metrics_port = known->metrics_port;
    return command;
}

bool is_off(std::string_view value) {
    return value == "false" || value == "False" || value == "0" || value == "off";
}

std::optional<EngineCommand> vllm(const Flags& flags) {
    auto command = server("vllm", flags);
    command.metrics_off = flags.has("--disable-log-stats");
    command.tls = flags.has("--ssl-certfile");
    return command;
}

std::optional<EngineCommand> sglang(const Flags& flags) {
    auto command = server("sglang", flags);
    command.metrics_off = !flags.has("--enable-metrics");
    command.tls = flags.has("--ssl-certfile");
    return command;
}

std::optional<EngineCommand> llama_server(const Flags& flags) {
    auto command = server("llama.cpp", flags);
    command.metrics_off = !flags.has("--metrics");
    command.tls = flags.has("--ssl-cert-file");
    return command;
}

std::optional<EngineCommand> text_generation(const Flags& flags) {
    auto command = server("tgi", flags);
    command.port = flags.port("-p", command.port);
    return command;
}

std::optional<EngineCommand> lmdeploy(const Flags& flags) {
    auto command = server("lmdeploy", flags, "--server-port");
    command.metrics_off = flags.has("--disable-metrics");
    command.tls = flags.has("--ssl");
    return command;
}

std::optional<EngineCommand> triton(const Flags& flags) {
    auto command = server("triton", flags, "--http-port");
    command.metrics_port = flags.port("--metrics-port", command.metrics_port);
    command.metrics_off = is_off(flags.value("--allow-metrics"));
    return command;
}

std::optional<EngineCommand> mindie(const Flags& flags) {
    auto command = server("mindie", flags);
    command.tls = true;  // its default; httpsEnabled in its config.json may say otherwise
    return command;
}

std::optional<EngineCommand> docker_proxy(const Flags& flags) {
    EngineCommand command;
    command.role = EngineCommand::Role::proxy;
    command.port = flags.port("-host-port", 0);
    command.container_port = flags.port("-container-port", 0);
    if (command.port == 0 || command.container_port == 0) return std::nullopt;
    return command;
}

}  // namespace

std::optional<EngineCommand> recognise_command(std::string_view command_line) {
    const auto arguments = split(command_line);
    const auto program = program_of(arguments);
    if (!program) return std::nullopt;
    const auto name = program->name;
    const Flags flags(program->rest);
    const auto word = [&](std::size_t i) {
        return i < program->rest.size() ? program->rest[i] : std::string_view();
    };
    if (name == "vllm" && word(0) == "serve") return vllm(flags);
    if (name == "vllm.entrypoints.openai.api_server") return vllm(flags);
    if (name == "vllm.entrypoints.cli.main" && word(0) == "serve") return vllm(flags);
    if (name == "sglang.launch_server" || (name == "sglang" && word(0) == "serve"))
        return sglang(flags);
    if (name == "llama-server") return llama_server(flags);
    if (name == "text-generation-launcher" || name == "text-generation-router") {
        return text_generation(flags);
    }
    if (name == "lmdeploy" && word(0) == "serve" && word(1) == "api_server") return lmdeploy(flags);
    if (name == "trtllm-serve" || name == "tensorrt_llm.commands.serve")
        return server("tensorrt-llm", flags);
    if (name == "mindieservice_daemon") return mindie(flags);
    if (name == "tritonserver") return triton(flags);
    if (name.starts_with("vllm_nvext.entrypoints.") || name.starts_with("nim_llm")) {
        return server("nim", flags);
    }
    if (name == "docker-proxy") return docker_proxy(flags);
    return std::nullopt;
}

}  // namespace inferscope::discovery
