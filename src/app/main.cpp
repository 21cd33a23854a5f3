// SPDX-License-Identifier: Apache-2.0
// inferscope: one binary, its commands.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/process_memory.h"
#include "app/version.h"
#include "base/text.h"

namespace {

/// The command that was understood last, e.g. `check` of `check nonsense`.
const CLI::App& last_understood(const CLI::App& command) {
    const auto understood = command.get_subcommands();
    return understood.empty() ? command : last_understood(*understood.front());
}

std::vector<std::string> names_of_commands(const CLI::App& command) {
    std::vector<std::string> names;
    for (const auto* known : command.get_subcommands({})) names.push_back(known->get_name());
    return names;
}

/// Says what is wrong with `line`, which could not be parsed, and returns the exit status. CLI11
/// alone doesn't name a command that it doesn't know.
int explain(const CLI::App& line, const CLI::ParseError& error) {
    const auto& command = last_understood(line);
    const auto known = names_of_commands(command);
    const auto words = command.remaining();
    if (known.empty() || words.empty() || words.front().starts_with('-'))
        return line.exit(error) == 0 ? 0 : 2;  // 0: --help, --version
    fmt::print(stderr, "{}: unknown command '{}': there is {}\n", command.get_name(),
               inferscope::quote_for_message(words.front()), fmt::join(known, ", "));
    return 2;
}

}  // namespace

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
    inferscope::app::add_tsdb(line, chosen);
    inferscope::app::add_query(line, chosen);
    try {
        line.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return explain(line, error);
    }
    if (line.got_subcommand("serve")) inferscope::app::start_again_with_larger_caches(argv);
    return chosen();
}
