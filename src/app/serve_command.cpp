// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "app/commands.h"
#include "app/server.h"

namespace inferscope::app {
namespace {

struct ServeFlags {
    std::string listen = "127.0.0.1:7090";
    std::string sources = "engines,probes,host,gpu,self";
    ServerOptions options;
};

int fail(const Error& error) {
    fmt::print(stderr, "inferscope: {}\n", error.text);
    return 1;
}

int serve(const ServeFlags& flags) {
    ServerOptions options = flags.options;
    auto listen = net::ListenAddress::parse(flags.listen);
    if (!listen) return fail(listen.error().with("--listen"));
    options.listen = std::move(*listen);
    auto sources = SourceSet::parse(flags.sources);
    if (!sources) return fail(sources.error());
    options.sources = *sources;
    // Two heaps are enough for an io thread and a pool of one: more would each keep their own free
    // memory.
    ::mallopt(M_ARENA_MAX, 2);
    auto server = Server::make(std::move(options));
    if (!server) return fail(server.error());
    (*server)->run();
    return 0;
}

}  // namespace

void add_serve(CLI::App& line, Command& chosen) {
    const auto flags = std::make_shared<ServeFlags>();
    auto* command =
        line.add_subcommand("serve", "the whole system in one process; no flags needed");
    command->add_option("--listen", flags->listen, "HOST:PORT of the HTTP server")
        ->capture_default_str();
    command->add_option("--config.file", flags->options.config_file,
                        "our YAML: engines, and all of prometheus.yml's scraping (none: what is "
                        "found on this machine)");
    command->add_option("--storage.path", flags->options.storage_path, "folder for what is kept")
        ->capture_default_str();
    command->add_option("--storage.retention.time", flags->options.retention_time,
                        "samples older than this, counted back from the newest one, are removed; "
                        "0 keeps all (15d)");
    command->add_option("--storage.retention.size", flags->options.retention_size,
                        "the oldest blocks are removed when all are larger than this; 0 is no "
                        "bound (0)");
    command->add_option("--storage.fsync", flags->options.fsync,
                        "interval: a power cut takes the last second at most; always: nothing "
                        "that was acknowledged (interval)");
    command->add_option("--sources", flags->sources, "what runs: a list of these, or none")
        ->capture_default_str();
    command->add_option("--web.config.file", flags->options.web_config_file,
                        "TLS and users, in Prometheus's format");
    command->add_flag("--web.open", flags->options.web_open,
                      "listen beyond loopback without a credential");
    command->add_flag("--demo", flags->options.demo,
                      "simulated engines, marked as such, when none is found");
    command->callback([flags, &chosen] { chosen = [flags] { return serve(*flags); }; });
}

}  // namespace inferscope::app
