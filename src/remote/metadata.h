// SPDX-License-Identifier: Apache-2.0
// TYPE, HELP and UNIT, which remote write sends beside the series.
#pragma once

#include <optional>
#include <string_view>

#include "telemetry/metadata.h"

namespace inferscope::remote {

/// Reads a MetricMetadata message. Nothing if it can't be read, has no name or isn't UTF-8.
/// Source: Prometheus, prompb/types.proto.
std::optional<Family> read_metadata(std::string_view message);

}  // namespace inferscope::remote
