// SPDX-License-Identifier: Apache-2.0
// The hash by which limit_ratio draws its sample, so that it draws the same as Prometheus's.
// Source: Prometheus 3.14, model/labels/labels_stringlabels.go (Hash), xxHash64.
#pragma once

#include <cstdint>

#include "telemetry/labels.h"

namespace inferscope::promql {

std::uint64_t hash_of(const Labels& labels);

}  // namespace inferscope::promql
