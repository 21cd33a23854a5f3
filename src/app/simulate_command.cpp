// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "app/commands.h"
#include "base/log.h"
#include "simulate/server.h"

namespace inferscope::app {
namespace {

struct SimulateFlags {
    std::string engine = "vllm-v1";
    std::string listen = "127.0.0.1:8000";
    std::string faults;
    simulate::SimulateSettings settings;
};

int simulate_engine(const SimulateFlags& flags) {
    auto settings = flags.settings;
    auto kind = simulate::parse_engine_kind(flags.engine);
    if (!kind) return fail(kind.error().with("--engine"));
    settings.engine.kind = *kind;
    auto listen = net::ListenAddress::parse(flags.listen);
    if (!listen) return fail(listen.error().with("--listen"));
    settings.listen = *listen;
    if (!flags.faults.empty()) {
        bool restart = false;
        auto faults = simulate::Faults::parse(flags.faults, restart);
        if (!faults) return fail(faults.error().with("--faults"));
        settings.faults = std::move(*faults);
    }
    boost::asio::io_context io{1};
    simulate::SimulatedEngine engine(io.get_executor(), settings);
    if (auto listens = engine.listen(); !listens) return fail(listens.error());
    log::info("a simulation of {}, model {}, listening on http://{}:{}", flags.engine,
              settings.engine.model_name, settings.listen.host, engine.port());
    boost::asio::signal_set signals(io, SIGINT, SIGTERM);
    signals.async_wait([&engine](const boost::system::error_code&, int) { engine.stop(); });
    boost::asio::co_spawn(io, engine.run(), boost::asio::detached);
    io.run();
    return 0;
}

}  // namespace

void add_simulate(CLI::App& line, Command& chosen) {
    const auto flags = std::make_shared<SimulateFlags>();
    auto& settings = flags->settings;
    auto& workload = settings.engine.workload;
    auto* command = line.add_subcommand(
        "simulate", "plays an inference engine with a queueing model; always says so");
    command->add_option("--engine", flags->engine, "vllm-v0, vllm-v1 or sglang")
        ->capture_default_str();
    command->add_option("--listen", flags->listen, "HOST:PORT")->capture_default_str();
    command->add_option("--model", settings.engine.model_name, "name of the model")
        ->capture_default_str();
    command
        ->add_option("--rate", workload.requests_per_second,
                     "simulated clients' requests per second")
        ->capture_default_str();
    command->add_option("--speed", settings.speed, "simulated seconds in a real one")
        ->capture_default_str();
    command
        ->add_option("--kv-blocks", settings.engine.kv_blocks, "KV cache, in blocks of 16 tokens")
        ->capture_default_str();
    command->add_option("--max-num-seqs", settings.engine.max_num_seqs, "requests in one batch")
        ->capture_default_str();
    command->add_option("--seed", settings.engine.seed, "the same seed plays the same requests")
        ->capture_default_str();
    command->add_option("--faults", flags->faults,
                        "what is wrong with it, as JSON: {\"hang\": true}");
    command->add_flag("--fault-endpoint", settings.fault_endpoint,
                      "POST /simulate/fault changes the faults");
    command->callback([flags, &chosen] { chosen = [flags] { return simulate_engine(*flags); }; });
}

}  // namespace inferscope::app
