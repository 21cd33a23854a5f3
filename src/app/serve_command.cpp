// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/commands.h"
#include "app/process_memory.h"
#include "app/server.h"

namespace inferscope::app {
namespace {

struct ServeFlags {
    std::string listen = "127.0.0.1:7090";
    std::string sources = "engines,probes,host,gpu,self";
    ServerOptions options;
};

std::vector<std::pair<std::string, std::string>> values_of_flags(const CLI::App& command) {
    std::vector<std::pair<std::string, std::string>> values;
    for (const auto* option : command.get_options()) {
        const auto name = option->get_single_name();
        if (name == "help") continue;
        const bool is_switch = option->get_expected_max() == 0;
        std::string value = option->get_default_str();
        if (is_switch) value = option->count() > 0 ? "true" : "false";
        if (!is_switch && option->count() > 0)
            value = fmt::to_string(fmt::join(option->results(), ","));
        values.emplace_back(name, std::move(value));
    }
    return values;
}

int serve(const ServeFlags& flags, const CLI::App& command) {
    ServerOptions options = flags.options;
    options.flags = values_of_flags(command);
    auto listen = net::ListenAddress::parse(flags.listen);
    if (!listen) return fail(listen.error().with("--listen"));
    options.listen = std::move(*listen);
    auto sources = SourceSet::parse(flags.sources);
    if (!sources) return fail(sources.error());
    options.sources = *sources;
    set_up_heap();
    auto server = Server::make(std::move(options));
    if (!server) return fail(server.error());
    (*server)->run();
    return 0;
}

void add_query_flags(CLI::App& command, QueryFlags& query) {
    command
        .add_option("--query.max-samples", query.max_samples,
                    "a query that would hold more samples in memory at a time fails")
        ->capture_default_str();
    command
        .add_option("--query.timeout", query.timeout,
                    "a query that takes longer fails, waiting included")
        ->capture_default_str();
    command
        .add_option("--query.max-concurrency", query.max_concurrency,
                    "queries at a time; further ones wait")
        ->capture_default_str();
    command
        .add_option("--query.cache-size", query.cache_bytes,
                    "memory for answers that can be given again, in bytes or as 16MiB; 0 "
                    "keeps none")
        ->transform(CLI::AsSizeValue(false))
        ->capture_default_str();
    command
        .add_option("--query.lookback-delta", query.lookback_delta,
                    "a sample is its series' value for at most so long")
        ->capture_default_str();
    command
        .add_option("--promql.compat", query.compat, "3: PromQL as Prometheus 3 has it; 2: as 2.42")
        ->capture_default_str();
    command
        .add_option("--enable-feature", query.features,
                    "Prometheus's names of PromQL's experimental parts, separated by commas")
        ->join(',');
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
    add_query_flags(*command, flags->options.query);
    command->callback([flags, command, &chosen] {
        chosen = [flags, command] { return serve(*flags, *command); };
    });
}

}  // namespace inferscope::app
