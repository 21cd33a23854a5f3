// SPDX-License-Identifier: Apache-2.0
// inferscope: one binary, its commands.
#include <CLI/CLI.hpp>
#include <string>

#include "app/commands.h"
#include "app/version.h"

int main(int argc, char** argv) {
    CLI::App line(
        "LLM-inference observability: finds engines, scrapes, probes and unifies them, judges "
        "their state.",
        "inferscope");
    line.set_version_flag("--version", std::string(inferscope::app::kVersion));
    line.require_subcommand(1);
    inferscope::app::Command chosen;
    inferscope::app::add_serve(line, chosen);
    inferscope::app::add_exporter(line, chosen);
    inferscope::app::add_simulate(line, chosen);
    inferscope::app::add_check(line, chosen);
    try {
        line.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return line.exit(error) == 0 ? 0 : 2;  // 0: --help, --version
    }
    return chosen();
}
