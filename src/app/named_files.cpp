// SPDX-License-Identifier: Apache-2.0
#include "app/named_files.h"

#include <fmt/format.h>

#include <utility>

#include "discovery/file_source.h"

namespace inferscope::app {
namespace {

ParseError finding(const yaml::NamedFile& file, std::string_view what) {
    ParseError found = file.place;
    found.text += fmt::format(": {}", what);
    return found;
}

}  // namespace

FileFindings look_at_files(std::span<const yaml::NamedFile> files) {
    FileFindings findings;
    for (const auto& file : files) {
        if (file.is_pattern) {
            if (!discovery::files_matching({file.path}).empty()) continue;
            findings.warnings.push_back(
                finding(file, fmt::format("'{}' matches no file now", file.path)));
        } else if (const auto text = yaml::read_file(file.path); !text) {
            findings.errors.push_back(finding(file, text.error().text));
        }
    }
    return findings;
}

}  // namespace inferscope::app
