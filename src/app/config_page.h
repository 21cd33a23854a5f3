// SPDX-License-Identifier: Apache-2.0
// The configuration as /api/v1/status/config shows it: what the user wrote, without its secrets.
#pragma once

#include <string>

#include "base/yaml.h"

namespace inferscope::app {

/// YAML. Texts under a key that sounds secret (net/secrets.h), and users, passwords and secret
/// parameters in URLs, are replaced by "<secret>" or "***"; names of files stay.
std::string config_page(const YAML::Node& root);

}  // namespace inferscope::app
