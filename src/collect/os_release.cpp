// SPDX-License-Identifier: Apache-2.0
#include "collect/os_release.h"

#include "collect/scanner.h"

namespace inferscope::collect {
namespace {

/// As a shell would read a simple assignment: one pair of quotes, backslash escapes outside of
/// single quotes.
std::string unquote(std::string_view value) {
    char quote = 0;
    if (!value.empty() && (value[0] == '"' || value[0] == '\'')) {
        quote = value[0];
        value.remove_prefix(1);
        if (value.ends_with(quote)) value.remove_suffix(1);
    }
    std::string out;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] == '\\' && quote != '\'' && i + 1 < value.size()) ++i;
        out += value[i];
    }
    return out;
}

}  // namespace

OsRelease parse_os_release(std::string_view text) {
    OsRelease release;
    std::string version_id;
    while (auto line = take_line(text)) {
        const auto equals = line->find('=');
        if (equals == std::string_view::npos) continue;
        const auto key = line->substr(0, equals);
        const auto value = line->substr(equals + 1);
        if (key == "NAME") release.name = unquote(value);
        if (key == "VERSION") release.version = unquote(value);
        if (key == "VERSION_ID") version_id = unquote(value);
    }
    if (release.version.empty()) release.version = version_id;
    return release;
}

}  // namespace inferscope::collect
