// SPDX-License-Identifier: Apache-2.0
// Whether the files that a configuration names are there, for `check config`. `serve` starts
// without certificates, passwords and lists of targets, as Prometheus does, and says at their use
// what is wrong.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "base/yaml.h"

namespace inferscope::app {

/// Each with the place where the file is named.
struct FileFindings {
    std::vector<ParseError> errors;    ///< can't be read
    std::vector<ParseError> warnings;  ///< a pattern that matches no file now
};

FileFindings look_at_files(std::span<const yaml::NamedFile> files);

}  // namespace inferscope::app
