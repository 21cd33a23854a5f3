// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/config.h"
#include "app/named_files.h"
#include "base/yaml.h"
#include "mapping/mapping.h"

namespace inferscope::app {
namespace {

void print_warnings(const std::vector<ParseError>& warnings) {
    for (const auto& warning : warnings) fmt::print("warning: {}\n", warning.message());
}

/// Prints what is odd about `file`; false if it would be refused.
bool check_config(const std::string& file) {
    const auto config = load_config(file);
    if (!config) {
        fmt::print("{}\n", config.error().message());
        return false;
    }
    const auto files = look_at_files(config->named_files);
    print_warnings(config->warnings);
    print_warnings(files.warnings);
    for (const auto& error : files.errors) fmt::print("{}\n", error.message());
    if (!files.errors.empty()) return false;
    fmt::print("{}: ok: {} engines, {} scrape jobs\n", file, config->engines.size(),
               config->scrape_configs.size());
    return true;
}

bool check_mapping(const std::string& file) {
    const auto text = yaml::read_file(file);
    if (!text) {
        fmt::print("{}\n", text.error().text);
        return false;
    }
    std::vector<ParseError> warnings;
    const auto mapping = mapping::Mapping::parse(*text, file, {}, &warnings);
    if (!mapping) {
        fmt::print("{}\n", mapping.error().message());
        return false;
    }
    print_warnings(warnings);
    fmt::print("{}: ok\n", file);
    return true;
}

void add_kind(CLI::App& check, const char* name, const char* about,
              bool (*check_file)(const std::string&), Command& chosen) {
    const auto files = std::make_shared<std::vector<std::string>>();
    auto* kind = check.add_subcommand(name, about);
    kind->add_option("FILE", *files, "files to check")->required();
    kind->callback([files, check_file, &chosen] {
        chosen = [files, check_file] {
            bool all_good = true;
            for (const auto& file : *files) all_good = check_file(file) && all_good;
            return all_good ? 0 : 1;
        };
    });
}

}  // namespace

void add_check(CLI::App& line, Command& chosen) {
    auto* check = line.add_subcommand(
        "check", "says what is wrong with a file, with line and column; for CI");
    check->require_subcommand(1);
    add_kind(*check, "config", "configuration, ours or Prometheus's", &check_config, chosen);
    add_kind(*check, "mapping", "a mapping (metrics_config.yaml)", &check_mapping, chosen);
}

}  // namespace inferscope::app
