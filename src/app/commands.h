// SPDX-License-Identifier: Apache-2.0
// The subcommands. Each adds its flags to the command line, and what to run when it was chosen.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"

namespace CLI {
class App;
}

namespace inferscope::app {

/// Runs the chosen command; the process's exit status.
using Command = std::function<int()>;

/// Exit statuses.
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;

/// Says on the standard error what is wrong; returns `status`.
int fail(std::string_view text, int status = kFailed);
inline int fail(const Error& error, int status = kFailed) { return fail(error.text, status); }

/// Each adds one subcommand to `line`; when the user chose it, `chosen` is set.
void add_serve(CLI::App& line, Command& chosen);
void add_exporter(CLI::App& line, Command& chosen);
void add_simulate(CLI::App& line, Command& chosen);
void add_check(CLI::App& line, Command& chosen);
void add_tsdb(CLI::App& line, Command& chosen);
void add_query(CLI::App& line, Command& chosen);

}  // namespace inferscope::app
