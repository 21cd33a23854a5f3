// SPDX-License-Identifier: Apache-2.0
// The log: one line for each event, to standard error, with time and level. Secrets never get here:
// whoever logs a URL or a header redacts it first (net/url.h).
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace inferscope::log {

enum class Level { debug, info, warning, error };

/// Lines below `level` are dropped. Default: info. Thread: any.
void set_level(Level level);
[[nodiscard]] bool enabled(Level level);
/// Writes one line with a single write(2). Control bytes in `text` are escaped. Thread: any.
void write(Level level, std::string_view text);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::debug))
        write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::info)) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::warning)) {
        write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
    }
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::error))
        write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace inferscope::log
